//! One run of backups.
//!
//! Order, for each owner: the snapshot of the data begins; then the key store is copied; then the
//! data and the files. A key is committed to its store before any data names it, so a store that is
//! copied after the snapshot began has every key that the snapshot may name, but for those destroyed
//! since, which is as it should be. The platform's keys come first of all, because they open every
//! other key store; its data comes last and so knows every tenant whose archive was made.
//!
//! An archive is written to a disk of this machine first, at the speed of the disk: a directory that
//! is a target, else the spool in the data directory (encrypted like everywhere). From there it goes
//! to the other targets at once, however slow they are, with the snapshot long over. Last comes its
//! manifest: without one it does not exist, and a later run clears it away.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use object_store::path::Path as StorePath;

use super::catalogue::{Placement, PlacementState};
use super::pack::Packed;
use super::place::{self, blocking};
use super::{
    BackupError, Kind, Layout, Manifest, Recipients, Target, Targets, files, metrics, repo,
};
use crate::audit::event::{Outcome, Resource};
use crate::audit::note::Signer;
use crate::audit::{Event, catalogue as events, checkpoint, past};
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Grant, Realm};
use crate::config;
use crate::crypto::keyring::KeyChanges;
use crate::kernel::id::{BackupId, InstallationId, KeyId, LogId};
use crate::kernel::{Runtime, Timestamp};
use crate::store::StoreError;
use crate::store::pages::PageReader;
use crate::tenants::{DoorError, Original, SystemWrite, Tenant, Tenants};

/// Asked at every block: whether the work is to go on.
pub type GoOn = Arc<dyn Fn() -> bool + Send + Sync>;

/// One run under way.
pub struct Run {
    pub(super) tenants: Tenants,
    pub(super) grant: Grant<PlatformBackupRun>,
    pub(super) targets: Targets,
    /// Whether the catalogue is told; a copy for somebody who asked is not in it.
    pub(super) listed: bool,
    installation: InstallationId,
    recipients: Recipients,
    signer: Arc<Signer>,
    layout: Layout,
    runtime: Runtime,
    spool: PathBuf,
    go_on: GoOn,
}

/// An archive that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub manifest: Manifest,
    pub placements: Vec<Placement>,
    /// Targets that did not take it, and why.
    pub failed: Vec<(String, String)>,
}

/// What a database file says of itself.
#[derive(Default)]
pub(super) struct Facts {
    pages: u64,
    page_size: u32,
    schema: u32,
    log: Option<LogId>,
    entries: u64,
    history: u64,
    checkpoint: Option<String>,
    rows: std::collections::BTreeMap<String, u64>,
    file_key: Option<KeyId>,
    keys: Option<KeyChanges>,
}

impl Facts {
    /// Of a delta of keys.
    pub(super) fn of_keys(keys: KeyChanges) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }
}

impl Run {
    /// A run to the targets of the settings.
    ///
    /// # Errors
    /// [`BackupError::NoRecipient`], [`super::TargetError`].
    pub fn new(
        tenants: &Tenants,
        settings: &config::Backup,
        grant: Grant<PlatformBackupRun>,
        go_on: GoOn,
    ) -> Result<Self, BackupError> {
        Recipients::new(&settings.recipients).map_err(|_| BackupError::NoRecipient)?;
        let targets = super::places::targets(tenants, settings)?;
        if targets.0.is_empty() {
            return Err(super::TargetError::None.into());
        }
        Self::to(tenants, settings, grant, targets, go_on)
    }

    /// A copy into another directory than the settings', which the catalogue does not list.
    pub fn once(
        tenants: &Tenants,
        settings: &config::Backup,
        grant: Grant<PlatformBackupRun>,
        target: Target,
    ) -> Result<Self, BackupError> {
        let go_on: GoOn = Arc::new(|| true);
        let run = Self::to(tenants, settings, grant, Targets(vec![target]), go_on)?;
        Ok(Self { listed: false, ..run })
    }

