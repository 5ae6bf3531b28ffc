//! Running jobs: never the same one twice at once, with what is recorded of it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::output::Output;
use super::repo::{self, Run, RunState};
use super::{Context, Job, JobError, Origin, Record, Summary};
use crate::app::App;
use crate::audit::Event;
use crate::audit::catalogue::{self, Action};
use crate::audit::event::{Actor, Outcome, Resource};
use crate::authz::permission::PlatformJobRun;
use crate::authz::{Caller, Grant, Principal, Realm, RequestContext};
use crate::kernel::Timestamp;
use crate::kernel::id::JobRunId;
use crate::tenants::{DoorError, ReadTx, SystemWrite, WriteTx};

/// A housekeeping run like the one before is written down this often at the most.
const HOUSEKEEPING_STEP: Duration = Duration::from_secs(60);

pub struct Runner {
    app: Arc<App>,
    stopping: watch::Sender<bool>,
    running: Arc<Mutex<HashMap<&'static str, Going>>>,
    /// Housekeeping as last written down: when, and how it ended.
    written: Mutex<HashMap<&'static str, (Timestamp, RunState)>>,
}

/// A run that goes on.
#[derive(Clone)]
pub(super) struct Going {
    pub run: JobRunId,
    /// Set to true to end it.
    pub cancel: watch::Sender<bool>,
}

/// A run whose turn it is.
pub struct Begun {
    turn: Turn,
    pub(super) run: JobRunId,
    pub(super) origin: Origin,
    cancelled: watch::Receiver<bool>,
}

impl Begun {
    pub(super) fn job(&self) -> &'static Job {
        self.turn.job
    }
}

impl Runner {
    pub fn new(app: &Arc<App>) -> Self {
        Self {
            app: app.clone(),
            stopping: watch::Sender::new(false),
            running: Arc::default(),
            written: Mutex::default(),
        }
    }

    /// Ends the runs that a killed process left behind, each with an entry in the platform's log.
    pub async fn recover(&self) -> Result<(), DoorError> {
        let tenants = &self.app.tenants;
        let read = |tx: &ReadTx<'_>| Ok::<_, DoorError>(repo::left_behind(tx)?);
        for (name, run) in tenants.credentials(Realm::Platform, read).await? {
            let Some(job) = super::JOBS.iter().find(|job| job.name == name) else { continue };
            let mut event = event(catalogue::JOB_FAILED, job, run);
            event.actor = Some(Actor::new("system", job.name));
            event.outcome = Outcome::Error;
            event.custom_fields.insert("error".into(), JobError::Killed.to_string().into());
            tenants.record(Realm::Platform, event).await?;
        }
        let interrupt = |tx: &mut WriteTx<'_, SystemWrite>| {
            Ok(repo::interrupt(tx, &JobError::Killed.to_string())?)
        };
        tenants.system_write(Realm::Platform, SystemWrite::JobProgress, interrupt).await
    }

    pub(super) fn now(&self) -> Timestamp {
        self.app.runtime.now()
    }

    /// Tells long jobs to end at their next step, and keeps others from starting.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Runs a job to its end. Nothing happens while it is running already, or once the server is
    /// about to stop.
    pub async fn run(&self, job: &'static Job) -> Option<RunState> {
        let begun = self.begin(job, Origin::Schedule)?;
        self.carry_out(begun).await
    }

    /// Takes a job's turn: nobody else runs it until what is answered is gone. Nothing while it
    /// runs already, or once the server is about to stop.
    pub(super) fn begin(&self, job: &'static Job, origin: Origin) -> Option<Begun> {
        if *self.stopping.borrow() {
            return None;
        }
        let (run, cancel) = (self.app.runtime.id(), watch::Sender::new(false));
        let cancelled = cancel.subscribe();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.contains_key(job.name) {
            return None;
        }
        running.insert(job.name, Going { run, cancel });
        let turn = Turn { running: self.running.clone(), job };
        Some(Begun { turn, run, origin, cancelled })
    }

    pub(super) async fn carry_out(&self, begun: Begun) -> Option<RunState> {
        let Begun { turn, run, origin, cancelled } = begun;
        let clock = self.app.runtime.clock.clone();
        let start = clock.monotonic();
        let context = self.context(turn.job, run, cancelled);
        let result = match context.job.record {
            Record::Audited => self.audited(&context, origin).await,
            Record::Housekeeping => self.housekeeping(&context, origin).await,
        };
        let took = clock.monotonic().saturating_sub(start);
        let state = result.as_ref().map_or(RunState::Failed, |state| *state);
        let succeeded = (state == RunState::Succeeded).then(|| self.app.runtime.now());
        let succeeded = succeeded.map(|at| at.as_micros() as f64 / 1e6);
        crate::ops::metrics::job_ended(turn.job.name, state.name(), took, succeeded);
        result
            .inspect_err(|error| {
                tracing::error!(job = turn.job.name, %error, "a job's run could not be recorded");
            })
            .ok()
    }

    /// The run of a job that goes on.
    pub(super) fn going(&self, job: &str) -> Option<Going> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).get(job).cloned()
    }

    fn context(
        &self,
        job: &'static Job,
        run: JobRunId,
        cancelled: watch::Receiver<bool>,
    ) -> Context {
        let request = RequestContext::local(self.app.runtime.id());
        Context {
            app: self.app.clone(),
            caller: Arc::new(Caller { principal: Principal::System { job: job.name }, request }),
            job,
            run,
            stopping: self.stopping.subscribe(),
            cancelled,
            output: Output::default(),
            reported: Mutex::default(),
        }
    }

    async fn audited(&self, context: &Context, origin: Origin) -> Result<RunState, JobError> {
        let (job, run, tenants) = (context.job, context.run, &self.app.tenants);
        let grant: Grant<PlatformJobRun> =
            tenants.authorize_platform(&context.caller, job.name).await?;
        let started = self.app.runtime.now();
        let write = tenants.write(&grant, move |tx| {
            repo::start(tx, run, job.name, started, origin)?;
            Ok::<_, DoorError>(((), event(catalogue::JOB_STARTED, job, run).into()))
        });
        write.await?;
        let (state, message, event) = ended(job, run, attempt(context).await);
        let (finished, output) = (self.app.runtime.now(), context.output.text());
        let write = tenants.write(&grant, move |tx| {
            repo::say(tx, run, &output)?;
            repo::finish(tx, run, job.name, state, finished, &message)?;
            Ok::<_, DoorError>(((), event.clone().into()))
        });
        write.await?;
        Ok(state)
    }

    async fn housekeeping(&self, context: &Context, origin: Origin) -> Result<RunState, JobError> {
        let (job, id) = (context.job, context.run);
        let started = self.app.runtime.now();
        let (state, message, _) = ended(job, id, attempt(context).await);
        let now = self.app.runtime.now();
        // What somebody has asked for is always to be seen.
        if self.is_news(job, state, now) || !origin.is_by_itself() {
            let (finished, message) = (Some(now), Some(message));
            let run = Run { id, origin, state, started, finished, done: 0, total: 0, message };
            let output = context.output.text();
            let (tenants, what) = (&self.app.tenants, SystemWrite::JobProgress);
            let write = tenants.system_write(Realm::Platform, what, move |tx| {
                repo::replace(tx, job.name, &run)?;
                Ok(repo::say(tx, run.id, &output)?)
            });
            write.await?;
        }
        Ok(state)
    }

    fn is_news(&self, job: &Job, state: RunState, now: Timestamp) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let known = written.get(job.name).is_some_and(|(time, last)| {
            *last == state && now.since(*time) < HOUSEKEEPING_STEP && now >= *time
        });
        if !known {
            written.insert(job.name, (now, state));
        }
        !known
    }
}

