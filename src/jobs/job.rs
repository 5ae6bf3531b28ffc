//! What a job is.

use std::fmt;
use std::pin::Pin;

use super::Context;
use crate::authn::token::RotationError;
use crate::backup::BackupError;
use crate::backup::restore::RestoreError;
use crate::closing::ClosingError;
use crate::http::tls::acme::AcmeError;
use crate::privacy::PrivacyError;
use crate::retention::RetentionError;
use crate::sso::SsoError;
use crate::tenants::DoorError;
use crate::trail::TrailError;

/// Work that runs by itself, at the times of a schedule. One file a job; [`JOBS`](super::JOBS)
/// lists them.
pub struct Job {
    /// `domain.verb`; stable, the log names it.
    pub name: &'static str,
    /// When it runs unless `job_schedules` says otherwise: second, minute, hour, day of the month,
    /// month, day of the week; in the time zone of `jobs.time_zone`.
    pub cron: &'static str,
    pub description: &'static str,
    pub record: Record,
    /// Runs at the start too.
    pub at_start: bool,
    /// Runs at the start when its time passed while nothing ran.
    pub catch_up: bool,
    pub run: for<'a> fn(&'a Context) -> Running<'a>,
}

impl Job {
    /// Whether nobody may switch it off, give it another schedule or cancel it: housekeeping, and
    /// what security rests on.
    pub fn is_vital(&self) -> bool {
        self.record == Record::Housekeeping || super::VITAL.contains(&self.name)
    }
}

pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Summary, JobError>> + Send + 'a>>;

/// What is kept of a job's runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Start and end of every run are entries in the platform's log; the last runs are kept.
    Audited,
    /// For what runs every few seconds and does only system writes: no entries, the latest run.
    Housekeeping,
}

/// What the message of a run begins with that had nothing to do.
pub(super) const NOT_SET_UP: &str = "not set up: ";

/// What a run did, as numbers with names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary(pub Vec<(&'static str, u64)>);

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, value)) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {value}")?;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("stopped with the server before it was done")]
    Stopped,
    #[error("the server ended before it was done: it was killed, or the machine lost power")]
    Killed,
    /// Nothing was done, and nothing is wrong.
    #[error("{NOT_SET_UP}{0}")]
    NotSetUp(&'static str),
    #[error("cancelled before it was done")]
    Cancelled,
    #[error("the audit log of {log} is broken at entry {first_bad}: {reason}")]
    Broken { log: String, first_bad: u64, reason: &'static str },
    /// Some tenants could not be served; the others were.
    #[error("{count} tenants failed, {first} first: {cause}")]
    Tenants { count: u64, first: String, cause: Box<JobError> },
    #[error("a restore test failed: {0}")]
    RestoreTest(String),
    #[error("the job broke off; the operating log says where")]
    Panicked,
    #[error("{count} archives failed; the first: {cause}")]
    Backups { count: u64, cause: Box<BackupError> },
    #[error(transparent)]
    Rotation(#[from] RotationError),
    #[error(transparent)]
    Retention(#[from] RetentionError),
    #[error(transparent)]
    Trail(#[from] TrailError),
    #[error(transparent)]
    Sso(#[from] SsoError),
    #[error("{0} closed tenants could not be destroyed; the operating log says why")]
    Undestroyed(u64),
    #[error(transparent)]
    Closing(#[from] ClosingError),
    #[error(transparent)]
    Privacy(#[from] PrivacyError),
    #[error(transparent)]
    Acme(Box<AcmeError>),
    #[error(transparent)]
    Backup(Box<BackupError>),
    #[error(transparent)]
    Restore(Box<RestoreError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(JobError);

impl From<crate::authz::Denied> for JobError {
    fn from(denied: crate::authz::Denied) -> Self {
        Self::Door(denied.into())
    }
}

impl From<AcmeError> for JobError {
    fn from(error: AcmeError) -> Self {
        Self::Acme(Box::new(error))
    }
}

impl From<RestoreError> for JobError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Door(error) => Self::Door(error),
            other => Self::Restore(Box::new(other)),
        }
    }
}
