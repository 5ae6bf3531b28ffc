//! A closing as it is shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::shreds::AskedBy;
use crate::kernel::Timestamp;
use crate::kernel::id::{ClosingId, TenantId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClosingState {
    /// In its time of grace, or held.
    Closed,
    Reopened,
    /// Begun; it is completed by itself.
    Destroying,
    Destroyed,
}

impl ClosingState {
    pub const ALL: [Self; 4] = [Self::Closed, Self::Reopened, Self::Destroying, Self::Destroyed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Destroying => "destroying",
            Self::Destroyed => "destroyed",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A tenant's closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Closing {
    pub id: ClosingId,
    pub tenant: TenantId,
    pub slug: String,
    pub name: String,
    pub state: ClosingState,
    pub closed_by: AskedBy,
    pub reason: String,
    pub closed_at: Timestamp,
    /// When the time of grace ends and everything is destroyed.
    pub due_at: Timestamp,
    /// A legal hold in the tenant keeps it from being destroyed.
    pub held: bool,
    pub reopened_at: Option<Timestamp>,
    pub destroyed_at: Option<Timestamp>,
    /// When the last archive of keys that can hold the tenant's is deleted; null when no backups
    /// are made.
    pub keys_in_backups_until: Option<Timestamp>,
    /// When the last backup of its data, unreadable without keys, is deleted.
    pub data_in_backups_until: Option<Timestamp>,
    /// A signed note; null until everything is destroyed.
    pub certificate: Option<String>,
}
