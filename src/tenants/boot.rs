//! Opening a data directory, and making one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::denials::Denials;
use super::doors::{Inner, Tenants};
use super::growth::Growth;
use super::idle::Closing;
use super::looks::Looks;
use super::outboxes::Outboxes;
use super::realm::{Files, OpenRealm};
use super::registry::Registry;
use super::replace::Restoring;
use super::standing::Standing;
use super::{Turns, list, read_only, root_key};
use crate::audit::notary::Notary;
use crate::audit::note::{NoteError, Signer};
use crate::authz::Realm;
use crate::config::{ConfigError, Settings};
use crate::crypto::root::{RootFile, RootSource};
use crate::crypto::signing::SigningKey;
use crate::crypto::{CryptoError, Key32, TenantKeys};
use crate::kernel::id::{InstallationId, LogId, TenantId};
use crate::kernel::{Runtime, limits};
use crate::store::changes::{Taps, TapsLimits};
use crate::store::engine::{self, Mode};
use crate::store::erasures::Erasures;
use crate::store::lock::DirectoryLock;
use crate::store::shelf::FileShelf;
use crate::store::{DatabaseOptions, StoreError, Workers, files, memory, migrate};

/// A data directory, open for this process alone.
pub struct Boot {
    pub tenants: Tenants,
    pub installation: InstallationId,
    /// The directory was made just now.
    pub is_new: bool,
    /// The root key lies beside the data.
    pub embedded_root_key: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error(
        "no root key: this data directory was made with one; give it as the systemd credential strongroom-root-key, or as STRONGROOM_MASTER_KEY_FILE or STRONGROOM_MASTER_KEY, or say with root_key.passphrase_from where its passphrase comes from"
    )]
    RootKeyMissing,
    #[error(
        "{0} holds data but no root.json: restore root.json from the backup of the key store, or choose an empty directory"
    )]
    RootFileMissing(PathBuf),
    #[error(
        "{0} holds a restore that is not finished: run the same strongroom restore run again, it begins anew"
    )]
    Unfinished(PathBuf),
    #[error(
        "{0} was not brought up to date by this release, and then nothing else was: install the older package, there is nothing to put back"
    )]
    NotUpgraded(PathBuf),
    #[error("{0} is missing: restore it from the backup of the key store")]
    KeyStoreMissing(PathBuf),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What every realm stands on.
pub struct Ground {
    pub directory: PathBuf,
    pub runtime: Runtime,
    pub workers: Arc<Workers>,
    pub options: DatabaseOptions,
    /// Fingerprint of the root key that opened the directory.
    pub root_key: String,
    pub idle_close: std::time::Duration,
    pub open_most: usize,
    pub erasures: Erasures,
    /// Key stores stay as they are.
    goes_back: bool,
    pub growth: Arc<Growth>,
    pub outboxes: Arc<Outboxes>,
    pub standing: Arc<Standing>,
    /// The logs that were opened since the start.
    pub logs: RwLock<HashMap<LogId, Realm>>,
    /// Signs the checkpoints of all logs as `strongroom/<installation>`.
    pub notary: Arc<Notary>,
    _lock: DirectoryLock,
}

const PLATFORM: Files = Files {
    database: "platform.db",
    platform: true,
    migrations: migrate::PLATFORM,
    mode: Mode::Write,
};
const TENANT: Files = Files {
    database: "tenant.db",
    platform: false,
    migrations: migrate::TENANT,
    mode: Mode::Write,
};
const KEYS: &str = "keys.db";
/// In a directory whose restore is not finished.
pub(super) const MARKER: &str = "restore-unfinished";
/// Threads that write: one for each core of a small machine; commits wait for the disk, not the CPU.
const WORKERS: usize = 2;

impl Boot {
    /// Opens the directory of the settings; an empty or missing one is made into an installation.
    ///
    /// # Errors
    /// [`BootError`]: each says what to do. Nothing is changed in a directory that is refused.
    pub fn open(settings: &Settings, runtime: &Runtime) -> Result<Self, BootError> {
        Self::open_with(settings, runtime, false)
    }

    /// Opens the directory to look for the way back to the release before, and brings nothing up to
    /// date.
    ///
    /// # Errors
    /// The same; and [`BootError::NotUpgraded`] when there is nothing to go back from.
    pub fn open_to_go_back(settings: &Settings, runtime: &Runtime) -> Result<Self, BootError> {
        Self::open_with(settings, runtime, true)
    }

