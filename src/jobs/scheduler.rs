//! Starting jobs when their time has come.
//!
//! `tokio-cron-scheduler` ticks once a second; what is due then is read off the schedules here,
//! because it knows no time zone whose offset changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use chrono_tz::Tz;
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler, JobSchedulerError};

use super::repo::{self, Override, Run};
use super::retries::Retries;
use super::runner::{Begun, Runner};
use super::{JOBS, Job, JobError, Origin, RunState, Schedule};
use crate::app::App;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::tenants::DoorError;

/// How long a stopping server waits for running jobs; what still runs then is marked as
/// interrupted at the next start.
const STOP_WAIT: Duration = Duration::from_secs(10);
/// Every second.
const TICK: &str = "* * * * * *";
/// A clock that was set back by more has every next time reckoned anew.
const SET_BACK: Duration = Duration::from_secs(60);

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

/// The way to the jobs that run, for who starts and cancels them; empty before the scheduler
/// started, and where none runs.
#[derive(Clone, Default)]
pub struct Jobs {
    crew: Arc<OnceLock<Weak<Crew>>>,
}

/// The runner with the runs that go on.
pub struct Crew {
    pub(super) runner: Arc<Runner>,
    tasks: Mutex<JoinSet<()>>,
    /// When jobs run has changed.
    changed: AtomicBool,
    retries: Retries,
}

