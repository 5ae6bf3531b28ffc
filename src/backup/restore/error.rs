//! Why a restore was refused or failed: everything is as it was before.

use crate::backup::{BackupError, TargetError};
use crate::kernel::id::HoldId;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("there is no tenant {0}; see: strongroom tenant list")]
    NoTenant(String),
    #[error("no backup of {tenant} is as old as {at}; see: strongroom restore list")]
    NothingThen { tenant: String, at: String },
    #[error("there is no backup of {0}; see: strongroom restore list")]
    Nothing(String),
    #[error(
        "not enough room: {needed} MiB are needed beside what is there, {free} MiB are free on \
         the data disk"
    )]
    Room { needed: u64, free: u64 },
    #[error("this backup belongs to another tenant or installation")]
    Foreign,
    #[error("{table} has {found} rows, the backup was made of {expected}: use another backup")]
    Rows { table: String, expected: u64, found: u64 },
    #[error(
        "the audit log has {found} entries, the backup was made of {expected}: use another backup"
    )]
    Entries { expected: u64, found: u64 },
    /// The newest is only passed over when somebody says which one is to be used instead.
    #[error(
        "the newest backup in {target} cannot be used: {why}. Say which other one to use: --backup \
         ID or --at TIME; see: strongroom restore list"
    )]
    NewestLeftOut { target: String, why: String },
    #[error("there is no restore {0}; see: strongroom restore status")]
    Unknown(String),
    #[error("this restore is {0}: there is nothing to confirm or to undo")]
    State(&'static str),
    #[error(
        "the legal hold {0} is in force: the state before the restore is kept until it is lifted"
    )]
    Held(HoldId),
    #[error(
        "the legal hold {0} is in force: what was written since the restore is kept until it is \
         lifted, and so is the state before"
    )]
    HeldSince(HoldId),
    #[error("another restore of this tenant is under way")]
    Running,
    #[error(
        "an earlier restore of this tenant, {0}, is neither confirmed nor undone: do that first"
    )]
    Unconfirmed(String),
    #[error("nothing was restored: type the tenant's short name to confirm")]
    Confirmation,
    #[error("the data directory {0} is not empty: restore everything into an empty one")]
    NotEmpty(String),
    #[error(
        "the files were exchanged in part only: {0}. See to the disk, then start the server again: \
         it completes the restore, and the tenant answers"
    )]
    Halfway(String),
    #[error("{0}")]
    Fire(String),
    #[error(transparent)]
    Backup(BackupError),
    #[error(transparent)]
    Door(DoorError),
}

impl RestoreError {
    /// Whether one archive is at fault, so that another may do.
    pub fn is_of_the_archive(&self) -> bool {
        use crate::store::StoreError;
        match self {
            Self::Backup(error) => error.is_of_the_archive(),
            Self::Door(DoorError::Store(error)) => matches!(error, StoreError::Corrupt(_)),
            Self::Rows { .. } | Self::Entries { .. } => true,
            _ => false,
        }
    }
}

crate::behind_doors!(RestoreError);

impl From<BackupError> for RestoreError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Door(error) => Self::Door(error),
            other => Self::Backup(other),
        }
    }
}

impl From<TargetError> for RestoreError {
    fn from(error: TargetError) -> Self {
        Self::Backup(error.into())
    }
}

impl Fault for RestoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoTenant(_) | Self::Nothing(_) | Self::NothingThen { .. } | Self::Unknown(_) => {
                ErrorKind::NotFound
            }
            Self::Room { .. } | Self::Halfway(_) => ErrorKind::Unavailable,
            Self::Confirmation | Self::NotEmpty(_) => ErrorKind::Invalid,
            Self::State(_)
            | Self::Held(_)
            | Self::HeldSince(_)
            | Self::Running
            | Self::Unconfirmed(_) => ErrorKind::Conflict,
            Self::Foreign
            | Self::NewestLeftOut { .. }
            | Self::Rows { .. }
            | Self::Entries { .. }
            | Self::Fire(_) => ErrorKind::Invalid,
            Self::Backup(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoTenant(_) => "tenant-not-found",
            Self::Nothing(_) | Self::NothingThen { .. } => "restore-no-backup",
            Self::Unknown(_) => "restore-unknown",
            Self::Room { .. } => "restore-no-room",
            Self::Confirmation => "confirmation",
            Self::NotEmpty(_) => "restore-not-empty",
            Self::State(_) => "restore-state",
            Self::Held(_) | Self::HeldSince(_) => "held",
            Self::Running | Self::Unconfirmed(_) => "restore-running",
            Self::Foreign => "restore-foreign",
            Self::NewestLeftOut { .. } | Self::Rows { .. } | Self::Entries { .. } => {
                "backup-damaged"
            }
            Self::Fire(_) | Self::Halfway(_) => "restore-failed",
            Self::Backup(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }
}
