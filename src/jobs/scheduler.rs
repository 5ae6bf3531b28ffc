//! Starting jobs when their time has come, by `tokio-cron-scheduler`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::repo::{self, Override};
use super::runner::Runner;
use super::{JOBS, Job, Schedule};
use crate::app::App;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::tenants::DoorError;

/// How long a stopping server waits for running jobs; what still runs then is marked as
/// interrupted at the next start.
const STOP_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    #[error("the job scheduler did not start: {0}")]
    Scheduler(#[from] JobSchedulerError),
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// The running scheduler.
pub struct Scheduler {
    cron: JobScheduler,
    crew: Arc<Crew>,
}

/// The runner with the runs that go on.
struct Crew {
    runner: Arc<Runner>,
    tasks: Mutex<JoinSet<()>>,
}

/// Starts scheduling: marks what a killed process left behind, runs what belongs to the start or
/// was missed while nothing ran, then runs every job at its times.
pub async fn start(app: &Arc<App>) -> Result<Scheduler, SchedulerError> {
    let crew = Arc::new(Crew { runner: Arc::new(Runner::new(app)), tasks: Mutex::default() });
    crew.runner.recover().await?;
    let plan = plan(app).await?;
    let cron = JobScheduler::new().await?;
    for Planned { job, cron: expression, now } in plan {
        if now {
            crew.spawn(job);
        }
        let Some(expression) = expression else { continue };
        let crew = crew.clone();
        let tick = CronJob::new_async(expression, move |_, _| {
            crew.spawn(job);
            Box::pin(std::future::ready(()))
        })?;
        cron.add(tick).await?;
    }
    cron.start().await?;
    Ok(Scheduler { cron, crew })
}

impl Scheduler {
    /// Starts no more jobs, tells the running ones to end and waits for them a while.
    pub async fn shutdown(mut self) {
        self.crew.runner.stop();
        if let Err(error) = self.cron.shutdown().await {
            tracing::warn!(%error, "the job scheduler did not stop cleanly");
        }
        let mut tasks = self.crew.take();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT, ended).await.is_err() {
            tracing::warn!("jobs were still running at the stop");
        }
    }
}

impl Crew {
    fn spawn(&self, job: &'static Job) {
        let runner = self.runner.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            runner.run(job).await;
        });
    }

    fn take(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Planned {
    job: &'static Job,
    /// None when the job is switched off.
    cron: Option<String>,
    /// Whether it runs at once.
    now: bool,
}

async fn plan(app: &App) -> Result<Vec<Planned>, DoorError> {
    let now = app.runtime.now();
    let read = app.tenants.credentials(Realm::Platform, move |tx| {
        let overrides = repo::overrides(tx)?;
        let mut ended = HashMap::new();
        for job in JOBS.iter().filter(|job| job.catch_up) {
            ended.insert(job.name, repo::last_ended(tx, job.name)?);
        }
        Ok::<_, DoorError>((overrides, ended))
    });
    let (overrides, ended) = read.await?;
    let planned = JOBS.iter().map(|job| {
        let (cron, schedule) = in_force(job, overrides.get(job.name));
        let last = ended.get(job.name).copied().flatten();
        let due = schedule.as_ref().is_some_and(|schedule| missed(schedule, last, now));
        let on = schedule.is_some();
        Planned { job, cron: on.then_some(cron), now: on && (job.at_start || due) }
    });
    Ok(planned.collect())
}

/// Whether a time of the schedule has passed since the last run; an installation where the job
/// never ran has missed nothing.
pub(super) fn missed(schedule: &Schedule, last: Option<Timestamp>, now: Timestamp) -> bool {
    let previous = schedule.previous(now);
    last.is_some_and(|last| previous.is_some_and(|previous| previous > last))
}

/// The cron expression that counts, and its times unless the job is switched off.
pub(super) fn in_force(job: &Job, other: Option<&Override>) -> (String, Option<Schedule>) {
    if other.is_some_and(|other| !other.enabled) {
        return (other.map_or_else(String::new, |other| other.cron.clone()), None);
    }
    if let Some(other) = other {
        if let Some(schedule) = Schedule::parse(&other.cron) {
            return (other.cron.clone(), Some(schedule));
        }
        tracing::error!(
            job = job.name,
            cron = other.cron,
            "unreadable schedule; using the default"
        );
    }
    (job.cron.to_owned(), Schedule::parse(job.cron))
}
