//! The private halves of the keys that sign access tokens: in the platform's key store.

use super::{DoorError, Tenants};
use crate::crypto::signing::SigningKey;
use crate::crypto::{CryptoError, TenantKeys};
use crate::kernel::id::KeyId;
use crate::store::StoreError;

impl Tenants {
    /// Makes one; durable before anything names it.
    pub(crate) async fn new_token_key(&self) -> Result<(KeyId, SigningKey), DoorError> {
        self.on_platform_keys(TenantKeys::new_token_key).await
    }

    pub(crate) async fn token_key(&self, id: KeyId) -> Result<SigningKey, DoorError> {
        self.on_platform_keys(move |keys| keys.token_key(id)).await
    }

    /// Overwrites one that has signed its last. It sealed nothing, so no erasure is recorded.
    pub(crate) async fn destroy_token_key(&self, id: KeyId) -> Result<bool, DoorError> {
        self.on_platform_keys(move |keys| keys.destroy_token_key(id)).await
    }

    async fn on_platform_keys<T: Send + 'static>(
        &self,
        f: impl FnOnce(&TenantKeys) -> Result<T, CryptoError> + Send + 'static,
    ) -> Result<T, DoorError> {
        let platform = self.inner.platform.clone();
        let done = tokio::task::spawn_blocking(move || f(&platform.keys)).await;
        Ok(done.map_err(|_| StoreError::Panicked)??)
    }
}
