//! Archives checked where they lie: read to their end and compared with their manifests; with a
//! private key also unpacked, and what is in them looked at. The continuous archive in the same way.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::path::Path as StorePath;

use super::catalogue::{Entry, Placement, PlacementState};
use super::place::blocking;
use super::prune::system;
use super::{
    BackupError, Damage, Identities, Kind, Layout, Manifest, Target, changes, fetch, repo,
};
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

/// What was checked.
#[derive(Clone, Debug)]
pub enum What {
    Archive(Box<Manifest>),
    /// Of one owner, what was archived continuously: its short name or `platform`.
    Changes(String),
}

/// One archive, or one owner's changes, in one target.
#[derive(Debug)]
pub struct Checked {
    pub what: What,
    pub target: String,
    pub result: Result<(), BackupError>,
}

/// One of them that is still to be checked.
enum Item {
    Archive(Box<Entry>, Placement, Target),
    Changes(Realm, Target),
}

/// A check that is under way. Dropped before its end, it was none.
pub struct Check<'a> {
    tenants: &'a Tenants,
    grant: &'a Grant<PlatformBackupRun>,
    identities: Option<Arc<Identities>>,
    layout: Layout,
    scratch: PathBuf,
    waiting: VecDeque<Item>,
    all: Vec<Checked>,
}

/// Checks every archive that the catalogue lists and everything that was archived continuously, in
/// every target that is configured; a target that cannot be reached is told and changes nothing.
///
/// # Errors
/// [`BackupError`] when the platform's file does not answer.
pub async fn verify(
    tenants: &Tenants,
    settings: &config::Backup,
    grant: &Grant<PlatformBackupRun>,
    identities: Option<Arc<Identities>>,
    told: &(dyn Fn(&str) + Send + Sync),
) -> Result<Vec<Checked>, BackupError> {
    let mut check = Check::begin(tenants, settings, grant, identities).await?;
    while let Some(next) = check.next() {
        told(&next);
        check.step().await?;
    }
    check.end().await
}

impl<'a> Check<'a> {
    /// # Errors
    /// [`BackupError`] when the platform's file does not answer.
    pub async fn begin(
        tenants: &'a Tenants,
        settings: &config::Backup,
        grant: &'a Grant<PlatformBackupRun>,
        identities: Option<Arc<Identities>>,
    ) -> Result<Self, BackupError> {
        let targets = super::places::targets(tenants, settings)?;
        let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, BackupError>(repo::all(tx)?);
        let entries = tenants.credentials(Realm::Platform, read).await?;
        let scratch = tenants.data_directory().join("backup-scratch");
        let _ = std::fs::remove_dir_all(&scratch);
        let (layout, mut waiting) = (Layout::new(tenants.installation()), VecDeque::new());
        for entry in entries {
            for placement in &entry.placements {
                let target = targets.0.iter().find(|one| one.name == placement.target);
                let there = target.filter(|_| placement.state != PlacementState::Missing);
                waiting.extend(there.map(|target| {
                    Item::Archive(Box::new(entry.clone()), placement.clone(), target.clone())
                }));
            }
        }
        for target in &targets.0 {
            let owners = changes::owners(target, layout).await.unwrap_or_else(|error| {
                tracing::warn!(place = target.name, %error, "its changes were not checked");
                Vec::new()
            });
            let is_known = |realm: &Realm| match realm {
                Realm::Platform => true,
                Realm::Tenant(id) => tenants.tenant_by_id(*id).is_some(),
            };
            let known = owners.into_iter().filter(is_known);
            waiting.extend(known.map(|realm| Item::Changes(realm, target.clone())));
        }
        Ok(Self { tenants, grant, identities, layout, scratch, waiting, all: Vec::new() })
    }

    /// What comes next, in words; nothing when all was checked.
    pub fn next(&self) -> Option<String> {
        Some(match self.waiting.front()? {
            Item::Archive(entry, _, target) => {
                format!("reading {} in {}", entry.manifest.path, target.name)
            }
            Item::Changes(realm, target) => {
                format!("reading the changes of {} in {}", self.name(*realm), target.name)
            }
        })
    }

    /// How many were checked, and all.
    pub fn progress(&self) -> (u64, u64) {
        let done = self.all.len() as u64;
        (done, done + self.waiting.len() as u64)
    }

    /// Checks the next.
    ///
    /// # Errors
    /// [`BackupError`] when the platform's file does not answer.
    pub async fn step(&mut self) -> Result<(), BackupError> {
        let checked = match self.waiting.pop_front() {
            None => return Ok(()),
            Some(Item::Archive(entry, placement, target)) => {
                let verifier = self.tenants.notary().verifier();
                let (tenants, layout) = (self.tenants, self.layout);
                let checking = Checking { tenants, target: &target, layout, verifier: &verifier };
                let result = checking.one(&entry, self.identities.clone(), &self.scratch).await;
                checking.note(&entry, &placement, &result).await?;
                let what = What::Archive(Box::new(entry.manifest));
                Checked { what, target: target.name, result }
            }
            Some(Item::Changes(realm, target)) => {
                let result = self.changes(realm, &target).await;
                if let Err(error) = &result {
                    tracing::error!(%error, "the continuous archive is not whole");
                }
                let what = What::Changes(self.name(realm));
                Checked { what, target: target.name, result }
            }
        };
        self.all.push(checked);
        Ok(())
    }

    /// Records the result.
    ///
    /// # Errors
    /// [`BackupError`] when the platform's file does not answer.
    pub async fn end(self) -> Result<Vec<Checked>, BackupError> {
        let _ = std::fs::remove_dir_all(&self.scratch);
        let event = verified(&self.all);
        let write = move |_: &mut WriteTx<'_, _>| Ok::<_, DoorError>(((), event.clone().into()));
        self.tenants.write(self.grant, write).await?;
        Ok(self.all)
    }

    /// What was merged or is past its time may go while it is read: then it is looked at once more.
    async fn changes(&self, realm: Realm, target: &Target) -> Result<(), BackupError> {
        match self.changes_now(realm, target).await {
            Err(BackupError::Damaged { damage: Damage::Missing, .. }) => {
                self.changes_now(realm, target).await
            }
            other => other,
        }
    }

    async fn changes_now(&self, realm: Realm, target: &Target) -> Result<(), BackupError> {
        let (target, layout, scratch) = (target.clone(), self.layout, self.scratch.clone());
        let (verifier, identities) = (self.tenants.notary().verifier(), self.identities.clone());
        blocking(move || {
            crate::store::files::private_directory(&scratch).map_err(DoorError::from)?;
            let keys = identities.as_deref().map(|keys| (keys, scratch.as_path()));
            changes::check(&target, layout, realm, &verifier, keys).map(|_| ())
        })
        .await
    }

    fn name(&self, realm: Realm) -> String {
        match realm {
            Realm::Platform => Layout::owner(realm),
            Realm::Tenant(id) => self
                .tenants
                .tenant_by_id(id)
                .map_or_else(|| id.to_string(), |tenant| tenant.slug.to_string()),
        }
    }
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
                tracing::warn!(place = self.target.name, %error, "a backup was not checked");
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
        let what = match &first.what {
            What::Archive(manifest) => manifest.path.clone(),
            What::Changes(owner) => format!("changes of {owner}"),
        };
        let path = format!("{}/{what}", first.target);
        event.custom_fields.insert("first".into(), path.into());
    }
    event
}
