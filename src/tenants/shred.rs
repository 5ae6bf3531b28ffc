//! Destroying the keys of a log's contents.

use std::sync::Arc;

use tokio::sync::MutexGuard;

use super::realm::OpenRealm;
use super::{DoorError, Tenants};
use crate::authz::{Flag, Realm};
use crate::kernel::id::KeyId;
use crate::store::StoreError;

impl Tenants {
    /// Keeps every tenant in the state that it is in while the guard lives.
    pub(crate) async fn hold_states(&self) -> MutexGuard<'_, ()> {
        self.inner.changing.lock().await
    }

    /// The keys of a log's contents, the one that wraps the others first.
    pub(crate) async fn audit_keys(&self, realm: Realm) -> Result<Vec<KeyId>, DoorError> {
        Ok(self.realm(realm).await?.keys.audit_key_ids())
    }

    /// Destroys these keys of a log's contents and what was made from them, and puts new ones in
    /// their place. Recorded in the ledger of erasures first. What is gone already is no error, so
    /// that an interrupted destruction can be completed.
    ///
    /// # Errors
    /// [`DoorError::Recovery`] in recovery mode, where no target but a directory takes that record: a
    /// restore from another one would bring the keys back.
    pub(crate) async fn destroy_audit_keys(
        &self,
        realm: Realm,
        keys: Vec<KeyId>,
        cause: &str,
    ) -> Result<(), DoorError> {
        self.destroys(Flag::AuditShred)?;
        let open = self.realm(realm).await?;
        let (tenants, cause) = (self.clone(), cause.to_owned());
        let destroyed =
            tokio::task::spawn_blocking(move || destroy(&tenants, &open, &keys, &cause));
        Ok(destroyed.await.map_err(|_| StoreError::Panicked)??)
    }
}

fn destroy(
    tenants: &Tenants,
    realm: &Arc<OpenRealm>,
    keys: &[KeyId],
    cause: &str,
) -> Result<(), StoreError> {
    let held = realm.keys.audit_key_ids();
    let there = keys.iter().filter(|key| held.contains(key));
    let erasures: Vec<_> = there.map(|key| realm.erasure(*key, cause)).collect();
    tenants.inner.ground.erasures.record_all(&erasures)?;
    realm.keys.destroy_audit(keys)?;
    // After the keys: what a feed still has in hand is refused by the new file.
    realm.index.begin_anew(realm.keys.index_key()?);
    realm.indexed.store(0, std::sync::atomic::Ordering::Relaxed);
    Ok(())
}
