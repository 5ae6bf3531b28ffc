//! Which archives there are and in which targets they lie.

use std::collections::HashSet;

use serde::Serialize;

pub use super::overdue::Overdue;
pub use super::repo::Forgotten;
use super::{BackupError, Kind, Manifest, overdue, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::{PlatformBackupRead, PlatformBackupRun};
use crate::authz::{Grant, Realm};
use crate::config;
use crate::kernel::Timestamp;
use crate::kernel::id::BackupId;
use crate::tenants::{AuditEvents, DoorError, ReadTx, Tenants};

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
    /// Whether one of these targets is known to have it.
    pub fn is_stored_in(&self, targets: &HashSet<String>) -> bool {
        let is_there = |one: &Placement| one.state == PlacementState::Stored;
        self.placements.iter().any(|one| is_there(one) && targets.contains(&one.target))
    }

    /// Whether some target is known to have it.
    pub fn is_stored(&self) -> bool {
        self.placements.iter().any(|one| one.state == PlacementState::Stored)
    }
}

/// What is known to lie in a target which is not in the settings any more. Nothing deletes it there:
/// not by its age, and not because of an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    pub target: String,
    pub archives: u64,
    /// Of these, such that hold keys.
    pub key_archives: u64,
    /// Whether changes were sent there by continuous archiving.
    pub changes: bool,
    pub oldest: Timestamp,
    pub newest: Timestamp,
}

/// What lies in targets other than these.
///
/// # Errors
/// What the platform's file answers.
pub async fn elsewhere(
    tenants: &Tenants,
    settings: &config::Backup,
) -> Result<Vec<Elsewhere>, BackupError> {
    let configured: Vec<_> = settings.targets.iter().map(|url| url.name().to_owned()).collect();
    except(tenants, configured).await
}

/// Targets that refuse to delete what is past its time.
///
/// # Errors
/// What the platform's file answers.
pub async fn overdue(tenants: &Tenants) -> Result<Vec<Overdue>, DoorError> {
    let read = |tx: &ReadTx<'_>| Ok::<_, DoorError>(overdue::all(tx)?);
    tenants.credentials(Realm::Platform, read).await
}

/// Names of targets in which nothing is deleted in time, for certificates: those that refuse to, and
/// those that this process was not started with.
///
/// # Errors
/// What the platform's file answers.
pub async fn beyond_reach(tenants: &Tenants) -> Result<Vec<String>, DoorError> {
    let here = tenants.ledger().places();
    let read = move |tx: &ReadTx<'_>| Ok::<_, DoorError>(repo::elsewhere(tx, &here)?);
    let found = tenants.credentials(Realm::Platform, read).await?;
    let mut names: Vec<_> = found.into_iter().map(|one| one.target).collect();
    names.extend(overdue(tenants).await?.into_iter().map(|one| one.target));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

async fn except(tenants: &Tenants, here: Vec<String>) -> Result<Vec<Elsewhere>, BackupError> {
    let read = move |tx: &ReadTx<'_>| Ok::<_, BackupError>(repo::elsewhere(tx, &here)?);
    tenants.credentials(Realm::Platform, read).await
}

/// Says that what lies in a target which is not in the settings any more has been destroyed by hand,
/// which nobody but the caller can know. Answers what that was, if there was anything.
///
/// # Errors
/// [`BackupError::StillTarget`] for a target of the settings.
pub async fn forget_target(
    tenants: &Tenants,
    grant: &Grant<PlatformBackupRun>,
    settings: &config::Backup,
    target: &str,
) -> Result<Option<Forgotten>, BackupError> {
    if settings.targets.iter().any(|url| url.name() == target) {
        return Err(BackupError::StillTarget(target.to_owned()));
    }
    let target = target.to_owned();
    let written = tenants.write(grant, move |tx| {
        let forgotten = repo::forget_target(tx, &target)?;
        if forgotten.archives == 0 && !forgotten.changes {
            return Ok((None, AuditEvents::none()));
        }
        let mut event = Event::new(events::BACKUP_DELETED);
        event.resource = Some(Resource::new("backup", "archives"));
        event.custom_fields.insert("archives".into(), forgotten.archives.into());
        event.custom_fields.insert("continuous".into(), forgotten.changes.into());
        event.custom_fields.insert("target".into(), target.as_str().into());
        event.custom_fields.insert("byHand".into(), true.into());
        Ok::<_, BackupError>((Some(forgotten), event.into()))
    });
    Ok(written.await?.value)
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
