//! When a job runs.

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};

use crate::kernel::Timestamp;

/// A cron expression with seconds, in UTC.
pub struct Schedule(Cron);

impl Schedule {
    /// `None` for what is not a cron expression of six fields.
    pub fn parse(cron: &str) -> Option<Self> {
        // The same dialect as tokio-cron-scheduler reads.
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        parser.parse(cron).ok().map(Self)
    }

    /// The first time after `now`.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.find_next_occurrence(&date_time(now)?, false).ok().map(timestamp)
    }

    /// The last time before `now`.
    pub fn previous(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.find_previous_occurrence(&date_time(now)?, false).ok().map(timestamp)
    }
}

fn date_time(time: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time.as_micros())
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp::from_micros(time.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_job_runs_next_tomorrow_and_ran_last_this_morning() {
        let schedule = Schedule::parse("0 30 3 * * *").unwrap();
        let now = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        assert_eq!(schedule.next(now), Timestamp::parse("2026-11-23T03:30:00Z"));
        assert_eq!(schedule.previous(now), Timestamp::parse("2026-11-22T03:30:00Z"));
        assert!(Schedule::parse("30 3 * * *").is_none());
    }

    #[test]
    fn every_job_has_a_schedule_and_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for job in super::super::JOBS {
            assert!(Schedule::parse(job.cron).is_some(), "{}", job.name);
            assert!(names.insert(job.name), "{}", job.name);
        }
    }
}
