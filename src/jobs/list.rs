//! The jobs with their schedules and latest runs, for the console.

use std::time::Duration;

use super::repo::{self, RunState};
use super::{JOBS, Schedule};
use crate::authz::Grant;
use crate::authz::permission::PlatformJobRead;
use crate::kernel::Timestamp;
use crate::tenants::{DoorError, Tenants};

#[derive(Clone, Debug)]
pub struct JobStatus {
    pub name: &'static str,
    pub description: &'static str,
    /// The cron expression in force: with seconds, UTC.
    pub schedule: String,
    /// None before the first run.
    pub state: Option<RunState>,
    /// When the latest run began.
    pub last_run: Option<Timestamp>,
    pub took: Option<Duration>,
    /// None when the job is switched off.
    pub next_run: Option<Timestamp>,
    /// Of the run that goes on now: done and all.
    pub progress: Option<(u64, u64)>,
    /// What the latest run did.
    pub summary: Option<String>,
    /// Why the latest run failed.
    pub error: Option<String>,
}

/// All jobs, in the order of the table. The latest run of a housekeeping job is accurate to a
/// minute.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<PlatformJobRead>,
) -> Result<Vec<JobStatus>, DoorError> {
    let now = tenants.runtime().now();
    tenants
        .read(grant, move |tx| {
            let overrides = repo::overrides(tx)?;
            JOBS.iter()
                .map(|job| {
                    let other = overrides.get(job.name);
                    let run = repo::latest(tx, job.name)?;
                    Ok(status(job, other, run, now))
                })
                .collect()
        })
        .await
}

fn status(
    job: &super::Job,
    other: Option<&repo::Override>,
    run: Option<repo::Run>,
    now: Timestamp,
) -> JobStatus {
    let (cron, schedule) = super::scheduler::in_force(job, other);
    let state = run.as_ref().map(|run| run.state);
    let failed = matches!(state, Some(RunState::Failed | RunState::Interrupted));
    let message = run.as_ref().and_then(|run| run.message.clone());
    JobStatus {
        name: job.name,
        description: job.description,
        schedule: cron,
        state,
        last_run: run.as_ref().map(|run| run.started),
        took: run.as_ref().and_then(|run| Some(run.finished?.since(run.started))),
        next_run: schedule.and_then(|schedule: Schedule| schedule.next(now)),
        progress: run
            .filter(|run| run.state == RunState::Running && run.total > 0)
            .map(|run| (run.done, run.total)),
        summary: message.clone().filter(|text| !failed && !text.is_empty()),
        error: failed.then(|| message.unwrap_or_else(|| super::JobError::Stopped.to_string())),
    }
}
