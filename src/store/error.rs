//! What can go wrong with a file, said so that an administrator knows what to do.

use std::path::Path;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::crypto::CryptoError;
use crate::kernel::ErrorKind;

#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "no space is left on the data disk: nothing was written; free some space and try again"
    )]
    Full,
    #[error("too many writes are waiting: nothing was written; try again shortly")]
    QueueFull,
    #[error("the database is locked by another process; stop whatever else opened {0}")]
    Locked(Arc<str>),
    #[error(
        "{0} cannot be read with its key: the key store does not belong to it, or the file is damaged; restore both from the same backup"
    )]
    WrongKey(Arc<str>),
    #[error("{0} is missing: stop the server and restore it from the last good backup")]
    Missing(Arc<str>),
    #[error("{0} is damaged: stop the server and restore it from the last good backup")]
    Corrupt(Arc<str>),
    #[error(
        "{file} was written by a newer release (schema {found}, this release knows {known}); install that release again, or go back with its strongroom rollback"
    )]
    Newer { file: Arc<str>, found: i64, known: i64 },
    #[error(
        "there is no room to keep {file} as it is before it is brought up to date ({needed} MiB needed, {free} MiB free): nothing was changed; free some space and start again"
    )]
    NoRoom { file: Arc<str>, needed: u64, free: u64 },
    #[error("it contradicts what is stored ({0})")]
    Constraint(Arc<str>),
    #[error(
        "the disk failed while committing and the outcome is not known: look whether the change is there before you repeat it"
    )]
    OutcomeUnknown,
    #[error("the data disk failed: nothing was written ({0})")]
    Io(Arc<str>),
    #[error("a write failed unexpectedly and was undone")]
    Panicked,
    #[error("the file is closed")]
    Closed,
    #[error(
        "the system clock jumped: appends are stopped until the clock is right and the server is restarted"
    )]
    ClockJump,
    #[error(
        "nothing was destroyed: no backup target took its line of the ledger of erasures ({0}); see that one can be reached, then try again"
    )]
    LedgerNotCopied(Arc<str>),
    #[error(transparent)]
    Crypto(#[from] Arc<CryptoError>),
    #[error("{0}")]
    Sql(Arc<str>),
}

/// Until [`StoreError::in_file`] says which.
const UNNAMED: &str = "a database file";

impl StoreError {
    /// Names the file that the error is about.
    pub(super) fn in_file(self, path: Option<&str>) -> Self {
        let name = |unnamed: Arc<str>| match path {
            Some(path) if &*unnamed == UNNAMED => path.into(),
            _ => unnamed,
        };
        match self {
            Self::Locked(file) => Self::Locked(name(file)),
            Self::WrongKey(file) => Self::WrongKey(name(file)),
            Self::Corrupt(file) => Self::Corrupt(name(file)),
            other => other,
        }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Full
            | Self::NoRoom { .. }
            | Self::QueueFull
            | Self::Locked(_)
            | Self::Io(_)
            | Self::ClockJump
            | Self::LedgerNotCopied(_) => ErrorKind::Unavailable,
            Self::Constraint(_) => ErrorKind::Conflict,
            _ => ErrorKind::Internal,
        }
    }

    /// Whether everything that ran in the transaction must be run again by itself.
    pub(super) fn spoils_transaction(&self) -> bool {
        matches!(self, Self::Full | Self::Io(_) | Self::Corrupt(_) | Self::Panicked)
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full,
            _ => Self::Io(format!("{}: {error}", path.display()).into()),
        }
    }
}

impl From<CryptoError> for StoreError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(Arc::new(error))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = || Arc::from(error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ConstraintViolation) => Self::Constraint(text()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked(UNNAMED.into())
            }
            Some(ErrorCode::NotADatabase) => Self::WrongKey(UNNAMED.into()),
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(UNNAMED.into()),
            Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::CannotOpen) => {
                Self::Io(text())
            }
            _ => Self::Sql(text()),
        }
    }
}
