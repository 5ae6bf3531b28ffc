//! One scheduled job.

use std::time::Duration;

use askama::Template;

use super::Chrome;
use super::form::Field;
use super::platform::duration;
use super::state::JobResult;
use crate::jobs::{Rhythm, RunState};
use crate::kernel::Timestamp;
use crate::web::messages::Messages;

/// `GET /platform/jobs/{code}`; `POST …/run`, `…/cancel` and `…/schedule` (`schedule`, `enabled`).
#[derive(Template)]
#[template(path = "platform/job.html")]
pub struct JobPage {
    pub chrome: Chrome,
    pub name: String,
    pub description: String,
    /// The cron expression in force, and in words where it is simple.
    pub schedule: String,
    pub when: Option<String>,
    pub time_zone: String,
    pub enabled: bool,
    pub vital: bool,
    pub result: JobResult,
    pub next_run: Option<Timestamp>,
    pub progress: Option<(u64, u64)>,
    pub runs: Vec<JobRunRow>,
    /// What the run that is looked at has said.
    pub output: String,
    /// For who may start and cancel it.
    pub acts: Option<JobActs>,
}

pub struct JobActs {
    /// None where nobody changes it.
    pub schedule: Option<Field>,
    /// What the tick box shows.
    pub ticked: bool,
    pub own_schedule: &'static str,
    pub may_cancel: bool,
}

pub struct JobRunRow {
    pub id: String,
    pub result: JobResult,
    pub started: Timestamp,
    pub took: Option<Duration>,
    /// The message that says why it began.
    pub origin: &'static str,
    pub requester: Option<String>,
    pub message: Option<String>,
    /// Whether what it said is shown.
    pub is_shown: bool,
}

impl JobRunRow {
    pub fn took_text(&self) -> Option<String> {
        self.took.map(duration)
    }
}

impl JobPage {
    pub fn is_running(&self) -> bool {
        self.result == JobResult::Running
    }
}

/// How a job's run went.
pub const fn result(state: Option<RunState>) -> JobResult {
    match state {
        None => JobResult::NeverRun,
        Some(RunState::Running) => JobResult::Running,
        Some(RunState::Succeeded) => JobResult::Completed,
        Some(RunState::Failed) => JobResult::Failed,
        Some(RunState::Interrupted) => JobResult::Interrupted,
        Some(RunState::Cancelled) => JobResult::Cancelled,
        Some(RunState::NotSetUp) => JobResult::NotSetUp,
    }
}

/// A simple schedule in words: daily at 02:15.
pub fn when(cron: &str) -> Option<String> {
    let messages = Messages::english();
    let time = |hour: u32, minute: u32| ("time", format!("{hour:02}:{minute:02}").into());
    let said = match Rhythm::of(cron)? {
        Rhythm::Seconds(count) => messages.with("when-seconds", &[("count", count.into())]),
        Rhythm::Minutes(count) => messages.with("when-minutes", &[("count", count.into())]),
        Rhythm::Hourly(minute) => {
            messages.with("when-hourly", &[("minute", format!("{minute:02}").into())])
        }
        Rhythm::Daily { hour, minute } => messages.with("when-daily", &[time(hour, minute)]),
        Rhythm::Weekly { day, hour, minute } => {
            let day = messages.label("weekday-", &day.to_string());
            messages.with("when-weekly", &[("day", day.into()), time(hour, minute)])
        }
    };
    Some(said.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_name_for_people_and_simple_schedules_are_said_in_words() {
        for job in crate::jobs::JOBS {
            assert!(Messages::english().has_label("job-name-", job.name), "{}", job.name);
        }
        let said = |cron: &str| when(cron).unwrap_or_default();
        assert_eq!(said("0 15 2 * * *"), "daily at 02:15");
        assert_eq!(said("0 0 5 * * 7"), "Sundays at 05:00");
        assert_eq!(said("35 7 * * * *"), "every hour at :07");
        assert_eq!(said("* * * * * *"), "every second");
        assert_eq!(said("30 */10 * * * *"), "every 10 minutes");
    }
}
