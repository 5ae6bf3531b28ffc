//! One owner's keys: a tenant's, or the platform's.
//!
//! ```text
//! owner's root key (a tenant's is wrapped in the platform's key store)
//!  ├─ file key        the database file
//!  ├─ data KEK  ──── data DEKs: messages and personal data that belong to nobody known
//!  ├─ audit KEK ──── audit epoch DEKs; HKDF → key of the search index
//!  ├─ lookup key      blind indexes: equality search without plaintext
//!  ├─ form key        tokens in forms
//!  ├─ signing seed    (platform only) checkpoints of all logs
//!  ├─ token seeds     (platform only) access tokens; replaced every few months
//!  ├─ subject keys    one per data subject; destruction erases one person
//!  └─ tenant roots    (platform only) one per tenant; destruction erases the tenant
//! ```

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::audit_keys::{AuditKeys, Unwrapped};
use super::envelope::DataKey;
use super::passphrase::Derivation;
use super::root::{LocalRoot, RootFile};
use super::signing::SigningKey;
use super::wrap::{self, Label};
use super::{CryptoError, Key32, mac};
use crate::kernel::id::{KeyId, TenantId};
use crate::kernel::{Runtime, Timestamp};

/// Where wrapped keys are kept: a `keys.db`, apart from the data that they open.
pub trait KeyShelf: Send + Sync {
    /// All keys but those that come in crowds (subject keys, tenant roots) or are asked for by id.
    fn load(&self) -> Result<Vec<StoredKey>, CryptoError>;
    fn find(&self, id: KeyId) -> Result<Option<StoredKey>, CryptoError>;
    /// Durable when it returns: a key is committed before data that names it.
    fn insert(&self, keys: &[StoredKey]) -> Result<(), CryptoError>;
    /// Subject keys made before `before` and when they were, in the order of their ids, after
    /// `after`, `most` of them.
    fn subjects(
        &self,
        before: Timestamp,
        after: Option<KeyId>,
        most: u32,
    ) -> Result<Vec<(KeyId, Timestamp)>, CryptoError>;
    /// Overwritten on disk when it returns. False when there was none.
    fn destroy(&self, id: KeyId) -> Result<bool, CryptoError>;
    /// Takes keys out and puts others in, in one transaction; [`wipe`](Self::wipe) then overwrites.
    fn replace(&self, gone: &[KeyId], new: &[StoredKey]) -> Result<(), CryptoError>;
    /// Leaves nothing of what was destroyed on the disk.
    fn wipe(&self) -> Result<(), CryptoError>;
    fn changes(&self) -> Result<KeyChanges, CryptoError>;
    /// Keys put in after the `made` first ones, and what has happened to the store by then.
    fn made_since(&self, made: u64) -> Result<(Vec<StoredKey>, KeyChanges), CryptoError>;
    /// Gives the store as an ordinary SQLite file, a page at a time, while nobody changes it.
    fn copy(&self, each: &mut CopyPage<'_>) -> Result<KeyChanges, CryptoError>;
    /// Brings its schema up to date. Until then only [`load`](Self::load) and [`find`](Self::find)
    /// may be called.
    fn upgrade(&self) -> Result<(), CryptoError>;
}

/// Takes a page of a key store.
pub type CopyPage<'a> = dyn FnMut(&[u8]) -> std::io::Result<()> + 'a;

/// How much has happened to a key store. What is archived needs only the keys made since while none
/// was taken out.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct KeyChanges {
    /// Keys ever put in.
    pub made: u64,
    /// Keys ever taken out.
    pub gone: u64,
}

pub struct StoredKey {
    pub id: KeyId,
    pub purpose: Purpose,
    pub version: u32,
    pub wrapped: Vec<u8>,
    pub created: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    File,
    DataKek,
    DataDek,
    AuditKek,
    AuditDek,
    Lookup,
    Form,
    Signing,
    Token,
    Subject,
    TenantRoot,
}