    fn open_with(
        settings: &Settings,
        runtime: &Runtime,
        goes_back: bool,
    ) -> Result<Self, BootError> {
        let directory = settings.store.data_dir.clone();
        memory::bound(settings.store.cache_mib);
        files::private_directory(&directory)?;
        let lock = DirectoryLock::take(&directory)?;
        if directory.join(MARKER).exists() {
            return Err(BootError::Unfinished(directory));
        }
        super::replace::resume(&directory)?;
        // Copies of keys, when an upgrade's check was killed.
        files::remove_directory(&directory.join(super::rehearsal::WORK))?;
        let root_path = directory.join("root.json");
        let is_new = !root_path.exists();
        if is_new
            && (directory.join(PLATFORM.database).exists() || directory.join("tenants").exists())
        {
            return Err(BootError::RootFileMissing(directory));
        }
        let known = if is_new { None } else { Some(RootFile::read(&root_path)?) };
        let root = root_key::find(&settings.root_key, &directory, known.as_ref(), runtime)?;
        let (root_file, master) = match known {
            None => {
                let (file, master) = RootFile::create(&root.source, root.passphrase, runtime);
                files::replace(&root_path, &file.to_json())?;
                (file, master)
            }
            Some(file) => {
                let master = file.unwrap(&root.source)?;
                (file, master)
            }
        };
        files::private_directory(&directory.join("tenants"))?;
        let installation = root_file.installation_id;
        let platform_keys = platform_keys(&directory, installation, &master, runtime)?;
        if goes_back {
            is_upgraded(&directory.join(PLATFORM.database), platform_keys.file_key()?)?;
        }
        let signer = signer(installation, platform_keys.signing_key()?)?;
        let ground = Ground {
            erasures: Erasures::open(&directory.join("erasures.log"))?,
            goes_back,
            runtime: runtime.clone(),
            workers: workers(settings, runtime)
                .map_err(|error| StoreError::file(&directory, &error))?,
            options: options(settings),
            root_key: root.source.fingerprint(),
            idle_close: std::time::Duration::from_secs(settings.store.idle_close_seconds.into()),
            open_most: settings.store.open_tenants as usize,
            growth: Arc::default(),
            outboxes: Arc::new(Outboxes::new(settings.mail.smtp_host.is_some())),
            standing: Arc::default(),
            logs: RwLock::default(),
            notary: Arc::new(Notary::new(Arc::new(signer), &directory)?),
            directory,
            _lock: lock,
        };
        let platform = Arc::new(ground.open_platform(installation, platform_keys)?);
        if !goes_back {
            super::release::note(&ground.directory, runtime, ground.erasures.head())?;
        }
        let registry = Registry::default();
        for tenant in platform.database.read_here(|tx| list::all(tx))?? {
            registry.put(tenant);
        }
        let read_only = platform.database.read_here(|tx| read_only::stored(tx))??;
        let looks = Looks::new(ground.runtime.clock.as_ref());
        let inner = Inner {
            ground,
            platform,
            registry,
            denials: Denials::default(),
            open: Mutex::default(),
            closing: Closing::default(),
            keeps_keys: AtomicBool::new(false),
            changing: tokio::sync::Mutex::default(),
            restoring: Restoring::default(),
            looks,
            read_only: RwLock::new(read_only.map(Arc::new)),
            verifying: Turns::new(limits::VERIFICATIONS, limits::VERIFICATIONS_PER_LOG),
        };
        let tenants = Tenants { inner: Arc::new(inner) };
        Ok(Self { tenants, installation, is_new, embedded_root_key: root.embedded })
    }
}

/// The platform's file is brought up to date before any other.
fn is_upgraded(path: &Path, key: &Key32) -> Result<(), BootError> {
    let connection = engine::open(path, key, Mode::Read)?;
    let found = migrate::is_known(&connection, path, migrate::PLATFORM)?;
    match found == migrate::known(migrate::PLATFORM) {
        true => Ok(()),
        false => Err(BootError::NotUpgraded(path.to_owned())),
    }
}

/// With taps on what they write, where changes are archived.
fn workers(settings: &Settings, runtime: &Runtime) -> std::io::Result<Arc<Workers>> {
    let backup = &settings.backup;
    let archives =
        backup.archive_seconds > 0 && !backup.recipients.is_empty() && !backup.targets.is_empty();
    if !archives {
        return Workers::start(WORKERS);
    }
    let bytes = u64::from(backup.spool_mib) << 20;
    let taps = Taps::start(runtime, TapsLimits { bytes, reserve: limits::CHANGES_RESERVE_BYTES })?;
    Workers::tapped(WORKERS, Some(taps))
}

fn options(settings: &Settings) -> DatabaseOptions {
    DatabaseOptions {
        readers: settings.store.readers_per_tenant as usize,
        queue: settings.store.queue_depth as usize,
        group: settings.store.group_max as usize,
    }
}

/// Who signs for this installation.
pub(super) fn signer(installation: InstallationId, key: SigningKey) -> Result<Signer, BootError> {
    let name = format!("strongroom/{installation}");
    let name = name.parse().map_err(|error: NoteError| CryptoError::Shelf(error.to_string()))?;
    Ok(Signer::new(name, key))
}

fn platform_keys(
    directory: &Path,
    installation: InstallationId,
    master: &Key32,
    runtime: &Runtime,
) -> Result<TenantKeys, BootError> {
    let owner = TenantId::from_bytes(*installation.bytes());
    let shelf_key = TenantKeys::shelf_key_of(master);
    let exists = directory.join(PLATFORM.database).exists();
    keys(directory, owner, master.clone(), &shelf_key, !exists, runtime)
}

