//! What a job runs with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

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
    /// When progress was last written.
    pub(super) reported: Mutex<Option<Duration>>,
}

impl Context {
    /// Whether the server is about to stop: a long job ends at its next step.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when it is.
    pub fn go_on(&self) -> Result<(), JobError> {
        if *self.stopping.borrow() { Err(JobError::Stopped) } else { Ok(()) }
    }

    /// Waits between two steps, unless the server is about to stop.
    ///
    /// # Errors
    /// [`JobError::Stopped`] when it is.
    pub async fn pause(&self, time: Duration) -> Result<(), JobError> {
        let mut stopping = self.stopping.clone();
        let stop = stopping.wait_for(|stopping| *stopping);
        match tokio::time::timeout(time, stop).await {
            Err(_) => Ok(()),
            Ok(_) => Err(JobError::Stopped),
        }
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
        let run = self.run;
        let (tenants, what) = (&self.app.tenants, SystemWrite::JobProgress);
        let write = tenants.system_write(Realm::Platform, what, move |tx| {
            Ok(repo::progress(tx, run, done, total)?)
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