    pub(super) fn to(
        tenants: &Tenants,
        settings: &config::Backup,
        grant: Grant<PlatformBackupRun>,
        targets: Targets,
        go_on: GoOn,
    ) -> Result<Self, BackupError> {
        let recipients =
            Recipients::new(&settings.recipients).map_err(|_| BackupError::NoRecipient)?;
        let installation = tenants.installation();
        Ok(Self {
            tenants: tenants.clone(),
            grant,
            targets,
            listed: true,
            installation,
            recipients,
            signer: tenants.notary().signer().clone(),
            layout: Layout::new(installation),
            runtime: tenants.runtime().clone(),
            spool: tenants.data_directory().join("backup-spool"),
            go_on,
        })
    }

    /// root.json and the platform's key store: before anything else.
    pub async fn platform_keys(&self) -> Result<Vec<Made>, BackupError> {
        let original = self.tenants.original(&self.grant, Realm::Platform).await?;
        let root = original.directory().join("root.json");
        let write = move |out: &mut dyn Write| {
            out.write_all(&std::fs::read(&root)?)?;
            Ok(Facts::default())
        };
        let root = self.archive(Kind::Root, Realm::Platform, None, write).await?;
        let keys = self.keys(Realm::Platform, None, &original).await?;
        self.note(Realm::Platform, vec![root, keys]).await
    }

    /// One tenant: its keys, data and files, with an entry in its own log too.
    pub async fn tenant(&self, tenant: &Tenant) -> Result<Vec<Made>, BackupError> {
        let realm = Realm::Tenant(tenant.id);
        let made = self.owner(realm, Some(tenant)).await?;
        let original = self.tenants.original(&self.grant, realm).await?;
        original.record(completed(&made, Some(tenant))).await?;
        Ok(made)
    }

    /// The platform's data, with the keys made since [`platform_keys`](Self::platform_keys).
    pub async fn platform(&self) -> Result<Vec<Made>, BackupError> {
        self.owner(Realm::Platform, None).await
    }

    async fn owner(&self, realm: Realm, tenant: Option<&Tenant>) -> Result<Vec<Made>, BackupError> {
        let began = self.runtime.clock.monotonic();
        let result = self.copies(realm, tenant).await;
        let place = tenant.map_or("platform", |tenant| tenant.slug.as_str());
        match result {
            Ok(made) => {
                let made = self.note(realm, made).await?;
                let took = self.runtime.clock.monotonic().saturating_sub(began);
                metrics::made(&made, took);
                self.entry(completed(&made, tenant)).await?;
                Ok(made)
            }
            Err(BackupError::Stopped) => Err(BackupError::Stopped),
            Err(error) => {
                tracing::error!(owner = place, %error, "a backup failed");
                self.entry(failed(&error, tenant)).await?;
                Err(error)
            }
        }
    }

    async fn copies(
        &self,
        realm: Realm,
        tenant: Option<&Tenant>,
    ) -> Result<Vec<Made>, BackupError> {
        let original = self.tenants.original(&self.grant, realm).await?;
        let moment = original.clone();
        let taken = self.runtime.now();
        let pages = blocking(move || Ok(moment.pages()?)).await?;
        let mut made = vec![self.keys(realm, tenant, &original).await?];
        made.push(self.data(realm, tenant, &original, pages, taken).await?);
        made.extend(self.files_beside(realm, tenant, &original).await?);
        Ok(made)
    }

    async fn files_beside(
        &self,
        realm: Realm,
        tenant: Option<&Tenant>,
        original: &Original,
    ) -> Result<Option<Made>, BackupError> {
        let directory = original.directory().to_owned();
        if !files::is_anything_beside(&directory)? {
            return Ok(None);
        }
        let go_on = self.go_on.clone();
        let write = move |out: &mut dyn Write| {
            files::pack(&directory, out, &*go_on).map(|()| Facts::default())
        };
        self.archive(Kind::Blobs, realm, tenant, write).await.map(Some)
    }

