//! What a restore test does with the backups of one owner in one target: as after a fire, with what
//! lies there and a root key, and with nothing that is open here.

use std::collections::BTreeMap;
use std::io::Seek;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::RestoreError;
use super::order::of_kind;
use super::run::compare;
use crate::authz::Realm;
use crate::backup::{
    BackupError, Damage, Identities, Kind, Layout, Manifest, Target, Targets, changes, fetch,
    files, keys, ledger, realm, signed_manifest as fetched_manifest,
};
use crate::crypto::TenantKeys;
use crate::kernel::{Timestamp, limits};
use crate::store::pages::PageWriter;
use crate::tenants::replace::Scratch;
use crate::tenants::{DoorError, Tenants};

/// A target, and the installation's keys as they lie there.
pub(super) struct Trial {
    tenants: Tenants,
    target: Target,
    layout: Layout,
    identities: Arc<Identities>,
    handle: Handle,
    scratch: Scratch,
    platform: Arc<TenantKeys>,
}

impl Trial {
    /// `archives` are those of the platform in this target, which have to hold as many keys as `made`
    /// says. Blocks.
    pub fn begin(
        tenants: &Tenants,
        target: Target,
        identities: Arc<Identities>,
        archives: &[Manifest],
        made: u64,
    ) -> Result<Self, RestoreError> {
        let handle = Handle::try_current().map_err(|error| failed(&target, error))?;
        let layout = Layout::new(tenants.installation());
        let scratch = tenants.scratch().map_err(DoorError::from)?;
        let roots = of_kind(archives, Kind::Root, None);
        let root = roots.first().ok_or_else(|| failed(&target, "no archive of root.json"))?;
        let mut json = Vec::new();
        if root.plain_bytes > limits::BACKUP_ROOT_BYTES {
            return Err(crate::backup::damaged(&target, root).into());
        }
        fetch(&target, root, &identities, &mut json)?;
        if !scratch.opens_with_ours(&json).map_err(|error| failed(&target, error))? {
            let why = "the root key in use does not open the archive of root.json: make a backup";
            return Err(failed(&target, why));
        }
        let platform = Arc::new(scratch.platform_keys(|path, key| {
            let name = Layout::owner(Realm::Platform);
            whole(&target, keys::read_keys(&target, archives, &name, &identities, key, path)?)
        })?);
        let verifier = tenants.notary().verifier();
        has_all(&target, &platform, made)?;
        if !scratch.signs_as_we_do(&platform).map_err(|error| failed(&target, error))? {
            return Err(failed(
                &target,
                "its archive of the platform's keys has another signing key",
            ));
        }
        let here = Targets(vec![target.clone()]);
        let lines = handle.block_on(ledger::fetch(&here, layout, &verifier))?;
        let known = archives.iter().max_by_key(|manifest| manifest.ledger.0);
        if known.is_some_and(|known| !lines.follows(known.ledger.0, &known.ledger.1)) {
            return Err(failed(&target, "lines of the ledger of erasures are missing"));
        }
        let tenants = tenants.clone();
        let trial = Self { tenants, target, layout, identities, handle, scratch, platform };
        let owner = Layout::owner(Realm::Platform);
        trial
            .described(roots.first().copied().into_iter().chain(key_archives(archives, &owner)))?;
        Ok(trial)
    }