fn keys(
    directory: &Path,
    owner: TenantId,
    root: Key32,
    shelf_key: &Key32,
    new: bool,
    runtime: &Runtime,
) -> Result<TenantKeys, BootError> {
    let path = directory.join(KEYS);
    if !new && !path.exists() {
        return Err(BootError::KeyStoreMissing(path));
    }
    let owner = *owner.bytes();
    if new {
        let shelf = FileShelf::create(&path, shelf_key)?;
        // A first start that was killed half-way left keys that nothing uses yet.
        match TenantKeys::open(owner, root.clone(), Box::new(shelf), runtime) {
            Ok(keys) => return Ok(keys),
            Err(CryptoError::KeyDestroyed) => {}
            Err(error) => return Err(error.into()),
        }
        let shelf = Box::new(FileShelf::open_as_it_is(&path, shelf_key)?);
        return Ok(TenantKeys::create(owner, root, shelf, runtime)?);
    }
    let shelf = Box::new(FileShelf::open_as_it_is(&path, shelf_key)?);
    Ok(TenantKeys::open(owner, root, shelf, runtime)?)
}

impl Ground {
    fn open_platform(
        &self,
        installation: InstallationId,
        keys: TenantKeys,
    ) -> Result<OpenRealm, BootError> {
        let owner = TenantId::from_bytes(*installation.bytes());
        // A first start that was killed half-way goes on; where tenants are, there was a platform.
        let mode = if self.has_tenants()? { Mode::Write } else { Mode::Create };
        let files = Files { mode, ..PLATFORM };
        Ok(self.open_realm(&self.directory, &files, owner, keys)?)
    }

    /// Opens a tenant's files.
    pub fn open_tenant(&self, platform: &OpenRealm, id: TenantId) -> Result<OpenRealm, StoreError> {
        let directory = self.tenant_directory(id);
        let root = platform.keys.tenant_root(id)?;
        let keys = self.tenant_keys(&directory, id, root, false)?;
        self.open_realm(&directory, &TENANT, id, keys)
    }

    /// A tenant's keys without its data, for a restore or a rollback.
    pub fn keys_alone(&self, platform: &OpenRealm, id: TenantId) -> Result<TenantKeys, StoreError> {
        let root = platform.keys.tenant_root(id)?;
        let keys = self.tenant_keys(&self.tenant_directory(id), id, root, false)?;
        self.upgrade_store(&keys)?;
        Ok(keys)
    }

    /// After the data that the keys open: when a file cannot be brought up to date, the release
    /// before opens all that come later.
    pub fn upgrade_store(&self, keys: &TenantKeys) -> Result<(), StoreError> {
        if !self.goes_back {
            keys.upgrade_store()?;
        }
        Ok(())
    }

    /// Makes a tenant's directory, keys and database.
    pub fn create_tenant(
        &self,
        platform: &OpenRealm,
        id: TenantId,
    ) -> Result<OpenRealm, StoreError> {
        let root = platform.keys.new_tenant_root(id)?;
        let directory = self.tenant_directory(id);
        files::private_directory(&directory)?;
        let keys = self.tenant_keys(&directory, id, root, true)?;
        self.open_realm(&directory, &Files { mode: Mode::Create, ..TENANT }, id, keys)
    }

    fn has_tenants(&self) -> Result<bool, StoreError> {
        let path = self.directory.join("tenants");
        let entries = std::fs::read_dir(&path).map_err(|error| StoreError::file(&path, &error));
        Ok(entries?.next().is_some())
    }

    fn tenant_keys(
        &self,
        directory: &Path,
        id: TenantId,
        root: Key32,
        new: bool,
    ) -> Result<TenantKeys, StoreError> {
        let shelf_key = TenantKeys::shelf_key_of(&root);
        keys(directory, id, root, &shelf_key, new, &self.runtime).map_err(|error| match error {
            BootError::Store(error) => error,
            other => CryptoError::Shelf(other.to_string()).into(),
        })
    }

    fn open_realm(
        &self,
        directory: &Path,
        files: &Files,
        owner: TenantId,
        keys: TenantKeys,
    ) -> Result<OpenRealm, StoreError> {
        let mut realm = OpenRealm::open(directory, files, owner, keys, self)?;
        (realm.growth, realm.standing) = (self.growth.clone(), self.standing.clone());
        realm.outboxes = self.outboxes.clone();
        realm.look_for_mail()?;
        if let Some((log, _)) =
            realm.database.read_here(|tx| crate::audit::checkpoint::log(tx, &self.notary))??
        {
            let place = if files.platform { Realm::Platform } else { Realm::Tenant(owner) };
            self.logs.write().unwrap_or_else(PoisonError::into_inner).insert(log, place);
        }
        Ok(realm)
    }

    pub fn tenant_directory(&self, id: TenantId) -> PathBuf {
        self.directory.join("tenants").join(id.to_string())
    }
}
