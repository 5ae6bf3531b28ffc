//! Archives checked where they lie: read to their end and compared with their manifests; with a
//! private key also unpacked, and what is in them looked at.

use std::path::Path;
use std::sync::Arc;

use object_store::path::Path as StorePath;

use super::catalogue::{Entry, Placement, PlacementState};
use super::place::blocking;
use super::prune::system;
use super::{BackupError, Damage, GoOn, Identities, Kind, Layout, Manifest, Target, fetch, repo};
use crate::audit::event::{Outcome, Resource};
use crate::audit::note::Verifier;
use crate::audit::{Event, catalogue as events};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::config;
use crate::crypto::Key32;
use crate::store::pages::PageWriter;
use crate::store::{Readers, Sql};
use crate::tenants::{DoorError, Tenants, WriteTx};

/// One archive in one target.
#[derive(Debug)]
pub struct Checked {
    pub manifest: Manifest,
    pub target: String,
    pub result: Result<(), BackupError>,
}

/// Checks every archive that the catalogue lists, in every target that is configured; a target that
/// cannot be reached is told and changes nothing.
pub async fn verify(
    tenants: &Tenants,
    settings: &config::Backup,
    grant: &Grant<PlatformBackupRun>,
    identities: Option<Arc<Identities>>,
    go_on: &GoOn,
) -> Result<Vec<Checked>, BackupError> {
    let targets = super::places::targets(tenants, settings)?;
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
    let entries = tenants.credentials(Realm::Platform, read).await?;
    let verifier = tenants.notary().verifier();
    let scratch = tenants.data_directory().join("backup-scratch");
    let _ = std::fs::remove_dir_all(&scratch);
    let (layout, mut all) = (Layout::new(tenants.installation()), Vec::new());
    for entry in entries {
        for placement in &entry.placements {
            if !go_on() {
                return Err(BackupError::Stopped);
            }
            let target = targets.0.iter().find(|one| one.name == placement.target);
            let Some(target) = target.filter(|_| placement.state != PlacementState::Missing) else {
                continue;
            };
            let checking = Checking { tenants, target, layout, verifier: &verifier };
            let result = checking.one(&entry, identities.clone(), &scratch).await;
            checking.note(&entry, placement, &result).await?;
            let (manifest, target) = (entry.manifest.clone(), target.name.clone());
            all.push(Checked { manifest, target, result });
        }
    }
    let _ = std::fs::remove_dir_all(&scratch);
    let event = verified(&all);
    let write = move |_: &mut WriteTx<'_, _>| Ok::<_, DoorError>(((), event.clone().into()));
    tenants.write(grant, write).await?;
    Ok(all)
}

struct Checking<'a> {
    tenants: &'a Tenants,
    target: &'a Target,
    layout: Layout,
    verifier: &'a Verifier,
}

impl Checking<'_> {
    async fn one(
        &self,
        entry: &Entry,
        identities: Option<Arc<Identities>>,
        scratch: &Path,
    ) -> Result<(), BackupError> {
        let path = StorePath::from(entry.manifest.path.as_str());
        let beside = fetch::manifest(self.target, self.layout, &path, Some(self.verifier)).await?;
        if beside != entry.manifest {
            return Err(fetch::damaged(self.target, path.as_ref(), Damage::Manifest));
        }
        let (target, manifest) = (self.target.clone(), entry.manifest.clone());
        let (scratch, key) =
            (scratch.to_owned(), Key32::generate(self.tenants.runtime().random.as_ref()));
        blocking(move || match identities {
            None => fetch::read_through(&target, &manifest),
            Some(identities) => look_into(&target, &manifest, &identities, &scratch, &key),
        })
        .await
    }

    /// Writes down how it was.
    async fn note(
        &self,
        entry: &Entry,
        placement: &Placement,
        result: &Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let now = self.tenants.runtime().now();
        let (state, verified) = match result {
            Ok(()) => (PlacementState::Stored, Some(now)),
            Err(error @ BackupError::Damaged { .. }) => {
                tracing::error!(%error, "a backup is damaged");
                (PlacementState::Damaged, placement.verified)
            }
            Err(error) => {
                tracing::warn!(target = self.target.name, %error, "a backup was not checked");
                return Ok(());
            }
        };
        let since = if state == placement.state { placement.since } else { now };
        let placement = Placement { target: self.target.name.clone(), state, since, verified };
        let id = entry.manifest.id;
        system(self.tenants, move |tx| Ok(repo::place(tx, id, &placement)?)).await
    }
}

/// Unpacks an archive; a database into an encrypted file that is thrown away, to be looked at.
fn look_into(
    target: &Target,
    manifest: &Manifest,
    identities: &Identities,
    scratch: &Path,
    key: &Key32,
) -> Result<(), BackupError> {
    if !matches!(manifest.kind, Kind::Data | Kind::Keys) {
        return fetch::fetch(target, manifest, identities, &mut std::io::sink());
    }
    crate::store::files::private_directory(scratch)?;
    let path = scratch.join(format!("{}.db", manifest.id));
    let mut pages = PageWriter::create(&path, key)?;
    let result = fetch::fetch(target, manifest, identities, &mut pages)
        .and_then(|()| Ok(pages.finish()?))
        .and_then(|()| {
            let readers = Readers::new(path.clone(), key.clone(), 1);
            readers.read_here(|tx| examine(tx, target, manifest))?
        });
    let _ = std::fs::remove_file(&path);
    result
}

fn examine(
    tx: &crate::store::RawReadTx<'_>,
    target: &Target,
    manifest: &Manifest,
) -> Result<(), BackupError> {
    let damaged = |damage| Err(fetch::damaged(target, &manifest.path, damage));
    let found: Option<String> = tx.query_one("PRAGMA integrity_check(1)", &[], |row| row.get(0))?;
    if found.as_deref() != Some("ok") {
        return damaged(Damage::Database);
    }
    if manifest.kind == Kind::Data && repo::rows(tx)? != manifest.rows {
        return damaged(Damage::Rows);
    }
    Ok(())
}

fn verified(all: &[Checked]) -> Event {
    let mut event = Event::new(events::BACKUP_VERIFIED);
    event.resource = Some(Resource::new("backup", "archives"));
    let bad: Vec<_> = all.iter().filter(|one| one.result.is_err()).collect();
    event.custom_fields.insert("archives".into(), all.len().into());
    event.custom_fields.insert("failed".into(), bad.len().into());
    if let Some(first) = bad.first() {
        event.outcome = Outcome::Error;
        let path = format!("{}/{}", first.target, first.manifest.path);
        event.custom_fields.insert("first".into(), path.into());
    }
    event
}