/// Held while a job runs.
struct Turn {
    running: Arc<Mutex<HashMap<&'static str, Going>>>,
    job: &'static Job,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(self.job.name);
    }
}

async fn attempt(context: &Context) -> Result<Summary, JobError> {
    let run = AssertUnwindSafe((context.job.run)(context)).catch_unwind();
    match run.await.unwrap_or(Err(JobError::Panicked)) {
        // What a job runs on says only that it was to end.
        Err(JobError::Stopped) => Err(context.go_on().err().unwrap_or(JobError::Stopped)),
        result => result,
    }
}

fn ended(job: &Job, run: JobRunId, result: Result<Summary, JobError>) -> (RunState, String, Event) {
    match result {
        Ok(summary) => {
            let mut event = event(catalogue::JOB_COMPLETED, job, run);
            for (name, value) in &summary.0 {
                event.custom_fields.insert((*name).into(), (*value).into());
            }
            (RunState::Succeeded, summary.to_string(), event)
        }
        Err(error @ JobError::NotSetUp(_)) => {
            let event = event(catalogue::JOB_COMPLETED, job, run);
            (RunState::NotSetUp, error.to_string(), event)
        }
        Err(error) => {
            let state = match error {
                JobError::Stopped => RunState::Interrupted,
                JobError::Cancelled => RunState::Cancelled,
                _ => RunState::Failed,
            };
            if state == RunState::Failed {
                tracing::error!(job = job.name, %error, "job failed");
            }
            let mut event = event(catalogue::JOB_FAILED, job, run);
            event.outcome = Outcome::Error;
            event.custom_fields.insert("error".into(), error.to_string().into());
            if let JobError::Broken { first_bad, .. } = &error {
                event.custom_fields.insert("firstBad".into(), (*first_bad).into());
            }
            (state, error.to_string(), event)
        }
    }
}

fn event(action: Action, job: &Job, run: JobRunId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("job", job.name));
    event.custom_fields.insert("run".into(), run.to_string().into());
    event
}