/// Starts scheduling: marks what a killed process left behind, runs what belongs to the start or
/// was missed while nothing ran, then runs every job at its times.
pub async fn start(app: &Arc<App>) -> Result<Scheduler, SchedulerError> {
    let crew = Arc::new(Crew {
        runner: Arc::new(Runner::new(app)),
        tasks: Mutex::default(),
        changed: AtomicBool::new(false),
        retries: Retries::default(),
    });
    crew.runner.recover().await?;
    let plan = plan(app, app.runtime.now()).await?;
    let _ = app.jobs.crew.set(Arc::downgrade(&crew));
    for Planned { job, at_once, .. } in &plan {
        if let Some(origin) = at_once {
            crew.start(job, *origin);
        }
    }
    let cron = JobScheduler::new().await?;
    let watch = Watch { app: app.clone(), crew: crew.clone(), plan, last: app.runtime.now() };
    let watch = Arc::new(tokio::sync::Mutex::new(watch));
    let tick = CronJob::new_async(TICK, move |_, _| {
        let watch = watch.clone();
        Box::pin(async move {
            // A look that takes longer than a second is not overtaken by the next.
            if let Ok(mut watch) = watch.try_lock() {
                watch.look().await;
            }
        })
    })?;
    cron.add(tick).await?;
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

impl Jobs {
    pub(super) fn crew(&self) -> Option<Arc<Crew>> {
        self.crew.get()?.upgrade()
    }

    /// Has a changed schedule count from now on.
    pub(super) fn changed(&self) {
        if let Some(crew) = self.crew() {
            crew.changed.store(true, Ordering::Release);
        }
    }
}

impl Crew {
    /// Nothing happens while it runs already.
    fn start(self: &Arc<Self>, job: &'static Job, origin: Origin) {
        if let Some(begun) = self.runner.begin(job, origin) {
            self.carry_out(begun);
        }
    }

    pub(super) fn carry_out(self: &Arc<Self>, begun: Begun) {
        let crew = self.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let (job, by_itself) = (begun.job(), begun.origin.is_by_itself());
            let state = crew.runner.carry_out(begun).await;
            crew.note(job, by_itself, state);
        });
    }

    /// What was to be done by now and failed is not left until its next time.
    fn note(&self, job: &'static Job, by_itself: bool, state: Option<RunState>) {
        match state {
            Some(RunState::Failed) if by_itself && job.catch_up => {
                self.retries.failed(job.name, self.runner.now());
            }
            Some(RunState::Failed) => {}
            _ => self.retries.forget(job.name),
        }
    }

    fn take(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is looked at once a second.
struct Watch {
    app: Arc<App>,
    crew: Arc<Crew>,
    plan: Vec<Planned>,
    /// When it was last looked at.
    last: Timestamp,
}

impl Watch {
    /// Starts what is due.
    async fn look(&mut self) {
        if self.crew.changed.swap(false, Ordering::AcqRel) {
            // From the last look on: a change just before the hour does not lose that hour's run.
            match plan(&self.app, self.last).await {
                Ok(new) => self.plan = new,
                Err(error) => {
                    self.crew.changed.store(true, Ordering::Release);
                    tracing::error!(%error, "changed schedules could not be read; tried again");
                }
            }
        }
        let now = self.app.runtime.now();
        let set_back = self.last.since(now) > SET_BACK;
        self.last = now;
        for planned in &mut self.plan {
            if set_back {
                planned.reckon(now);
            } else if planned.next.is_some_and(|next| next <= now) {
                self.crew.retries.forget(planned.job.name);
                self.crew.start(planned.job, Origin::Schedule);
                planned.reckon(now);
            } else if planned.schedule.is_some()
                && self.crew.retries.take_due(planned.job.name, now)
            {
                tracing::info!(job = planned.job.name, "tried again after it failed");
                self.crew.start(planned.job, Origin::Missed);
            }
        }
    }
}

struct Planned {
    job: &'static Job,
    /// None when the job is switched off.
    schedule: Option<Schedule>,
    next: Option<Timestamp>,
    /// Why it runs when the scheduler starts, if it does.
    at_once: Option<Origin>,
}

impl Planned {
    fn reckon(&mut self, now: Timestamp) {
        self.next = self.schedule.as_ref().and_then(|schedule| schedule.next(now));
    }
}

/// Every job with its first time after `from`.
async fn plan(app: &App, from: Timestamp) -> Result<Vec<Planned>, DoorError> {
    let (now, zone) = (app.runtime.now(), app.settings.jobs.time_zone.zone());
    let read = app.tenants.credentials(Realm::Platform, move |tx| {
        let overrides = repo::overrides(tx)?;
        let mut ended = HashMap::new();
        for job in JOBS.iter().filter(|job| job.catch_up) {
            let good = repo::last_good(tx, job.name)?;
            // What ends the process each time must not keep the server from starting.
            let again = repo::latest(tx, job.name)?.is_some_and(|run| killed_twice(&run));
            ended.insert(job.name, good.filter(|_| !again));
        }
        Ok::<_, DoorError>((overrides, ended))
    });
    let (overrides, ended) = read.await?;
    let planned = JOBS.iter().map(|job| {
        let (_, schedule) = in_force(job, overrides.get(job.name), zone);
        let last = ended.get(job.name).copied().flatten();
        let due = schedule.as_ref().is_some_and(|schedule| missed(schedule, last, now));
        let at_once = match schedule.is_some() {
            true if due => Some(Origin::Missed),
            true if job.at_start => Some(Origin::Start),
            _ => None,
        };
        let mut planned = Planned { job, schedule, next: None, at_once };
        planned.reckon(from);
        planned
    });
    Ok(planned.collect())
}

/// Whether the process was killed in a run that made up for one that did not come to its end.
fn killed_twice(run: &Run) -> bool {
    let killed = JobError::Killed.to_string();
    run.origin == Origin::Missed && run.message.as_deref() == Some(killed.as_str())
}

/// Whether a time of the schedule has passed since the last run that went well; an installation where
/// the job never ran has missed nothing.
pub(super) fn missed(schedule: &Schedule, last: Option<Timestamp>, now: Timestamp) -> bool {
    let previous = schedule.previous(now);
    last.is_some_and(|last| previous.is_some_and(|previous| previous > last))
}

/// The cron expression that counts, and its times unless the job is switched off.
pub(super) fn in_force(
    job: &Job,
    other: Option<&Override>,
    zone: Tz,
) -> (String, Option<Schedule>) {
    if other.is_some_and(|other| !other.enabled) && !job.is_vital() {
        return (other.map_or_else(String::new, |other| other.cron.clone()), None);
    }
    if let Some(other) = other.filter(|_| !job.is_vital()) {
        if let Some(schedule) = Schedule::parse(&other.cron, zone) {
            return (other.cron.clone(), Some(schedule));
        }
        tracing::error!(
            job = job.name,
            cron = other.cron,
            "unreadable schedule; using the default"
        );
    }
    (job.cron.to_owned(), Schedule::parse(job.cron, zone))
}