    /// Archives what lies beside a realm's data file, by itself: not everything waits for the night.
    pub(super) async fn beside(&self, realm: Realm) -> Result<(), BackupError> {
        let original = self.tenants.original(&self.grant, realm).await?;
        let tenant = match realm {
            Realm::Platform => None,
            Realm::Tenant(id) => self.tenants.tenant_by_id(id),
        };
        if let Some(made) = self.files_beside(realm, tenant.as_ref(), &original).await? {
            self.note(realm, vec![made]).await?;
        }
        Ok(())
    }

    /// A key store as it is now.
    pub(super) async fn keys(
        &self,
        realm: Realm,
        tenant: Option<&Tenant>,
        original: &Original,
    ) -> Result<Made, BackupError> {
        let keys = original.keys().clone();
        let write = move |out: &mut dyn Write| {
            let mut pages = 0;
            let changes = keys.copy_store(&mut |page: &[u8]| {
                pages += 1;
                out.write_all(page)
            })?;
            Ok(Facts { pages, page_size: 8192, keys: Some(changes), ..Facts::default() })
        };
        self.archive(Kind::Keys, realm, tenant, write).await
    }

    async fn data(
        &self,
        realm: Realm,
        tenant: Option<&Tenant>,
        original: &Original,
        pages: PageReader,
        taken: Timestamp,
    ) -> Result<Made, BackupError> {
        let (original, go_on) = (original.clone(), self.go_on.clone());
        let write = move |out: &mut dyn Write| {
            pages.for_each(|page| {
                out.write_all(page)?;
                if go_on() { Ok(()) } else { Err(BackupError::Stopped) }
            })?;
            facts(&pages, &original)
        };
        self.archive_of(Kind::Data, realm, tenant, taken, write).await
    }

    pub(super) async fn archive(
        &self,
        kind: Kind,
        realm: Realm,
        tenant: Option<&Tenant>,
        write: impl FnMut(&mut dyn Write) -> Result<Facts, BackupError> + Send + 'static,
    ) -> Result<Made, BackupError> {
        self.archive_of(kind, realm, tenant, self.runtime.now(), write).await
    }

