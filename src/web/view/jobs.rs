//! One scheduled job.

use std::time::Duration;

use askama::Template;

use super::Chrome;
use super::form::Field;
use super::platform::duration;
use super::state::JobResult;
use crate::kernel::Timestamp;

/// `GET /platform/jobs/{code}`; `POST …/run`, `…/cancel` and `…/schedule` (`schedule`, `enabled`).
#[derive(Template)]
#[template(path = "platform/job.html")]
pub struct JobPage {
    pub chrome: Chrome,
    pub name: String,
    pub description: String,
    /// The cron expression in force.
    pub schedule: String,
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
