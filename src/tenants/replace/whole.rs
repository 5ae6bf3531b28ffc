//! A whole data directory that is built up anew from backups, in an empty place. Nothing serves it
//! before [`Whole::done`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::carry;
use super::stage::{Checked, File};
use crate::audit::notary::Notary;
use crate::audit::note::Verifier;
use crate::audit::past::{self, PastLog};
use crate::authz::Realm;
use crate::config::RootKey;
use crate::crypto::keyring::KeyShelf;
use crate::crypto::root::RootFile;
use crate::crypto::{CryptoError, Key32, TenantKeys};
use crate::kernel::Runtime;
use crate::kernel::id::{InstallationId, LogId, RestoreId, TenantId};
use crate::store::erasures::Erasure;
use crate::store::lock::DirectoryLock;
use crate::store::migrate::{self, Migrations};
use crate::store::shelf::FileShelf;
use crate::store::{RawReadTx, Readers, SqlMut, Staged, StoreError, files};
use crate::tenants::boot::{BootError, MARKER, signer};
use crate::tenants::{Tenant, list, root_key};

/// Keeps a log as the past of the one that follows it.
fn keep(
    staged: &Staged,
    path: &Path,
    (key, migrations): (&Key32, Migrations),
    past: PastLog,
) -> Result<PastLog, StoreError> {
    files::remove_if_there(path)?;
    let mut kept = Staged::create(path, key, migrations)?;
    staged.read(|tx| kept.copy_log(tx))?;
    kept.finish()?;
    Ok(past)
}

pub(crate) struct Whole {
    directory: PathBuf,
    runtime: Runtime,
    restore: RestoreId,
    installation: InstallationId,
    platform: Arc<TenantKeys>,
    platform_shelf: Key32,
    notary: Arc<Notary>,
    _lock: Arc<DirectoryLock>,
}

/// An empty directory that is to become one.
pub(crate) struct Empty {
    directory: PathBuf,
    lock: Arc<DirectoryLock>,
}

impl Empty {
    /// Takes the directory, which holds nothing but what an interrupted restore left; that is
    /// removed. None when it holds anything else.
    pub fn take(directory: &Path) -> Result<Option<Self>, StoreError> {
        let named = |error| StoreError::file(directory, &error);
        files::private_directory(directory)?;
        let lock = Arc::new(DirectoryLock::take(directory)?);
        let names = std::fs::read_dir(directory).map_err(named)?;
        let names: Vec<_> = names.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        let others = names.iter().filter(|name| {
            *name != "strongroom.lock" && *name != root_key::EMBEDDED && *name != MARKER
        });
        let others: Vec<_> = others.collect();
        if !others.is_empty() && !names.iter().any(|name| name == MARKER) {
            return Ok(None);
        }
        files::replace(&directory.join(MARKER), b"restore not finished\n")?;
        let empty = Self { directory: directory.to_owned(), lock };
        empty.clear()?;
        Ok(Some(empty))
    }

    /// Removes what an attempt left.
    fn clear(&self) -> Result<(), StoreError> {
        let names = std::fs::read_dir(&self.directory)
            .map_err(|error| StoreError::file(&self.directory, &error))?;
        for name in names.filter_map(|entry| Some(entry.ok()?.file_name())) {
            if name != "strongroom.lock" && name != root_key::EMBEDDED && name != MARKER {
                super::journal::remove(&self.directory.join(name))?;
            }
        }
        Ok(())
    }

    /// Opens the installation's keys with the root key: `root.json` first, then what `bring` puts
    /// at a path, readable under a key. It may be tried again with other files.
    ///
    /// # Errors
    /// [`BootError`] for a missing or wrong root key, and for keys that are not this installation's.
    pub fn unlock<E: From<BootError>>(
        &self,
        root_json: &[u8],
        root_key: &RootKey,
        runtime: &Runtime,
        bring: impl FnOnce(&Path, &Key32) -> Result<(), E>,
    ) -> Result<Whole, E> {
        let store = |error: StoreError| E::from(BootError::Store(error));
        let crypto = |error: CryptoError| E::from(BootError::Crypto(error));
        self.clear().map_err(store)?;
        let path = self.directory.join("root.json");
        files::replace(&path, root_json).map_err(store)?;
        let file = RootFile::read(&path).map_err(crypto)?;
        let root = root_key::find(root_key, &self.directory, Some(&file), runtime)?;
        let master = file.unwrap(&root.source).map_err(crypto)?;
        let installation = file.installation_id;
        let platform_shelf = TenantKeys::shelf_key_of(&master);
        let path = self.directory.join("keys.db");
        bring(&path, &platform_shelf)?;
        let shelf = FileShelf::open(&path, &platform_shelf).map_err(store)?;
        let platform = TenantKeys::open(*installation.bytes(), master, Box::new(shelf), runtime)
            .map_err(crypto)?;
        let key = platform.signing_key().map_err(crypto)?;
        let signer = Arc::new(signer(installation, key)?);
        let notary = Notary::new(signer, &self.directory).map_err(store)?;
        Ok(Whole {
            restore: runtime.id(),
            directory: self.directory.clone(),
            runtime: runtime.clone(),
            installation,
            platform: Arc::new(platform),
            platform_shelf,
            notary: Arc::new(notary),
            _lock: self.lock.clone(),
        })
    }
}