    /// Makes an archive, brings it to every target and signs for it.
    async fn archive_of(
        &self,
        kind: Kind,
        realm: Realm,
        tenant: Option<&Tenant>,
        taken: Timestamp,
        write: impl FnMut(&mut dyn Write) -> Result<Facts, BackupError> + Send + 'static,
    ) -> Result<Made, BackupError> {
        // Its time would be wrong for good, and with it which archive is the newest.
        if !self.tenants.is_clock_steady() {
            return Err(DoorError::Store(StoreError::ClockJump).into());
        }
        let (id, ledger): (BackupId, _) = (self.runtime.id(), self.tenants.ledger_head());
        let path = self.layout.archive(kind, realm, taken, id);
        let (near, facts, packed) = self.write_near(&path, write).await?;
        let file = near.join(path.as_ref());
        let manifest = Manifest {
            id,
            kind,
            installation: self.installation,
            owner: super::Layout::owner(realm),
            slug: tenant.map(|tenant| tenant.slug.to_string()),
            taken,
            path: path.to_string(),
            bytes: packed.bytes,
            sha256: packed.sha256,
            plain_bytes: packed.plain_bytes,
            plain_sha256: packed.plain_sha256,
            pages: facts.pages,
            page_size: facts.page_size,
            schema: facts.schema,
            log: facts.log,
            entries: facts.entries,
            history: facts.history,
            checkpoint: facts.checkpoint,
            rows: facts.rows,
            file_key: facts.file_key,
            keys: facts.keys,
            ledger,
            recipients: self.recipients.names(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let result = self.spread(&manifest, &path, &near, &file).await;
        if near == self.spool {
            let _ = std::fs::remove_file(&file);
        }
        result
    }

    /// Writes it into the first directory that takes it.
    async fn write_near(
        &self,
        path: &StorePath,
        mut write: impl FnMut(&mut dyn Write) -> Result<Facts, BackupError> + Send + 'static,
    ) -> Result<(PathBuf, Facts, Packed), BackupError> {
        let (mut directories, mut last) = (Vec::new(), BackupError::Stopped);
        for target in &self.targets.0 {
            match place::ready(target).await {
                Ok(directory) => directories.extend(directory),
                Err(error) => last = error,
            }
        }
        // Where the only targets are directories, the spool would help nobody.
        if self.targets.0.iter().any(|target| place::directory(target).is_none()) {
            directories.push(self.spool.clone());
        }
        let (path, recipients) = (path.clone(), self.recipients.clone());
        blocking(move || {
            for directory in directories {
                match place::write(&directory, &path, &recipients, &mut write) {
                    Ok((facts, packed)) => {
                        check(&facts, &packed, &path)?;
                        return Ok((directory, facts, packed));
                    }
                    Err(
                        error @ (BackupError::Write { .. }
                        | BackupError::Door(DoorError::Store(
                            StoreError::Io(_) | StoreError::Full,
                        ))),
                    ) => last = error,
                    Err(error) => return Err(error),
                }
            }
            Err(last)
        })
        .await
    }

    /// Copies it to the other targets and puts its manifest into all that have it.
    async fn spread(
        &self,
        manifest: &Manifest,
        path: &StorePath,
        near: &Path,
        file: &Path,
    ) -> Result<Made, BackupError> {
        let note = &manifest.sign(&self.signer).map_err(super::ManifestError::from)?;
        let each = self.targets.0.iter().map(|target| async move {
            let here = place::directory(target).as_deref() == Some(near);
            let stored = async {
                if !here {
                    place::send(target, path, file).await?;
                }
                if place::size(target, path).await? != Some(manifest.bytes) {
                    return Err(BackupError::NotStored {
                        path: path.to_string(),
                        reason: "it has another size there".into(),
                    });
                }
                place::put(target, &Layout::manifest(path), note.clone()).await
            };
            (target, stored.await)
        });
        let (mut placements, mut failed) = (Vec::new(), Vec::new());
        for (target, result) in join_all(each).await {
            let state = match &result {
                Ok(()) => PlacementState::Stored,
                Err(_) => PlacementState::Missing,
            };
            metrics::target(&target.name, result.is_ok());
            if let Err(error) = result {
                tracing::error!(place = target.name, %path, %error, "a target took no backup");
                failed.push((target.name.clone(), error.to_string()));
            }
            let since = self.runtime.now();
            placements.push(Placement {
                target: target.name.clone(),
                state,
                since,
                verified: None,
            });
        }
        if placements.iter().all(|one| one.state != PlacementState::Stored) {
            let reason = failed.into_iter().next().map(|(_, error)| error).unwrap_or_default();
            return Err(BackupError::NotStored { path: path.to_string(), reason });
        }
        Ok(Made { manifest: manifest.clone(), placements, failed })
    }

    /// Puts what was made into the catalogue.
    pub(super) async fn note(
        &self,
        realm: Realm,
        made: Vec<Made>,
    ) -> Result<Vec<Made>, BackupError> {
        if !self.listed {
            return Ok(made);
        }
        let mut rows = Vec::new();
        for one in &made {
            let note = one.manifest.sign(&self.signer).map_err(super::ManifestError::from)?;
            rows.push((one.clone(), note));
        }
        let write = move |tx: &mut crate::tenants::WriteTx<'_, SystemWrite>| {
            for (one, note) in &rows {
                repo::insert(tx, realm, &one.manifest, note, &one.placements)?;
            }
            Ok(())
        };
        let what = SystemWrite::BackupCatalogue;
        self.tenants.system_write(Realm::Platform, what, write).await?;
        Ok(made)
    }

    async fn entry(&self, event: Event) -> Result<(), BackupError> {
        let write = move |_: &mut crate::tenants::WriteTx<'_, _>| {
            Ok::<_, DoorError>(((), event.clone().into()))
        };
        self.tenants.write(&self.grant, write).await?;
        Ok(())
    }
}

