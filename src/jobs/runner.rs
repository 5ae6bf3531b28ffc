//! Running jobs: never the same one twice at once, with what is recorded of it.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::repo::{self, Run, RunState};
use super::{Context, Job, JobError, Record, Summary};
use crate::app::App;
use crate::audit::Event;
use crate::audit::catalogue::{self, Action};
use crate::audit::event::{Outcome, Resource};
use crate::authz::permission::PlatformJobRun;
use crate::authz::{Caller, Grant, Principal, Realm, RequestContext};
use crate::kernel::Timestamp;
use crate::kernel::id::JobRunId;
use crate::tenants::{DoorError, SystemWrite};

/// A housekeeping run like the one before is written down this often at the most.
const HOUSEKEEPING_STEP: Duration = Duration::from_secs(60);

pub struct Runner {
    app: Arc<App>,
    stopping: watch::Sender<bool>,
    running: Mutex<HashSet<&'static str>>,
    /// Housekeeping as last written down: when, and how it ended.
    written: Mutex<HashMap<&'static str, (Timestamp, RunState)>>,
}

impl Runner {
    pub fn new(app: &Arc<App>) -> Self {
        Self {
            app: app.clone(),
            stopping: watch::Sender::new(false),
            running: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Marks the runs that a killed process left behind.
    pub async fn recover(&self) -> Result<(), DoorError> {
        let (tenants, what) = (&self.app.tenants, SystemWrite::JobProgress);
        tenants.system_write(Realm::Platform, what, |tx| Ok(repo::interrupt(tx)?)).await
    }

    /// Tells long jobs to end at their next step, and keeps others from starting.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Runs a job to its end. Nothing happens while it is running already, or once the server is
    /// about to stop.
    pub async fn run(&self, job: &'static Job) -> Option<RunState> {
        if *self.stopping.borrow() {
            return None;
        }
        let _turn = self.turn(job)?;
        let context = self.context(job);
        let result = match job.record {
            Record::Audited => self.audited(&context).await,
            Record::Housekeeping => self.housekeeping(&context).await,
        };
        result
            .inspect_err(|error| {
                tracing::error!(job = job.name, %error, "a job's run could not be recorded");
            })
            .ok()
    }

    fn turn(&self, job: &'static Job) -> Option<Turn<'_>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(job.name).then(|| Turn { runner: self, job: job.name })
    }

    fn context(&self, job: &'static Job) -> Context {
        let runtime = &self.app.runtime;
        let request = RequestContext::local(runtime.id());
        Context {
            app: self.app.clone(),
            caller: Arc::new(Caller { principal: Principal::System { job: job.name }, request }),
            job,
            run: runtime.id(),
            stopping: self.stopping.subscribe(),
            reported: Mutex::default(),
        }
    }

    async fn audited(&self, context: &Context) -> Result<RunState, JobError> {
        let (job, run, tenants) = (context.job, context.run, &self.app.tenants);
        let grant: Grant<PlatformJobRun> =
            tenants.authorize_platform(&context.caller, job.name).await?;
        let started = self.app.runtime.now();
        let write = tenants.write(&grant, move |tx| {
            repo::start(tx, run, job.name, started)?;
            Ok::<_, DoorError>(((), event(catalogue::JOB_STARTED, job, run).into()))
        });
        write.await?;
        let (state, message, event) = ended(job, run, attempt(context).await);
        let finished = self.app.runtime.now();
        let write = tenants.write(&grant, move |tx| {
            repo::finish(tx, run, job.name, state, finished, &message)?;
            Ok::<_, DoorError>(((), event.clone().into()))
        });
        write.await?;
        Ok(state)
    }

    async fn housekeeping(&self, context: &Context) -> Result<RunState, JobError> {
        let (job, id) = (context.job, context.run);
        let started = self.app.runtime.now();
        let (state, message, _) = ended(job, id, attempt(context).await);
        let now = self.app.runtime.now();
        if self.is_news(job, state, now) {
            let (finished, message) = (Some(now), Some(message));
            let run = Run { state, started, finished, done: 0, total: 0, message };
            let (tenants, what) = (&self.app.tenants, SystemWrite::JobProgress);
            let write = tenants.system_write(Realm::Platform, what, move |tx| {
                Ok(repo::replace(tx, id, job.name, &run)?)
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
struct Turn<'a> {
    runner: &'a Runner,
    job: &'static str,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.runner.running.lock().unwrap_or_else(PoisonError::into_inner).remove(self.job);
    }
}

async fn attempt(context: &Context) -> Result<Summary, JobError> {
    let run = AssertUnwindSafe((context.job.run)(context)).catch_unwind();
    run.await.unwrap_or(Err(JobError::Panicked))
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
        Err(error) => {
            let stopped = matches!(error, JobError::Stopped);
            if !stopped {
                tracing::error!(job = job.name, %error, "job failed");
            }
            let state = if stopped { RunState::Interrupted } else { RunState::Failed };
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