/// The key store that `bring` puts at a path, readable under a key, opened.
pub(super) fn brought_keys<E: From<StoreError>>(
    key: &Key32,
    path: &Path,
    bring: impl FnOnce(&Path, &Key32) -> Result<(), E>,
    open: impl FnOnce(Box<dyn KeyShelf>) -> Result<TenantKeys, CryptoError>,
) -> Result<TenantKeys, E> {
    bring(path, key)?;
    let shelf = FileShelf::open(path, key)?;
    Ok(open(Box::new(shelf)).map_err(StoreError::from)?)
}

impl Whole {
    pub fn installation(&self) -> InstallationId {
        self.installation
    }

    pub fn restore(&self) -> RestoreId {
        self.restore
    }

    /// What manifests have to be signed with.
    pub fn verifier(&self) -> Verifier {
        self.notary.verifier()
    }

    fn place(&self, realm: Realm) -> PathBuf {
        match realm {
            Realm::Platform => self.directory.clone(),
            Realm::Tenant(id) => self.directory.join("tenants").join(id.to_string()),
        }
    }

    /// Where a realm's data file is to be written.
    pub fn database(&self, realm: Realm) -> PathBuf {
        let name = match realm {
            Realm::Platform => "platform.db",
            Realm::Tenant(_) => "tenant.db",
        };
        self.place(realm).join(name)
    }

    /// The platform's keys, which are here first.
    pub fn platform_keys(&self) -> Arc<TenantKeys> {
        self.platform.clone()
    }

    /// A tenant's keys, put at a path by `bring`. None when the tenant was destroyed.
    pub fn tenant_keys<E: From<StoreError>>(
        &self,
        id: TenantId,
        bring: impl FnOnce(&Path, &Key32) -> Result<(), E>,
    ) -> Result<Option<Arc<TenantKeys>>, E> {
        let root = match self.platform.tenant_root(id) {
            Ok(root) => root,
            Err(CryptoError::KeyDestroyed) => return Ok(None),
            Err(error) => return Err(StoreError::from(error).into()),
        };
        let place = self.place(Realm::Tenant(id));
        files::private_directory(&place)?;
        let key = TenantKeys::shelf_key_of(&root);
        let open = |shelf| TenantKeys::open(*id.bytes(), root, shelf, &self.runtime);
        let keys = brought_keys(&key, &place.join("keys.db"), bring, open)?;
        Ok(Some(Arc::new(keys)))
    }

    /// The tenants in the platform's file; `only` keeps one and forgets the others.
    pub fn tenants(&self, only: Option<TenantId>) -> Result<Vec<Tenant>, StoreError> {
        let path = self.database(Realm::Platform);
        if let Some(only) = only {
            let mut staged = Staged::open(&path, self.platform.file_key()?, migrate::PLATFORM)?;
            staged.change(|tx| {
                tx.execute("DELETE FROM tenants WHERE id != $1", crate::args![only])?;
                tx.execute("DELETE FROM stream_tenants WHERE tenant != $1", crate::args![only])?;
                Ok(())
            })?;
            staged.finish()?;
        }
        let readers = Readers::new(path, self.platform.file_key()?.clone(), 1);
        readers.read_here(|tx| list::all(tx))?
    }

    /// Checks a file that was brought.
    pub fn check(
        &self,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        tables: &BTreeMap<String, u64>,
    ) -> Result<Checked, StoreError> {
        let path = self.database(realm);
        self.file(&path, realm, keys)?.check(&self.notary, &self.runtime, tables)
    }