/// What is true of every archive that is whole.
fn check(facts: &Facts, packed: &Packed, path: &StorePath) -> Result<(), BackupError> {
    let pages = facts.pages * u64::from(facts.page_size);
    if packed.plain_bytes == 0 || (facts.pages > 0 && packed.plain_bytes != pages) {
        let reason = "what was written is not the whole file".to_owned();
        return Err(BackupError::NotStored { path: path.to_string(), reason });
    }
    Ok(())
}

fn facts(pages: &PageReader, original: &Original) -> Result<Facts, BackupError> {
    let tx = pages.tx();
    let checkpoint = checkpoint::latest(&tx)?.map(|checkpoint| checkpoint.note);
    let entries = crate::audit::read::size(&tx)?;
    let followed: u64 = past::list(&tx)?.iter().map(|past| past.known).sum();
    Ok(Facts {
        pages: pages.pages().into(),
        page_size: pages.page_size(),
        schema: repo::schema(&tx)?,
        log: checkpoint::log(&tx, original.notary())?.map(|(log, _)| log),
        entries,
        history: entries + followed,
        checkpoint,
        rows: repo::rows(&tx)?,
        file_key: Some(original.keys().file_key_id()?),
        keys: None,
    })
}

fn about(action: events::Action, tenant: Option<&Tenant>) -> Event {
    let mut event = Event::new(action);
    let owner = tenant.map_or_else(|| "platform".to_owned(), |tenant| tenant.id.to_string());
    event.resource = Some(Resource::new("backup", owner));
    if let Some(tenant) = tenant {
        event.custom_fields.insert("tenant".into(), tenant.slug.as_str().into());
    }
    event
}

fn completed(made: &[Made], tenant: Option<&Tenant>) -> Event {
    let mut event = about(events::BACKUP_COMPLETED, tenant);
    let bytes: u64 = made.iter().map(|one| one.manifest.bytes).sum();
    event.custom_fields.insert("bytes".into(), bytes.into());
    event.custom_fields.insert("archives".into(), made.len().into());
    if let Some(data) = made.iter().find(|one| one.manifest.kind == Kind::Data) {
        event.custom_fields.insert("backup".into(), data.manifest.id.to_string().into());
        event.custom_fields.insert("sha256".into(), data.manifest.sha256.as_str().into());
        event.custom_fields.insert("entries".into(), data.manifest.entries.into());
        for state in [PlacementState::Stored, PlacementState::Missing] {
            let targets: Vec<_> = data
                .placements
                .iter()
                .filter(|one| one.state == state)
                .map(|one| one.target.as_str())
                .collect();
            if !targets.is_empty() {
                event.custom_fields.insert(state.name().into(), targets.join(", ").into());
            }
        }
    }
    event
}

fn failed(error: &BackupError, tenant: Option<&Tenant>) -> Event {
    let mut event = about(events::BACKUP_FAILED, tenant);
    event.outcome = Outcome::Error;
    event.custom_fields.insert("error".into(), error.to_string().into());
    event
}

impl Target {
    /// A directory of this machine that is in no setting.
    ///
    /// # Errors
    /// [`super::TargetError::Setting`] when it cannot be used.
    pub fn directory(path: &Path) -> Result<Self, BackupError> {
        let refused = |reason: String| super::TargetError::Setting {
            target: path.display().to_string(),
            reason,
        };
        let text = path.to_str().ok_or_else(|| refused("its name is not text".to_owned()))?;
        let url = format!("file://{text}").parse().map_err(refused)?;
        Ok(Self::open(&url)?)
    }
}