    /// After a fire there is no catalogue: the manifests beside the archives say what they are.
    fn described<'m>(
        &self,
        archives: impl Iterator<Item = &'m Manifest>,
    ) -> Result<(), RestoreError> {
        let verifier = self.tenants.notary().verifier();
        for archive in archives {
            let path = archive.path.as_str().into();
            let beside = fetched_manifest(&self.target, self.layout, &path, Some(&verifier));
            if self.handle.block_on(beside)? != *archive {
                let damage = Damage::Manifest;
                let (target, path) = (self.target.name.clone(), archive.path.clone());
                return Err(BackupError::Damaged { target, path, damage }.into());
            }
        }
        Ok(())
    }

    /// Restores the archive of data with what belongs to it (`archives` are the owner's in this
    /// target), and the owner as of a second of its continuous archive: that second, if there is one.
    /// `made` as in [`Trial::begin`]; `chance` chooses the second. Blocks.
    pub fn run(
        &self,
        data: &Manifest,
        archives: &[Manifest],
        (made, chance): (u64, u64),
    ) -> Result<Option<Timestamp>, RestoreError> {
        let realm = realm(data).ok_or(RestoreError::Foreign)?;
        let beside = of_kind(archives, Kind::Blobs, Some(&data.owner)).first().copied();
        for manifest in std::iter::once(data).chain(beside) {
            super::room(self.tenants.data_directory(), manifest)?;
        }
        let room = self.scratch.room().map_err(DoorError::from)?;
        let used = key_archives(archives, &data.owner);
        self.described(used.chain(std::iter::once(data)).chain(beside))?;
        let keys = self.keys(realm, archives, &room)?;
        has_all(&self.target, &keys, made)?;
        let path = room.join("data.db");
        self.archive(data, realm, &keys, &path)?;
        crate::store::files::remove_if_there(&path).map_err(DoorError::from)?;
        if let Some(beside) = beside {
            self.beside(beside, &room)?;
        }
        let second = self.second(realm, &keys, &room, chance);
        match second {
            // What is replaced or past its time may go while it is read.
            Err(error) if error.is_of_the_archive() || is_none(&error) => {
                self.second(realm, &keys, &room, chance)
            }
            other => other,
        }
    }

    fn keys(
        &self,
        realm: Realm,
        archives: &[Manifest],
        room: &Path,
    ) -> Result<Arc<TenantKeys>, RestoreError> {
        let Realm::Tenant(id) = realm else { return Ok(self.platform.clone()) };
        let (target, name) = (&self.target, Layout::owner(realm));
        let keys = self.scratch.tenant_keys(&self.platform, id, room, |path, key| {
            whole(target, keys::read_keys(target, archives, &name, &self.identities, key, path)?)
        })?;
        let none = || failed(target, "its key is not in the archive of the platform's keys");
        keys.map(Arc::new).ok_or_else(none)
    }

    fn archive(
        &self,
        manifest: &Manifest,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        path: &Path,
    ) -> Result<(), RestoreError> {
        let key = self.scratch.key();
        let mut file = PageWriter::create(path, key).map_err(DoorError::from)?;
        fetch(&self.target, manifest, &self.identities, &mut file)?;
        file.close().map_err(DoorError::from)?; // the check makes it durable
        let checked = self.scratch.check((path, key), realm, keys, &manifest.rows);
        compare(&checked.map_err(DoorError::from)?, manifest)
    }

    /// What lies beside the data file.
    fn beside(&self, manifest: &Manifest, room: &Path) -> Result<(), RestoreError> {
        let mut packed = tempfile::tempfile_in(room).map_err(BackupError::from)?;
        fetch(&self.target, manifest, &self.identities, &mut packed)?;
        let place = room.join("beside");
        crate::store::files::private_directory(&place).map_err(DoorError::from)?;
        packed.rewind().map_err(BackupError::from)?;
        files::unpack(&packed, &place).map_err(BackupError::from)?;
        // There may be more of it than there is room for twice.
        Ok(std::fs::remove_dir_all(&place).map_err(BackupError::from)?)
    }

    /// Any second of the newest window.
    fn second(
        &self,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        room: &Path,
        chance: u64,
    ) -> Result<Option<Timestamp>, RestoreError> {
        let verifier = self.tenants.notary().verifier();
        let windows = changes::window(&self.target, self.layout, realm, &verifier);
        let windows = self.handle.block_on(windows)?;
        let Some(window) = windows.iter().max_by_key(|window| window.to) else { return Ok(None) };
        let span = window.to.since(window.from).as_micros() as u64;
        let at = Timestamp::from_micros(
            window.from.as_micros().saturating_add_unsigned(chance % span.saturating_add(1)),
        );
        let path = room.join("second.db");
        crate::store::files::remove_if_there(&path).map_err(DoorError::from)?;
        let (target, identities) = (&self.target, &self.identities);
        changes::materialise(target, self.layout, realm, at, &verifier, identities, &path)?;
        let key = keys.file_key().map_err(|error| failed(target, error))?;
        let checked = self.scratch.check((&path, key), realm, keys, &BTreeMap::new());
        checked.map_err(DoorError::from)?;
        Ok(Some(at))
    }
}

/// A restore would go on with what is left; a test has to tell.
fn whole(target: &Target, left_out: Vec<String>) -> Result<(), RestoreError> {
    left_out.into_iter().next().map_or(Ok(()), |why| Err(failed(target, why)))
}

/// The newest archive of an owner's keys, and what follows it.
fn key_archives<'m>(archives: &'m [Manifest], owner: &str) -> impl Iterator<Item = &'m Manifest> {
    let newest = keys::choices(archives, owner).into_iter().next();
    newest.into_iter().flat_map(|(full, deltas)| std::iter::once(full).chain(deltas))
}

/// A key that is not there looks like one that was destroyed: they are counted.
fn has_all(target: &Target, keys: &TenantKeys, made: u64) -> Result<(), RestoreError> {
    let there = keys.changes().map_err(|error| failed(target, error))?.made;
    let why = || format!("{} keys made before the backup are missing", made - there);
    if there < made { Err(failed(target, why())) } else { Ok(()) }
}

fn is_none(error: &RestoreError) -> bool {
    matches!(error, RestoreError::Backup(BackupError::None(_)))
}

fn failed(target: &Target, why: impl std::fmt::Display) -> RestoreError {
    RestoreError::Fire(format!("{}: {why}", target.name))
}
