//! The keys of one log's contents: the audit KEK, and under it the keys of its epochs. They are
//! replaced together, which destroys what was sealed before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::keyring::{Purpose, StoredKey};
use super::{CryptoError, Key32};
use crate::kernel::id::KeyId;

pub(super) struct AuditKeys {
    /// Rises when the keys are replaced: copies made before are to be dropped.
    generation: AtomicU64,
    held: RwLock<Held>,
}

struct Held {
    kek: (KeyId, Key32),
    current: KeyId,
    epochs: HashMap<KeyId, Key32>,
}

impl Held {
    fn new(unwrapped: Unwrapped) -> Result<Self, CryptoError> {
        let Unwrapped { kek, epochs } = unwrapped;
        // Ids are UUIDv7: the greatest is the newest.
        let current = epochs.keys().copied().max().ok_or(CryptoError::KeyDestroyed)?;
        Ok(Self { kek: kek.ok_or(CryptoError::KeyDestroyed)?, current, epochs })
    }
}

/// Audit keys out of a key store.
pub(super) struct Unwrapped {
    kek: Option<(KeyId, Key32)>,
    epochs: HashMap<KeyId, Key32>,
}

impl Unwrapped {
    /// `unwrap` opens a stored key with the key that wraps it; none stands for the owner's root.
    pub fn read(
        stored: &[StoredKey],
        unwrap: impl Fn(Option<&Key32>, &StoredKey) -> Result<Key32, CryptoError>,
    ) -> Result<Self, CryptoError> {
        let of = |purpose| stored.iter().filter(move |key| key.purpose == purpose);
        let newest = of(Purpose::AuditKek).max_by_key(|key| key.id);
        let kek = newest.map(|key| Ok((key.id, unwrap(None, key)?))).transpose()?;
        let open = |key: &StoredKey| {
            let with = kek.as_ref().map(|(_, kek)| kek).ok_or(CryptoError::KeyDestroyed)?;
            Ok((key.id, unwrap(Some(with), key)?))
        };
        let epochs = of(Purpose::AuditDek).map(open).collect::<Result<_, CryptoError>>()?;
        Ok(Self { kek, epochs })
    }
}

impl AuditKeys {
    pub fn new(unwrapped: Unwrapped) -> Result<Self, CryptoError> {
        Ok(Self { generation: AtomicU64::new(0), held: RwLock::new(Held::new(unwrapped)?) })
    }

    /// Holds these keys from now on; the ones before are wiped.
    pub fn replace(&self, unwrapped: Unwrapped) -> Result<(), CryptoError> {
        let new = Held::new(unwrapped)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn held<T>(&self, f: impl FnOnce(&Held) -> T) -> T {
        f(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn kek(&self) -> Key32 {
        self.held(|held| held.kek.1.clone())
    }

    /// The epoch that new entries are sealed under.
    pub fn current(&self) -> KeyId {
        self.held(|held| held.current)
    }

    pub fn epoch(&self, id: KeyId) -> Result<Key32, CryptoError> {
        self.held(|held| held.epochs.get(&id).cloned()).ok_or(CryptoError::KeyDestroyed)
    }

    /// The KEK first, then the epochs.
    pub fn ids(&self) -> Vec<KeyId> {
        self.held(|held| {
            let mut ids: Vec<_> = held.epochs.keys().copied().collect();
            ids.sort_unstable();
            ids.insert(0, held.kek.0);
            ids
        })
    }
}
