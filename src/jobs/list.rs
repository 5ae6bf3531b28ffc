//! The jobs with their schedules and runs, for the console and the shell.

use std::collections::HashMap;
use std::time::Duration;

use chrono_tz::Tz;

use super::repo::{self, Origin, Override, Run, RunState};
use super::{JOBS, Job};
use crate::authz::Grant;
use crate::authz::permission::PlatformJobRead;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{AdminId, JobRunId};
use crate::store::StoreError;
use crate::tenants::{DoorError, RealmTx, Tenants};

/// Runs that a page shows.
const SHOWN: u32 = 25;

#[derive(Clone, Debug)]
pub struct JobStatus {
    pub name: &'static str,
    pub description: &'static str,
    /// The cron expression in force: with seconds, in the time zone of the settings.
    pub schedule: String,
    /// Its own one, which another may stand in place of.
    pub own_schedule: &'static str,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// Whether nobody may cancel it, switch it off or give it another schedule.
    pub vital: bool,
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

/// One run of a job.
#[derive(Clone, Debug)]
pub struct JobRun {
    pub id: JobRunId,
    pub state: RunState,
    pub started: Timestamp,
    pub took: Option<Duration>,
    pub origin: Origin,
    /// Who started it, when somebody did and is still known.
    pub requester: Option<String>,
    /// What it did, or why it failed.
    pub message: Option<String>,
}

/// All jobs, in the order of the table. The latest run of a housekeeping job is accurate to a
/// minute.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<PlatformJobRead>,
    zone: Tz,
) -> Result<Vec<JobStatus>, DoorError> {
    let now = tenants.runtime().now();
    tenants
        .read(grant, move |tx| {
            let overrides = repo::overrides(tx)?;
            JOBS.iter()
                .map(|job| {
                    let other = overrides.get(job.name);
                    let run = repo::latest(tx, job.name)?;
                    Ok(status(job, other, run, zone, now))
                })
                .collect()
        })
        .await
}

/// One job with its latest runs, and what one of them said: `chosen`, or the latest.
pub async fn runs(
    tenants: &Tenants,
    grant: &Grant<PlatformJobRead>,
    job: &'static Job,
    chosen: Option<JobRunId>,
    zone: Tz,
) -> Result<(JobStatus, Vec<JobRun>, Option<(JobRunId, String)>), DoorError> {
    let now = tenants.runtime().now();
    tenants
        .read(grant, move |tx| {
            let overrides = repo::overrides(tx)?;
            let runs = repo::runs(tx, job.name, SHOWN)?;
            let status = status(job, overrides.get(job.name), runs.first().cloned(), zone, now);
            let chosen = runs.iter().find(|run| chosen.is_none_or(|id| run.id == id));
            let said = chosen.map(|run| Ok::<_, StoreError>((run.id, repo::output(tx, run.id)?)));
            let (said, mut names) = (said.transpose()?, HashMap::new());
            let runs: Result<Vec<_>, DoorError> =
                runs.into_iter().map(|run| shown(tx, run, &mut names)).collect();
            Ok((status, runs?, said))
        })
        .await
}

fn shown(
    tx: &impl RealmTx,
    run: Run,
    names: &mut HashMap<AdminId, Option<String>>,
) -> Result<JobRun, DoorError> {
    let requester = match run.origin {
        Origin::Person(id) => match names.get(&id) {
            Some(name) => name.clone(),
            None => {
                let sealed = repo::admin_name(tx, id)?;
                let name = sealed.map(|name| tx.open_text(Field::AdminName, id.bytes(), &name));
                names.entry(id).or_insert(name.transpose()?.flatten()).clone()
            }
        },
        _ => None,
    };
    Ok(JobRun {
        id: run.id,
        state: run.state,
        started: run.started,
        took: run.finished.map(|finished| finished.since(run.started)),
        origin: run.origin,
        requester,
        message: run.message.filter(|text| !text.is_empty()),
    })
}

fn status(
    job: &'static Job,
    other: Option<&Override>,
    run: Option<Run>,
    zone: Tz,
    now: Timestamp,
) -> JobStatus {
    let (cron, schedule) = super::scheduler::in_force(job, other, zone);
    let state = run.as_ref().map(|run| run.state);
    let failed =
        matches!(state, Some(RunState::Failed | RunState::Interrupted | RunState::Cancelled));
    let message = run.as_ref().and_then(|run| run.message.clone());
    JobStatus {
        name: job.name,
        description: job.description,
        schedule: cron,
        own_schedule: job.cron,
        enabled: schedule.is_some(),
        vital: job.is_vital(),
        state,
        last_run: run.as_ref().map(|run| run.started),
        took: run.as_ref().and_then(|run| Some(run.finished?.since(run.started))),
        next_run: schedule.and_then(|schedule| schedule.next(now)),
        progress: run
            .filter(|run| run.state == RunState::Running && run.total > 0)
            .map(|run| (run.done, run.total)),
        summary: message.clone().filter(|text| !failed && !text.is_empty()),
        error: failed.then(|| message.unwrap_or_else(|| super::JobError::Stopped.to_string())),
    }
}
