//! What is asked of a restore, what it would do, and what came of it.

use serde::{Deserialize, Serialize};

use crate::config::TargetUrl;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, HoldId, LogId, RestoreId, TenantId};

/// The state that is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The newest there is.
    #[default]
    Latest,
    /// The last commit that is not later.
    At(Timestamp),
    /// One archive.
    Backup(BackupId),
}

#[derive(Clone, Debug)]
pub struct Wanted {
    /// Short name or id.
    pub tenant: String,
    pub moment: Moment,
    /// A target that is not configured, or one of them alone.
    pub from: Option<TargetUrl>,
}

/// What a restore would do. Making one changes nothing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub tenant: TenantId,
    pub slug: String,
    pub backup: String,
    pub target: String,
    /// The moment that the tenant would be as of.
    pub moment: Timestamp,
    /// Size of the archive and of the file in it.
    pub bytes: u64,
    pub plain_bytes: u64,
    /// Entries of the log then, where that is known before it is read.
    pub entries: Option<u64>,
    /// Entries that the log has had since: what they tell of would be undone. They are kept.
    /// None when the tenant's file cannot be read.
    pub lost: Option<u64>,
    /// Who can read it: public keys, one of whose private keys is needed.
    pub recipients: Vec<String>,
    /// A legal hold is in force: the restore cannot be confirmed before it is lifted.
    pub hold: Option<HoldId>,
    /// Changes after the archive come from the continuous archive.
    pub continuous: bool,
    /// Targets that did not say how far their continuous archive reaches, and why: later moments may
    /// be there.
    pub unread: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreState {
    Running,
    Restored,
    Confirmed,
    Undone,
    Failed,
}

impl RestoreState {
    const ALL: [Self; 5] =
        [Self::Running, Self::Restored, Self::Confirmed, Self::Undone, Self::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restored => "restored",
            Self::Confirmed => "confirmed",
            Self::Undone => "undone",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A restore from its beginning on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restore {
    pub id: RestoreId,
    pub tenant: TenantId,
    pub state: RestoreState,
    pub moment: Timestamp,
    pub backup: String,
    pub target: String,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    pub lost: u64,
    pub past: Option<LogId>,
    pub problem: Option<String>,
}
