//! When a job runs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};

use crate::kernel::Timestamp;

/// A cron expression with seconds, in a time zone. A fixed time that a day skips (summer time
/// begins) comes when the skipped hour is over; one that a day has twice comes the first time.
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// `None` for what is not a cron expression of six fields.
    pub fn parse(cron: &str, zone: Tz) -> Option<Self> {
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        parser.parse(cron).ok().map(|cron| Self { cron, zone })
    }

    /// The first time after `now`.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let mut from = self.date_time(now)?;
        loop {
            let next = self.cron.find_next_occurrence(&from, false).ok()?;
            if next <= from {
                return None;
            }
            if self.cron.is_time_matching(&next).unwrap_or(true) || self.was_skipped(&next) {
                return Some(timestamp(next));
            }
            from = next;
        }
    }

    /// Whether a time of the schedule was skipped just before `after`: on the day that skips an
    /// hour, croner answers its end for schedules as well that have no time in it.
    fn was_skipped(&self, after: &DateTime<Tz>) -> bool {
        let second = chrono::TimeDelta::seconds(1);
        let before = (*after - second).naive_local();
        let times = self.cron.find_next_occurrence(&before.and_utc(), false);
        times.is_ok_and(|time| time.naive_utc() < after.naive_local())
    }

    /// The last time before `now`.
    pub fn previous(&self, now: Timestamp) -> Option<Timestamp> {
        self.cron.find_previous_occurrence(&self.date_time(now)?, false).ok().map(timestamp)
    }

    /// The shortest time between the next times.
    pub fn shortest_gap(&self, now: Timestamp) -> Option<Duration> {
        let times = std::iter::successors(self.next(now), |time| self.next(*time));
        let times: Vec<_> = times.take(20).collect();
        times.windows(2).map(|pair| pair[1].since(pair[0])).min()
    }

    fn date_time(&self, time: Timestamp) -> Option<DateTime<Tz>> {
        let time = DateTime::<Utc>::from_timestamp_micros(time.as_micros())?;
        Some(time.with_timezone(&self.zone))
    }
}

fn timestamp(time: DateTime<Tz>) -> Timestamp {
    Timestamp::from_micros(time.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeZone as _, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_daily_job_runs_next_tomorrow_and_ran_last_this_morning() {
        let schedule = Schedule::parse("0 30 3 * * *", Tz::UTC).unwrap();
        let now = at("2026-11-22T05:06:07Z");
        assert_eq!(schedule.next(now), Some(at("2026-11-23T03:30:00Z")));
        assert_eq!(schedule.previous(now), Some(at("2026-11-22T03:30:00Z")));
        assert!(Schedule::parse("30 3 * * *", Tz::UTC).is_none());
    }

    #[test]
    fn in_berlin_a_job_runs_after_the_hour_that_spring_skips_and_once_in_the_hour_that_autumn_doubles()
     {
        let schedule = Schedule::parse("0 30 2 * * *", Tz::Europe__Berlin).unwrap();
        // 2026-03-29: from 02:00 to 03:00.
        let next = schedule.next(at("2026-03-28T12:00:00Z")).unwrap();
        assert!(next >= at("2026-03-29T01:00:00Z") && next <= at("2026-03-29T01:30:00Z"));
        assert_eq!(schedule.next(next), Some(at("2026-03-30T00:30:00Z")));
        // 2026-10-25: 02:30 is there twice.
        assert_eq!(schedule.next(at("2026-10-24T12:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
        let after = schedule.next(at("2026-10-25T00:30:00Z"));
        assert_eq!(after, Some(at("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn every_job_has_a_schedule_and_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for job in super::super::JOBS {
            assert!(Schedule::parse(job.cron, Tz::UTC).is_some(), "{}", job.name);
            assert!(names.insert(job.name), "{}", job.name);
        }
        for name in super::super::VITAL {
            assert!(names.contains(name), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_daily_job_runs_once_on_each_day_of_a_year_in_berlin(hour in 0..24u32, minute in 0..60u32) {
            let zone = Tz::Europe__Berlin;
            let schedule = Schedule::parse(&format!("0 {minute} {hour} * * *"), zone).unwrap();
            let start = zone.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
            let mut now = timestamp(start).minus(Duration::from_secs(1));
            for day in 0..365 {
                now = schedule.next(now).unwrap();
                let local = schedule.date_time(now).unwrap();
                let expected = start.date_naive() + chrono::Days::new(day);
                prop_assert_eq!(local.date_naive(), expected);
                let skipped = local.month() == 3 && local.day() == 29 && hour == 2;
                prop_assert!(skipped || (local.hour(), local.minute()) == (hour, minute));
            }
        }

        #[test]
        fn a_job_of_every_quarter_of_an_hour_never_waits_longer(minutes in 0..525_600u64) {
            let schedule = Schedule::parse("0 */15 * * * *", Tz::Europe__Berlin).unwrap();
            let now = at("2026-01-01T00:00:00Z").plus(Duration::from_secs(minutes * 60));
            let next = schedule.next(now).unwrap();
            prop_assert!(next > now && next.since(now) <= Duration::from_secs(900));
        }
    }
}