impl Purpose {
    pub const ALL: [Self; 11] = [
        Self::File,
        Self::DataKek,
        Self::DataDek,
        Self::AuditKek,
        Self::AuditDek,
        Self::Lookup,
        Self::Form,
        Self::Signing,
        Self::Token,
        Self::Subject,
        Self::TenantRoot,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::DataKek => "data-kek",
            Self::DataDek => "data-dek",
            Self::AuditKek => "audit-kek",
            Self::AuditDek => "audit-dek",
            Self::Lookup => "lookup",
            Self::Form => "form",
            Self::Signing => "signing",
            Self::Token => "token",
            Self::Subject => "subject",
            Self::TenantRoot => "tenant-root",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// An owner's keys, unwrapped in memory while the owner's files are open.
pub struct TenantKeys {
    owner: [u8; 16],
    root: Key32,
    shelf: Box<dyn KeyShelf>,
    runtime: Runtime,
    singles: HashMap<&'static str, Key32>,
    data: DataKeys,
    audit: AuditKeys,
    subjects: Mutex<HashMap<KeyId, Arc<Key32>>>,
}

struct DataKeys {
    current: KeyId,
    all: HashMap<KeyId, DataKey>,
}

const SUBJECT_DATA: &[u8] = b"strongroom/subject/data/v1";

/// Unwrapped subject keys kept in memory; the rest is read again when needed.
const SUBJECTS_CACHED: usize = 4096;

impl TenantKeys {
    /// Makes and stores a new owner's keys.
    pub fn create(
        owner: [u8; 16],
        root: Key32,
        shelf: Box<dyn KeyShelf>,
        runtime: &Runtime,
    ) -> Result<Self, CryptoError> {
        let new = || Key32::generate(runtime.random.as_ref());
        let (data_kek, audit_kek) = (new(), new());
        let keys = [
            (Purpose::File, &root, new()),
            (Purpose::Lookup, &root, new()),
            (Purpose::Form, &root, new()),
            (Purpose::DataKek, &root, data_kek.clone()),
            (Purpose::AuditKek, &root, audit_kek.clone()),
            (Purpose::DataDek, &data_kek, new()),
            (Purpose::AuditDek, &audit_kek, new()),
        ];
        let stored: Vec<_> = keys
            .iter()
            .map(|(purpose, with, key)| store(&owner, runtime.id(), *purpose, with, key, runtime))
            .collect();
        shelf.insert(&stored)?;
        Self::open(owner, root, shelf, runtime)
    }

    /// # Errors
    /// [`CryptoError::Unreadable`] when `root` is not the root key of this store.
    pub fn open(
        owner: [u8; 16],
        root: Key32,
        shelf: Box<dyn KeyShelf>,
        runtime: &Runtime,
    ) -> Result<Self, CryptoError> {
        let stored = shelf.load()?;
        let mut singles = HashMap::new();
        for key in &stored {
            let apart = [Purpose::DataDek, Purpose::AuditKek, Purpose::AuditDek];
            if !apart.contains(&key.purpose) {
                singles.insert(key.purpose.name(), unwrap(&owner, &root, key)?);
            }
        }
        let data = open_deks(&owner, &stored, Purpose::DataDek, singles.get("data-kek"))?;
        let data = DataKeys {
            current: newest(&data)?,
            all: data.into_iter().map(|(id, key)| (id, DataKey::new(id, &key))).collect(),
        };
        let audit = AuditKeys::new(unwrap_audit(&owner, &root, &stored)?)?;
        let runtime = runtime.clone();
        let subjects = Mutex::default();
        Ok(Self { owner, root, shelf, runtime, singles, data, audit, subjects })
    }

    fn single(&self, purpose: Purpose) -> Result<&Key32, CryptoError> {
        self.singles.get(purpose.name()).ok_or(CryptoError::KeyDestroyed)
    }

    /// The key of `keys.db` itself.
    pub fn shelf_key(&self) -> Key32 {
        Self::shelf_key_of(&self.root)
    }

    /// The same, from the owner's root key.
    pub fn shelf_key_of(root: &Key32) -> Key32 {
        mac::derive(root, &[b"strongroom/keys.db/v1"])
    }

    /// The same owner's keys as another store has them: an archived one.
    ///
    /// # Errors
    /// As [`TenantKeys::open`].
    pub fn of_another_store(&self, shelf: Box<dyn KeyShelf>) -> Result<Self, CryptoError> {
        Self::open(self.owner, self.root.clone(), shelf, &self.runtime)
    }

    /// Lets another root key open the platform's keys, whose own root `file` wraps.
    pub fn add_root_key(
        &self,
        file: &mut RootFile,
        source: &LocalRoot,
        passphrase: Option<Derivation>,
    ) -> Result<(), CryptoError> {
        file.add(source, passphrase, &self.root, &self.runtime);
        let again = file.unwrap(source)?;
        if mac::same(again.expose(), self.root.expose()) {
            Ok(())
        } else {
            Err(CryptoError::Unreadable)
        }
    }

    /// The key of the database file.
    pub fn file_key(&self) -> Result<&Key32, CryptoError> {
        self.single(Purpose::File)
    }

    /// Which key the database file is encrypted with.
    pub fn file_key_id(&self) -> Result<KeyId, CryptoError> {
        let stored = self.shelf.load()?;
        let file = stored.iter().find(|key| key.purpose == Purpose::File);
        file.map(|key| key.id).ok_or(CryptoError::KeyDestroyed)
    }

    /// Brings the key store's schema up to date, once the data that it opens is. A release reads
    /// the store of the one before without that.
    pub fn upgrade_store(&self) -> Result<(), CryptoError> {
        self.shelf.upgrade()
    }

    /// What has happened to the key store so far.
    pub fn changes(&self) -> Result<KeyChanges, CryptoError> {
        self.shelf.changes()
    }

    /// Wrapped keys put in after the `made` first ones, for archives.
    pub fn keys_made_since(&self, made: u64) -> Result<(Vec<StoredKey>, KeyChanges), CryptoError> {
        self.shelf.made_since(made)
    }

    /// Gives the key store, wrapped keys, as an ordinary SQLite file, for archives.
    pub fn copy_store(&self, each: &mut CopyPage<'_>) -> Result<KeyChanges, CryptoError> {
        self.shelf.copy(each)
    }

    /// The key of the search index: gone with the audit KEK.
    pub fn index_key(&self) -> Result<Key32, CryptoError> {
        Ok(mac::derive(&self.audit.kek(), &[b"strongroom/index.db/v1"]))
    }

    /// The key for tokens in forms.
    pub fn form_key(&self) -> Result<&Key32, CryptoError> {
        self.single(Purpose::Form)
    }

    /// The installation's signing key (platform only), made when there is none yet.
    pub fn signing_key(&self) -> Result<SigningKey, CryptoError> {
        if let Ok(seed) = self.single(Purpose::Signing) {
            return SigningKey::from_seed(seed.clone());
        }
        let seed = Key32::generate(self.runtime.random.as_ref());
        self.shelf.insert(&[self.wrapped(self.runtime.id(), Purpose::Signing, &seed)])?;
        SigningKey::from_seed(seed)
    }

    /// Makes and stores a key that signs access tokens (platform only).
    pub fn new_token_key(&self) -> Result<(KeyId, SigningKey), CryptoError> {
        let (id, seed) = (self.runtime.id(), self.new_key());
        self.shelf.insert(&[self.wrapped(id, Purpose::Token, &seed)])?;
        Ok((id, SigningKey::from_seed(seed)?))
    }

    /// # Errors
    /// [`CryptoError::KeyDestroyed`] once it has signed its last.
    pub fn token_key(&self, id: KeyId) -> Result<SigningKey, CryptoError> {
        let stored = self.shelf.find(id)?.filter(|key| key.purpose == Purpose::Token);
        let stored = stored.ok_or(CryptoError::KeyDestroyed)?;
        SigningKey::from_seed(unwrap(&self.owner, &self.root, &stored)?)
    }

    /// Forgets and overwrites one that has signed its last. False when there was none.
    pub fn destroy_token_key(&self, id: KeyId) -> Result<bool, CryptoError> {
        match self.shelf.find(id)? {
            Some(key) if key.purpose == Purpose::Token => self.shelf.destroy(id),
            _ => Ok(false),
        }
    }

    /// Blind index: equal inputs give equal hashes, and without the key nothing else.
    pub fn lookup_hash(&self, kind: &str, value: &str) -> Result<[u8; 32], CryptoError> {
        let key = self.single(Purpose::Lookup)?;
        Ok(mac::hmac(key, &[kind.as_bytes(), value.trim().to_lowercase().as_bytes()]))
    }

    /// The current key for data that belongs to no known person.
    pub fn data(&self) -> Result<&DataKey, CryptoError> {
        self.data.all.get(&self.data.current).ok_or(CryptoError::KeyDestroyed)
    }

    /// The key that an envelope names: a data DEK or a subject key.
    pub fn by_id(&self, id: KeyId) -> Result<DataKey, CryptoError> {
        match self.data.all.get(&id) {
            Some(key) => Ok(key.clone()),
            // The subject key itself also feeds the audit log's key derivation: one key, one use.
            None => Ok(DataKey::new(id, &mac::derive(self.subject(id)?.as_ref(), &[SUBJECT_DATA]))),
        }
    }

    /// The audit epoch key that new entries are sealed under.
    pub fn audit_epoch(&self) -> KeyId {
        self.audit.current()
    }

    /// # Errors
    /// [`CryptoError::KeyDestroyed`] once the log's contents have been destroyed.
    pub fn audit_key(&self, id: KeyId) -> Result<Key32, CryptoError> {
        self.audit.epoch(id)
    }

    /// Rises when the audit keys are replaced: whoever made something of one drops it then.
    pub fn audit_generation(&self) -> u64 {
        self.audit.generation()
    }

    /// The audit KEK and the epoch keys under it.
    pub fn audit_key_ids(&self) -> Vec<KeyId> {
        self.audit.ids()
    }

    /// Destroys these audit keys and puts new ones in their place, in one step; what was sealed
    /// under them is gone for good. Keys that are destroyed already are no error, so that what was
    /// interrupted can be done again. The caller has recorded the destruction already.
    pub fn destroy_audit(&self, gone: &[KeyId]) -> Result<(), CryptoError> {
        if self.audit_key_ids().iter().any(|id| gone.contains(id)) {
            let (kek, dek) = (self.new_key(), self.new_key());
            let label = |purpose, with, key| {
                store(&self.owner, self.runtime.id(), purpose, with, key, &self.runtime)
            };
            let new =
                [label(Purpose::AuditKek, &self.root, &kek), label(Purpose::AuditDek, &kek, &dek)];
            let replaced = self.shelf.replace(gone, &new);
            // Whatever came of it: what is in the file is what is sealed under from now on.
            let stored = self.shelf.load()?;
            self.audit.replace(unwrap_audit(&self.owner, &self.root, &stored)?)?;
            replaced?;
        }
        self.shelf.wipe()
    }

    fn new_key(&self) -> Key32 {
        Key32::generate(self.runtime.random.as_ref())
    }

    /// Makes and stores a new subject key. Costs one durable write to the key store.
    pub fn new_subject(&self) -> Result<KeyId, CryptoError> {
        let id = self.runtime.id();
        let key = Key32::generate(self.runtime.random.as_ref());
        self.shelf.insert(&[self.wrapped(id, Purpose::Subject, &key)])?;
        self.remember(id, Arc::new(key));
        Ok(id)
    }

    /// # Errors
    /// [`CryptoError::KeyDestroyed`] once the person has been erased.
    pub fn subject(&self, id: KeyId) -> Result<Arc<Key32>, CryptoError> {
        if let Some(key) = self.subjects.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(key.clone());
        }
        let stored = self.shelf.find(id)?.ok_or(CryptoError::KeyDestroyed)?;
        let key = Arc::new(unwrap(&self.owner, &self.root, &stored)?);
        self.remember(id, key.clone());
        Ok(key)
    }

    /// Whether a subject key is there still.
    pub fn holds_subject(&self, id: KeyId) -> Result<bool, CryptoError> {
        Ok(self.shelf.find(id)?.is_some_and(|key| key.purpose == Purpose::Subject))
    }

    /// Subject keys made before `before` and when they were, in the order of their ids, after
    /// `after`, `most` of them.
    pub fn subjects(
        &self,
        before: Timestamp,
        after: Option<KeyId>,
        most: u32,
    ) -> Result<Vec<(KeyId, Timestamp)>, CryptoError> {
        self.shelf.subjects(before, after, most)
    }

    fn remember(&self, id: KeyId, key: Arc<Key32>) {
        let mut cache = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= SUBJECTS_CACHED {
            cache.clear();
        }
        cache.insert(id, key);
    }

    /// Forgets and overwrites a subject key. The caller has recorded the destruction already. False
    /// when there was none: a key of another purpose stays, whoever names it.
    pub fn destroy_subject(&self, id: KeyId) -> Result<bool, CryptoError> {
        if self.shelf.find(id)?.is_some_and(|key| key.purpose != Purpose::Subject) {
            return Ok(false);
        }
        let destroyed = self.shelf.destroy(id)?;
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(destroyed)
    }

    /// Makes a tenant's root key (platform only); durable before the tenant's files exist.
    pub fn new_tenant_root(&self, tenant: TenantId) -> Result<Key32, CryptoError> {
        let key = Key32::generate(self.runtime.random.as_ref());
        let id = KeyId::from_bytes(*tenant.bytes());
        self.shelf.insert(&[self.wrapped(id, Purpose::TenantRoot, &key)])?;
        Ok(key)
    }

    pub fn tenant_root(&self, tenant: TenantId) -> Result<Key32, CryptoError> {
        let stored = self.shelf.find(KeyId::from_bytes(*tenant.bytes()))?;
        let stored = stored.filter(|key| key.purpose == Purpose::TenantRoot);
        unwrap(&self.owner, &self.root, &stored.ok_or(CryptoError::KeyDestroyed)?)
    }

    /// Whether a tenant's root key is there (platform only).
    pub fn holds_tenant_root(&self, tenant: TenantId) -> Result<bool, CryptoError> {
        let stored = self.shelf.find(KeyId::from_bytes(*tenant.bytes()))?;
        Ok(stored.is_some_and(|key| key.purpose == Purpose::TenantRoot))
    }

    /// Overwrites a tenant's root key (platform only). The caller has recorded the destruction
    /// already. False when there was none.
    pub fn destroy_tenant_root(&self, tenant: TenantId) -> Result<bool, CryptoError> {
        match self.holds_tenant_root(tenant)? {
            true => self.shelf.destroy(KeyId::from_bytes(*tenant.bytes())),
            false => Ok(false),
        }
    }

    fn wrapped(&self, id: KeyId, purpose: Purpose, key: &Key32) -> StoredKey {
        store(&self.owner, id, purpose, &self.root, key, &self.runtime)
    }
}

fn store(
    owner: &[u8; 16],
    id: KeyId,
    purpose: Purpose,
    with: &Key32,
    key: &Key32,
    runtime: &Runtime,
) -> StoredKey {
    let label = Label { purpose: purpose.name(), owner, key_id: id.bytes(), version: 1 };
    let wrapped = wrap::wrap(with, label, key, runtime.random.as_ref());
    StoredKey { id, purpose, version: 1, wrapped, created: runtime.now() }
}

fn unwrap(owner: &[u8; 16], with: &Key32, key: &StoredKey) -> Result<Key32, CryptoError> {
    let purpose = key.purpose.name();
    let label = Label { purpose, owner, key_id: key.id.bytes(), version: key.version };
    wrap::unwrap(with, label, &key.wrapped)
}

fn unwrap_audit(
    owner: &[u8; 16],
    root: &Key32,
    stored: &[StoredKey],
) -> Result<Unwrapped, CryptoError> {
    Unwrapped::read(stored, |with, key| unwrap(owner, with.unwrap_or(root), key))
}

/// Unwraps all DEKs of a purpose; none when their KEK is gone.
fn open_deks(
    owner: &[u8; 16],
    stored: &[StoredKey],
    purpose: Purpose,
    kek: Option<&Key32>,
) -> Result<Vec<(KeyId, Key32)>, CryptoError> {
    let kek = kek.ok_or(CryptoError::KeyDestroyed)?;
    stored
        .iter()
        .filter(|key| key.purpose == purpose)
        .map(|key| Ok((key.id, unwrap(owner, kek, key)?)))
        .collect()
}

/// Ids are UUIDv7: the greatest is the newest.
fn newest(keys: &[(KeyId, Key32)]) -> Result<KeyId, CryptoError> {
    keys.iter().map(|(id, _)| *id).max().ok_or(CryptoError::KeyDestroyed)
}
