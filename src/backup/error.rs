//! What can go wrong with backups, said so that an administrator knows what to do.

use super::{ManifestError, SealError, TargetError};
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

/// What is wrong with an archive that was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it is missing")]
    Missing,
    #[error("its size is not the one in its manifest")]
    Size,
    #[error("its hash is not the one in its manifest")]
    Hash,
    #[error("what is in it is not what its manifest says")]
    Content,
    #[error("its manifest is missing or was not signed by this installation")]
    Manifest,
    #[error("it lies where the archive of another owner, kind or time belongs")]
    Place,
    #[error("the database in it is damaged")]
    Database,
    #[error("it holds other rows than its manifest says")]
    Rows,
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "no backup can be made: nobody is configured who could read it. Run `age-keygen -o \
         backup-key.txt` on another machine, keep that file there, and set backup.recipients to \
         the public key that it prints (age1…)"
    )]
    NoRecipient,
    #[error("{target}/{path} is damaged: {damage}. Use another target or an older backup")]
    Damaged { target: String, path: String, damage: Damage },
    #[error("there is no backup {0}; see: strongroom backup list")]
    Unknown(String),
    #[error(
        "{0} is a target of the settings: what lies there is deleted when its time has come. Take \
         it out of backup.targets first"
    )]
    StillTarget(String),
    #[error("there is no backup of {0} yet")]
    None(String),
    /// Some owners could not be backed up; the others were.
    #[error("the backup of {first} failed ({count} in all): {cause}")]
    Owners { count: u64, first: String, cause: Box<BackupError> },
    #[error("no target took {path}: {reason}")]
    NotStored { path: String, reason: String },
    #[error("{path} cannot be written: {reason}")]
    Write { path: String, reason: String },
    #[error("{file} changed while it was copied; the next run tries again")]
    Changed { file: String },
    #[error(
        "the ledger of erasures in {target} is not this installation's, or was changed, at line {line}: look who can write there, and restore from another target"
    )]
    Ledger { target: String, line: u64 },
    #[error("the ledger of erasures is not up to date there: {0}")]
    NotCopied(String),
    #[error("stopped before it was done")]
    Stopped,
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Door(DoorError),
}

impl BackupError {
    /// Whether one archive is at fault, so that another may do.
    pub fn is_of_the_archive(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. } | Self::Manifest(_) | Self::Seal(_) | Self::Write { .. }
        )
    }
}

crate::behind_doors!(BackupError);

impl From<crate::authz::Denied> for BackupError {
    fn from(denied: crate::authz::Denied) -> Self {
        Self::Door(denied.into())
    }
}

impl Fault for BackupError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRecipient
            | Self::StillTarget(_)
            | Self::Target(TargetError::None)
            | Self::Seal(
                SealError::NoRecipient | SealError::WrongKey | SealError::Identity { .. },
            ) => ErrorKind::Invalid,
            Self::Unknown(_) | Self::None(_) => ErrorKind::NotFound,
            Self::Owners { cause, .. } => cause.kind(),
            Self::Door(error) => error.kind(),
            Self::NotStored { .. }
            | Self::NotCopied(_)
            | Self::Write { .. }
            | Self::Changed { .. }
            | Self::Stopped
            | Self::Target(_)
            | Self::Io(_) => ErrorKind::Unavailable,
            Self::Damaged { .. } | Self::Ledger { .. } | Self::Manifest(_) | Self::Seal(_) => {
                ErrorKind::Internal
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoRecipient | Self::Seal(SealError::NoRecipient) => "backup-no-recipient",
            Self::Damaged { .. } | Self::Manifest(_) | Self::Seal(SealError::Damaged(_)) => {
                "backup-damaged"
            }
            Self::Unknown(_) | Self::None(_) => "backup-unknown",
            Self::StillTarget(_) => "backup-still-target",
            Self::Owners { cause, .. } => cause.code(),
            Self::NotStored { .. } | Self::Write { .. } => "backup-not-stored",
            Self::Ledger { .. } => "ledger-contradicted",
            Self::NotCopied(_) => "ledger-not-copied",
            Self::Changed { .. } => "backup-changed",
            Self::Stopped => "backup-stopped",
            Self::Target(TargetError::None) => "backup-no-target",
            Self::Target(_) => "backup-target",
            Self::Seal(SealError::WrongKey) => "backup-wrong-key",
            Self::Seal(SealError::Identity { .. }) => "backup-identity",
            Self::Seal(SealError::Io(_)) | Self::Io(_) => "backup-io",
            Self::Door(error) => error.code(),
        }
    }
}