    fn file<'a>(
        &self,
        path: &'a Path,
        realm: Realm,
        keys: &'a Arc<TenantKeys>,
    ) -> Result<File<'a>, StoreError> {
        let (owner, migrations) = match realm {
            Realm::Platform => {
                (TenantId::from_bytes(*self.installation.bytes()), migrate::PLATFORM)
            }
            Realm::Tenant(id) => (id, migrate::TENANT),
        };
        Ok(File { path, key: keys.file_key()?, keys, owner, migrations })
    }

    /// Ends what was under way when the backup was made, and keeps its log as a past one: nobody can
    /// say that nothing of it was lost. `copy` is for a look beside the original, which goes on.
    /// Answers which logs that it follows are in no archive.
    pub fn begin_anew(
        &self,
        realm: Realm,
        keys: &Arc<TenantKeys>,
        copy: bool,
    ) -> Result<Vec<LogId>, StoreError> {
        let (path, key) = (self.database(realm), keys.file_key()?);
        let migrations = self.file(&path, realm, keys)?.migrations;
        let mut staged = Staged::open(&path, key, migrations)?;
        let now = self.runtime.now();
        let found = staged.read(|tx| past::of_file(tx, &self.notary, 0, now, self.restore))?;
        let logs = self.place(realm).join("logs");
        let file = |log: LogId| logs.join(format!("{log}.db"));
        if let Some(past) = found {
            files::private_directory(&logs)?;
            let longer = self.kept(&file(past.id), key, &past);
            let past = match longer {
                Some(longer) => longer,
                None => keep(&staged, &file(past.id), (key, migrations), past)?,
            };
            staged.without_log()?;
            staged.change(|tx| past::insert(tx, &past))?;
        }
        let all = staged.read(|tx| past::list(tx))?;
        let is_missing = |past: &PastLog| past.removed.is_none() && !file(past.id).exists();
        let missing = all.into_iter().filter(is_missing).map(|past| past.id).collect();
        match realm {
            Realm::Platform => carry::of_platform(&mut staged)?,
            Realm::Tenant(_) => carry::of_tenant(&mut staged)?,
        }
        if copy {
            staged
                .change(|tx| tx.execute("UPDATE streams SET state = 'paused'", &[]).map(|_| ()))?;
        }
        staged.finish()?;
        Ok(missing)
    }

    /// What an earlier restore has kept of the same log, where the moment that is wanted lies before
    /// that restore: all that it ever had. Nothing when what was archived of it is another one.
    fn kept(&self, path: &Path, key: &Key32, past: &PastLog) -> Option<PastLog> {
        if !path.exists() {
            return None;
        }
        let file = Readers::new(path.to_owned(), key.clone(), 1).own();
        let look = |tx: &RawReadTx<'_>| {
            let found = past::of_file(tx, &self.notary, past.known, past.ended, past.restore)?;
            let Some(found) = found else { return Ok(None) };
            Ok(past::goes_on(tx, &found, past)?.then_some(found))
        };
        match file.and_then(|file| file.read(look)?) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(log = %past.id, %error, "the archived copy of a log is not used");
                None
            }
        }
    }

    /// Destroys again what the ledger says was destroyed, in one owner's key store; how many keys
    /// were still there.
    pub fn erase_again(
        &self,
        owner: TenantId,
        keys: &TenantKeys,
        ledger: &[Erasure],
    ) -> Result<u64, StoreError> {
        let is_platform = owner.bytes() == self.installation.bytes();
        let owner = owner.to_string();
        let named: Vec<_> =
            ledger.iter().filter(|line| line.owner == owner).map(|line| line.key).collect();
        let held = keys.audit_key_ids();
        let audit: Vec<_> = named.iter().copied().filter(|key| held.contains(key)).collect();
        let mut destroyed = audit.len() as u64;
        if !audit.is_empty() {
            keys.destroy_audit(&audit)?;
        }
        for key in named.iter().filter(|key| !held.contains(key)) {
            let tenant = TenantId::from_bytes(*key.bytes());
            destroyed += u64::from(match is_platform && keys.holds_tenant_root(tenant)? {
                true => keys.destroy_tenant_root(tenant)?,
                false => keys.destroy_subject(*key)?,
            });
        }
        Ok(destroyed)
    }

    /// The ledger itself, whose chain goes on.
    pub fn put_ledger(&self, text: &str) -> Result<(), StoreError> {
        files::replace(&self.directory.join("erasures.log"), text.as_bytes())
    }

    /// The directory may be served.
    pub fn done(self) -> Result<(), StoreError> {
        drop((self.platform_shelf, self.platform));
        super::journal::remove(&self.directory.join(MARKER))
    }
}
