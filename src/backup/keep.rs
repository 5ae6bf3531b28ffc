//! Which of an owner's archives are kept.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Datelike};

use crate::config;
use crate::kernel::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many, for how long.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub daily: usize,
    pub weekly: usize,
    /// Days after which none is kept, whatever the counts say.
    pub days: u32,
}

impl Rule {
    pub fn data(settings: &config::Backup) -> Self {
        let (daily, weekly) = (settings.daily as usize, settings.weekly as usize);
        Self { daily, weekly, days: settings.days }
    }

    /// Of archives that hold keys.
    pub fn keys(settings: &config::Backup) -> Self {
        let days = settings.key_days.min(settings.days);
        Self { daily: days as usize, weekly: 0, days }
    }

    /// Whether something is past every count.
    pub fn is_over(self, taken: Timestamp, now: Timestamp) -> bool {
        now.since(taken) >= DAY.saturating_mul(self.days)
    }
}

/// For each of an owner's archives of one kind, the newest first, whether it is kept: the newest of
/// each of the last days and weeks (UTC, ISO 8601) that have one, and all of the last 24 hours. The
/// very newest always is while
/// its owner lives; one from the future is, because the clock may be wrong.
pub fn keep(taken: &[Timestamp], now: Timestamp, rule: Rule, lives: bool) -> Vec<bool> {
    let (mut days, mut weeks) = (HashSet::new(), HashSet::new());
    let mut kept = Vec::with_capacity(taken.len());
    for (n, time) in taken.iter().enumerate() {
        if *time > now {
            kept.push(true);
            continue;
        }
        let date = DateTime::from_timestamp_micros(time.as_micros()).unwrap_or_default();
        let first_of_day = days.len() < rule.daily && days.insert(date.date_naive());
        let week = (date.iso_week().year(), date.iso_week().week());
        let first_of_week = weeks.len() < rule.weekly && weeks.insert(week);
        // Who makes several after an accident must not push out the one from before it.
        let is_young = now.since(*time) < DAY;
        let wanted = (is_young || first_of_day || first_of_week) && !rule.is_over(*time, now);
        kept.push(wanted || (lives && n == 0));
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);

    fn ago(hours: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn a_year_of_daily_backups_leaves_a_week_of_days_and_a_month_of_weeks() {
        let taken: Vec<_> = (0..365).map(|day| ago(day * 24)).collect();
        let rule = Rule { daily: 7, weekly: 4, days: 30 };
        let kept = keep(&taken, NOW, rule, true);
        let ages: Vec<_> = kept.iter().enumerate().filter(|(_, kept)| **kept).collect();
        assert!(kept[..7].iter().all(|kept| *kept));
        assert!((9..=11).contains(&ages.len()), "{ages:?}");
        assert!(ages.iter().all(|(age, _)| *age < 30), "{ages:?}");
    }

    proptest! {
        #[test]
        fn the_last_one_stays_and_nothing_else_outlives_its_days(
            mut hours in prop::collection::vec(0_u64..2000, 0..80),
            daily in 1_usize..10, weekly in 0_usize..6, days in 1_u32..40, lives: bool,
        ) {
            hours.sort_unstable();
            let taken: Vec<_> = hours.iter().map(|hours| ago(*hours)).collect();
            let rule = Rule { daily, weekly, days };
            let kept = keep(&taken, NOW, rule, lives);
            prop_assert_eq!(kept.len(), taken.len());
            if lives && !kept.is_empty() {
                prop_assert!(kept[0]);
            }
            for (n, age) in hours.iter().enumerate() {
                if kept[n] {
                    prop_assert!(*age < u64::from(days) * 24 || (lives && n == 0));
                }
            }
            let young = hours.iter().filter(|age| **age < 24).count();
            prop_assert!(kept[..young].iter().all(|kept| *kept), "of the last day, every one");
            let older = kept[young..].iter().filter(|kept| **kept).count();
            prop_assert!(older <= daily + weekly + 1);
            // Of a day with backups within the count, the newest is there.
            if let Some(newest) = hours.first() && *newest < u64::from(days) * 24 {
                prop_assert!(kept[0]);
            }
        }
    }
}
