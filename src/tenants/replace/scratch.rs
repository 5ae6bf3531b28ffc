//! Where restore tests work: with what was archived, and of this installation with nothing but what
//! opens its `root.json`. All of it is thrown away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal;
use super::stage::{Checked, File};
use super::whole::brought_keys;
use crate::audit::note::Note;
use crate::authz::Realm;
use crate::crypto::root::RootFile;
use crate::crypto::{CryptoError, Key32, TenantKeys};
use crate::kernel::id::TenantId;
use crate::store::{StoreError, files, migrate};
use crate::tenants::Tenants;
use crate::tenants::boot::{BootError, signer};

pub(crate) struct Scratch {
    tenants: Tenants,
    directory: PathBuf,
    key: Key32,
}

impl Tenants {
    /// A place for a restore test.
    pub(crate) fn scratch(&self) -> Result<Scratch, StoreError> {
        let ground = &self.inner.ground;
        let directory = journal::work(&ground.directory, ground.runtime.id());
        files::private_directory(&directory)?;
        let key = Key32::generate(ground.runtime.random.as_ref());
        Ok(Scratch { tenants: self.clone(), directory, key })
    }
}

impl Scratch {
    /// For all that came in clear, and for key stores: what was destroyed since is in them. Nobody keeps
    /// it: with the process it is gone.
    pub fn key(&self) -> &Key32 {
        &self.key
    }

    /// An empty directory for what is restored of one owner; what was in it is gone.
    pub fn room(&self) -> Result<PathBuf, StoreError> {
        let room = self.directory.join("owner");
        journal::remove(&room)?;
        files::private_directory(&room)?;
        Ok(room)
    }

    /// Whether a root key that opens the installation opens this copy of its `root.json`, too.
    pub fn opens_with_ours(&self, json: &[u8]) -> Result<bool, CryptoError> {
        let path = self.directory.join("root.json");
        files::replace(&path, json).map_err(|error| CryptoError::Root(error.to_string()))?;
        let ours = RootFile::read(&self.tenants.inner.ground.directory.join("root.json"))?;
        Ok(RootFile::read(&path)?.shares_a_root_key(&ours))
    }

    /// The platform's keys, put at a path by `bring`, readable under a key.
    pub fn platform_keys<E: From<StoreError>>(
        &self,
        bring: impl FnOnce(&Path, &Key32) -> Result<(), E>,
    ) -> Result<TenantKeys, E> {
        let path = self.directory.join("keys.db");
        files::remove_if_there(&path)?;
        let open = |shelf| self.tenants.inner.platform.keys.of_another_store(shelf);
        brought_keys(&self.key, &path, bring, open)
    }

    /// Whether what these keys sign is believed here.
    pub fn signs_as_we_do(&self, platform: &TenantKeys) -> Result<bool, BootError> {
        let signer = signer(self.tenants.installation(), platform.signing_key()?)?;
        let Ok(mut note) = Note::new("a restore test\n".to_owned()) else { return Ok(false) };
        note.sign(&signer);
        Ok(note.verify(&self.tenants.notary().verifier()).is_ok())
    }

    /// A tenant's keys in the same way. None when the platform's have no root of it.
    pub fn tenant_keys<E: From<StoreError>>(
        &self,
        platform: &TenantKeys,
        id: TenantId,
        room: &Path,
        bring: impl FnOnce(&Path, &Key32) -> Result<(), E>,
    ) -> Result<Option<TenantKeys>, E> {
        let root = match platform.tenant_root(id) {
            Ok(root) => root,
            Err(CryptoError::KeyDestroyed) => return Ok(None),
            Err(error) => return Err(StoreError::from(error).into()),
        };
        let runtime = &self.tenants.inner.ground.runtime;
        let open = |shelf| TenantKeys::open(*id.bytes(), root, shelf, runtime);
        brought_keys(&self.key, &room.join("keys.db"), bring, open).map(Some)
    }

    /// As [`Stage::check`](super::stage::Stage::check).
    pub fn check(
        &self,
        (path, key): (&Path, &Key32),
        realm: Realm,
        keys: &Arc<TenantKeys>,
        tables: &BTreeMap<String, u64>,
    ) -> Result<Checked, StoreError> {
        let ground = &self.tenants.inner.ground;
        let (owner, migrations) = match realm {
            Realm::Platform => (self.tenants.inner.platform.owner, migrate::PLATFORM),
            Realm::Tenant(id) => (id, migrate::TENANT),
        };
        let file = File { path, key, keys, owner, migrations };
        file.check(&ground.notary, &ground.runtime, tables)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = journal::remove(&self.directory) {
            tracing::warn!(%error, "what a restore test left is removed at the next start");
        }
    }
}
