//! Starting and cancelling runs, and changing when a job runs.

use super::repo::{self, Override};
use super::scheduler::{Jobs, in_force};
use super::{JOBS, Job, Origin, Record, Schedule};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformJobControl;
use crate::authz::{Grant, Principal};
use crate::config::TimeZone;
use crate::kernel::id::JobRunId;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::{DoorError, Tenants};

/// Between two runs of a job that is recorded.
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("there is no job of that name; see: strongroom job list")]
    Unknown,
    #[error("the job runs already; wait for its end or cancel it")]
    Running,
    #[error("the job does not run")]
    Idle,
    #[error(
        "this job is part of the machinery: it is neither cancelled nor switched off nor moved"
    )]
    Vital,
    #[error(
        "that is not a schedule: six fields for second, minute, hour, day of the month, month and day of the week, such as 0 30 3 * * *, with at least a minute between two runs"
    )]
    Schedule,
    #[error("jobs run in the server, which does not run: start it with strongroom serve")]
    NotServing,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ControlError);

impl Fault for ControlError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::NotFound,
            Self::Running | Self::Idle | Self::Vital => ErrorKind::Conflict,
            Self::Schedule => ErrorKind::Invalid,
            Self::NotServing => ErrorKind::Unavailable,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "job-unknown",
            Self::Running => "job-running",
            Self::Idle => "job-not-running",
            Self::Vital => "job-vital",
            Self::Schedule => "job-schedule-invalid",
            Self::NotServing => "jobs-not-serving",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::Schedule).then_some("schedule")
    }
}

/// # Errors
/// [`ControlError::Unknown`]
pub fn find(name: &str) -> Result<&'static Job, ControlError> {
    JOBS.iter().find(|job| job.name == name).ok_or(ControlError::Unknown)
}

/// Starts a run in the background; answers which.
///
/// # Errors
/// [`ControlError::Running`], [`ControlError::NotServing`]
pub async fn start_now(
    jobs: &Jobs,
    tenants: &Tenants,
    grant: &Grant<PlatformJobControl>,
    name: &str,
) -> Result<JobRunId, ControlError> {
    let job = find(name)?;
    let crew = jobs.crew().ok_or(ControlError::NotServing)?;
    let origin = match &grant.caller().principal {
        Principal::PlatformAdmin { id, .. } => Origin::Person(*id),
        _ => Origin::Operator,
    };
    // Before the entry: what it says then happens, unless the process ends in between.
    let begun = crew.runner.begin(job, origin).ok_or(ControlError::Running)?;
    let run = begun.run;
    let write = tenants.write(grant, move |_| {
        let mut event = event(catalogue::JOB_REQUESTED, job);
        event.custom_fields.insert("run".into(), run.to_string().into());
        Ok::<_, DoorError>(((), event.into()))
    });
    write.await?;
    crew.carry_out(begun);
    Ok(run)
}

/// Has a run end at its next step.
///
/// # Errors
/// [`ControlError::Idle`], [`ControlError::Vital`]
pub async fn cancel(
    jobs: &Jobs,
    tenants: &Tenants,
    grant: &Grant<PlatformJobControl>,
    name: &str,
) -> Result<JobRunId, ControlError> {
    let job = find(name)?;
    if job.is_vital() {
        return Err(ControlError::Vital);
    }
    let crew = jobs.crew().ok_or(ControlError::NotServing)?;
    let going = crew.runner.going(job.name).ok_or(ControlError::Idle)?;
    let run = going.run;
    let write = tenants.write(grant, move |_| {
        let mut event = event(catalogue::JOB_CANCELLED, job);
        event.custom_fields.insert("run".into(), run.to_string().into());
        Ok::<_, DoorError>(((), event.into()))
    });
    write.await?;
    going.cancel.send_replace(true);
    Ok(run)
}

/// Changes when a job runs: `cron` is none for its own schedule. Counts at once. Answers whether
/// anything changed.
///
/// # Errors
/// [`ControlError::Schedule`], [`ControlError::Vital`]
pub async fn schedule(
    jobs: &Jobs,
    tenants: &Tenants,
    grant: &Grant<PlatformJobControl>,
    name: &str,
    cron: Option<&str>,
    enabled: bool,
) -> Result<bool, ControlError> {
    let job = find(name)?;
    if job.is_vital() {
        return Err(ControlError::Vital);
    }
    let cron = cron.map_or(job.cron, str::trim).to_owned();
    check(job, &cron, tenants)?;
    let own = cron == job.cron && enabled;
    let other = (!own).then_some(Override { cron, enabled });
    let read = tenants.read(grant, move |tx| Ok::<_, DoorError>(repo::overrides(tx)?));
    let before = read.await?.remove(job.name);
    let (from, to) = (told(job, before.as_ref()), told(job, other.as_ref()));
    if from == to {
        return Ok(false);
    }
    let write = tenants.write(grant, move |tx| {
        repo::set_schedule(tx, job.name, other.as_ref())?;
        let mut event = event(catalogue::JOB_SCHEDULED, job);
        event.custom_fields.insert("from".into(), from.as_str().into());
        event.custom_fields.insert("to".into(), to.as_str().into());
        Ok::<_, DoorError>(((), event.into()))
    });
    write.await?;
    jobs.changed();
    Ok(true)
}

fn check(job: &Job, cron: &str, tenants: &Tenants) -> Result<(), ControlError> {
    let schedule = Schedule::parse(cron, TimeZone::UTC.zone()).ok_or(ControlError::Schedule)?;
    let gap = schedule.shortest_gap(tenants.runtime().now());
    let too_often = gap.is_none_or(|gap| gap < SHORTEST);
    let recorded = job.record == Record::Audited;
    if recorded && too_often { Err(ControlError::Schedule) } else { Ok(()) }
}

/// When a job runs, for the log.
fn told(job: &Job, other: Option<&Override>) -> String {
    match in_force(job, other, TimeZone::UTC.zone()) {
        (cron, Some(_)) => cron,
        (_, None) => "off".to_owned(),
    }
}

fn event(action: catalogue::Action, job: &Job) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("job", job.name));
    event
}
