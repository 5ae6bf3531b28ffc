//! What continuous archiving needs of the realms. It takes pages as they lie on disk, encrypted, and
//! reads nothing in them.

use std::path::PathBuf;
use std::sync::Arc;

use super::{DoorError, Tenants};
use crate::authz::Realm;
use crate::store::changes::Taps;
use crate::store::{Job, StoreError};

impl Tenants {
    /// None when nothing is archived.
    pub(crate) fn taps(&self) -> Option<Arc<Taps>> {
        self.inner.ground.workers.taps().cloned()
    }

    /// The platform and all tenants.
    pub(crate) fn realms(&self) -> Vec<Realm> {
        let tenants = self.tenant_ids().into_iter().map(Realm::Tenant);
        std::iter::once(Realm::Platform).chain(tenants).collect()
    }

    pub(crate) fn database_file(&self, realm: Realm) -> PathBuf {
        let ground = &self.inner.ground;
        match realm {
            Realm::Platform => ground.directory.join("platform.db"),
            Realm::Tenant(id) => ground.tenant_directory(id).join("tenant.db"),
        }
    }

    /// Opens a realm and has its writer look whether something is wanted of it, without writing
    /// anything.
    pub(crate) async fn rouse(&self, realm: Realm) -> Result<(), DoorError> {
        let realm = self.realm(realm).await?;
        let done = {
            let realm = realm.clone();
            Box::new(move |_| drop(realm))
        };
        match realm.database.submit(Job { run: Box::new(|_, _| Ok(true)), done }) {
            Err(StoreError::QueueFull) | Ok(()) => Ok(()), // others will do
            Err(error) => Err(error.into()),
        }
    }
}
