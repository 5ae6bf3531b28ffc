//! What a job runs with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::output::Output;
use super::{Job, JobError, Record, repo};
use crate::app::App;
use crate::authz::{Caller, Realm};
use crate::kernel::id::JobRunId;
use crate::tenants::SystemWrite;

/// Progress is written down this often at the most.
const PROGRESS_STEP: Duration = Duration::from_secs(1);

pub struct Context {
    pub app: Arc<App>,
    /// The job, as the log names it.
    pub caller: Arc<Caller>,
    pub job: &'static Job,
    pub(super) run: JobRunId,
    pub(super) stopping: watch::Receiver<bool>,
    /// True once somebody wants the run to end.
    pub(super) cancelled: watch::Receiver<bool>,
    pub(super) output: Output,
    /// When progress was last written.
    pub(super) reported: Mutex<Option<Duration>>,
}

impl Context {
    /// Whether the server is about to stop, or somebody has cancelled the run: a long job ends at
    /// its next step.
    ///
    /// # Errors
    /// [`JobError::Stopped`] or [`JobError::Cancelled`] then.
    pub fn go_on(&self) -> Result<(), JobError> {
        match (*self.stopping.borrow(), *self.cancelled.borrow()) {
            (true, _) => Err(JobError::Stopped),
            (_, true) => Err(JobError::Cancelled),
            _ => Ok(()),
        }
    }

    /// Whether nothing may be changed just now: what changes data by itself is left for a later run.
    pub fn waits(&self) -> bool {
        let Some(read_only) = self.app.tenants.read_only() else { return false };
        self.say(&format!("left for a later run: {read_only}"));
        true
    }

    /// Waits between two steps, unless the run is to end.
    ///
    /// # Errors
    /// [`JobError::Stopped`] or [`JobError::Cancelled`] then.
    pub async fn pause(&self, time: Duration) -> Result<(), JobError> {
        let (mut stopping, mut cancelled) = (self.stopping.clone(), self.cancelled.clone());
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return Err(JobError::Stopped),
            _ = cancelled.wait_for(|cancelled| *cancelled) => return Err(JobError::Cancelled),
        }
        self.go_on()
    }

    /// Says something about the run, for who looks at it; kept sealed with the run, the first
    /// [`limits::JOB_OUTPUT_BYTES`](crate::kernel::limits::JOB_OUTPUT_BYTES) of all it says.
    pub fn say(&self, line: &str) {
        self.output.add(self.app.runtime.now(), line);
    }

    /// Closes tenants that nobody uses; off this thread, because closing writes WALs back.
    pub(super) async fn close_idle(&self) -> Result<(), JobError> {
        let tenants = self.app.tenants.clone();
        let closed = tokio::task::spawn_blocking(move || tenants.close_idle());
        closed.await.map_err(|_| JobError::Panicked)
    }

    /// Says how far the run has come; durable, about once a second.
    pub async fn progress(&self, done: u64, total: u64) -> Result<(), JobError> {
        // A housekeeping run has no row before its end.
        let kept = self.job.record == Record::Audited;
        if !kept || !self.is_time_to_report(done == total) {
            return Ok(());
        }
        let (run, output) = (self.run, self.output.text());
        let (tenants, what) = (&self.app.tenants, SystemWrite::JobProgress);
        let write = tenants.system_write(Realm::Platform, what, move |tx| {
            repo::progress(tx, run, done, total)?;
            Ok(repo::say(tx, run, &output)?)
        });
        Ok(write.await?)
    }

    fn is_time_to_report(&self, is_last: bool) -> bool {
        let now = self.app.runtime.clock.monotonic();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let due = reported.is_none_or(|last| now.saturating_sub(last) >= PROGRESS_STEP);
        // The end of a run that reported nothing so far is told by its result.
        let due = if is_last { reported.is_some() } else { due };
        if due {
            *reported = Some(now);
        }
        due
    }
}
