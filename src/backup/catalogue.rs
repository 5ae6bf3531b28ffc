//! Which archives there are and in which targets they lie.

use serde::Serialize;

use super::{BackupError, Kind, Manifest, repo};
use crate::authz::permission::PlatformBackupRead;
use crate::authz::{Grant, Realm};
use crate::kernel::Timestamp;
use crate::kernel::id::BackupId;
use crate::tenants::Tenants;

/// How an archive is in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlacementState {
    Stored,
    /// It could not be written there yet.
    Missing,
    /// It was read back and is not what was written.
    Damaged,
}

impl PlacementState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
        }
    }

    /// What is not understood is not there.
    pub fn parse(name: &str) -> Self {
        match name {
            "stored" => Self::Stored,
            "damaged" => Self::Damaged,
            _ => Self::Missing,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placement {
    pub target: String,
    pub state: PlacementState,
    pub since: Timestamp,
    /// When it was last read back and found whole.
    pub verified: Option<Timestamp>,
}

/// One archive.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Larger than that of those that were made before, whatever times they bear.
    pub(super) row: i64,
    pub manifest: Manifest,
    /// The manifest as it is signed.
    pub note: String,
    pub placements: Vec<Placement>,
}

impl Entry {
    /// Whether some target is known to have it.
    pub fn is_stored(&self) -> bool {
        self.placements.iter().any(|one| one.state == PlacementState::Stored)
    }
}

/// Every archive, the newest first.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
) -> Result<Vec<Entry>, BackupError> {
    tenants.read(grant, |tx| Ok(repo::all(tx)?)).await
}

/// The archives of one owner, the newest first.
pub async fn of_owner(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    realm: Realm,
) -> Result<Vec<Entry>, BackupError> {
    tenants.read(grant, move |tx| Ok(repo::of_owner(tx, realm)?)).await
}

/// # Errors
/// [`BackupError::Unknown`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    id: BackupId,
) -> Result<Entry, BackupError> {
    let found = tenants.read(grant, move |tx| Ok::<_, BackupError>(repo::find(tx, id)?)).await?;
    found.ok_or_else(|| BackupError::Unknown(id.to_string()))
}

/// When the last archive of a kind was taken.
pub async fn last(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRead>,
    kind: Kind,
) -> Result<Option<Timestamp>, BackupError> {
    tenants.read(grant, move |tx| Ok(repo::last(tx, kind)?)).await
}
