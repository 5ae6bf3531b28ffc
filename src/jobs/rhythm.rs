//! Schedules that words can say.

/// What a simple cron expression means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    Seconds(u32),
    Minutes(u32),
    /// At a minute of every hour.
    Hourly(u32),
    Daily {
        hour: u32,
        minute: u32,
    },
    /// On a day of the week; Sunday is 0.
    Weekly {
        day: u32,
        hour: u32,
        minute: u32,
    },
}

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Rhythm {
    /// `None` for what takes more words than it is worth.
    pub fn of(cron: &str) -> Option<Self> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let [second, minute, hour, "*", "*", weekday] = fields[..] else { return None };
        if hour == "*" {
            return Self::of_hours(second, minute).filter(|_| weekday == "*");
        }
        second.parse::<u32>().ok()?;
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        match weekday {
            "*" => Some(Self::Daily { hour, minute }),
            day => Some(Self::Weekly { day: weekday_number(day)?, hour, minute }),
        }
    }

    fn of_hours(second: &str, minute: &str) -> Option<Self> {
        match (second, minute) {
            ("*", "*") => Some(Self::Seconds(1)),
            (second, "*") if second.starts_with("*/") => {
                second[2..].parse().ok().map(Self::Seconds)
            }
            (second, "*") if second.contains(',') => evenly(second).map(Self::Seconds),
            (second, "*") => second.parse::<u32>().ok().map(|_| Self::Minutes(1)),
            (second, minute) => {
                second.parse::<u32>().ok()?;
                match minute.strip_prefix("*/") {
                    Some(step) => step.parse().ok().map(Self::Minutes),
                    None => minute.parse().ok().map(Self::Hourly),
                }
            }
        }
    }

    /// Whether it is something of the night, and no heartbeat.
    pub const fn is_rare(self) -> bool {
        matches!(self, Self::Daily { .. } | Self::Weekly { .. })
    }
}

fn weekday_number(text: &str) -> Option<u32> {
    let named = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    let number = named.map(|day| day as u32).or_else(|| text.parse().ok())?;
    (number <= 7).then_some(number % 7)
}

/// Two times in a minute that are as far from one another either way.
fn evenly(seconds: &str) -> Option<u32> {
    let (first, second) = seconds.split_once(',')?;
    let (first, second): (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
    (second.checked_sub(first)? == 30).then_some(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_schedules_are_understood_and_others_are_left_to_their_cron_text() {
        let daily = Rhythm::Daily { hour: 2, minute: 15 };
        let sunday = Rhythm::Weekly { day: 0, hour: 5, minute: 0 };
        for (cron, means) in [
            ("* * * * * *", Some(Rhythm::Seconds(1))),
            ("*/10 * * * * *", Some(Rhythm::Seconds(10))),
            ("15,45 * * * * *", Some(Rhythm::Seconds(30))),
            ("15,40 * * * * *", None),
            ("40 * * * * *", Some(Rhythm::Minutes(1))),
            ("30 */10 * * * *", Some(Rhythm::Minutes(10))),
            ("35 7 * * * *", Some(Rhythm::Hourly(7))),
            ("0 15 2 * * *", Some(daily)),
            ("0 0 5 * * 7", Some(sunday)),
            ("0 0 5 * * sun", Some(sunday)),
            ("0 0 5 1 * *", None),
            ("0 15 2-4 * * *", None),
            ("0 15 2 * * MON-FRI", None),
        ] {
            assert_eq!(Rhythm::of(cron), means, "{cron}");
        }
    }

    #[test]
    fn every_job_has_a_schedule_that_words_can_say() {
        for job in super::super::JOBS {
            assert!(Rhythm::of(job.cron).is_some(), "{}", job.name);
        }
    }
}
