//! What backups copy of a realm: its pages as they are, its wrapped keys, its files. Nothing is
//! opened for it; what is sealed in the live file is sealed in the copy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::doors::append;
use super::realm::OpenRealm;
use super::{DoorError, Tenants};
use crate::audit::Event;
use crate::audit::notary::Notary;
use crate::authz::permission::PlatformBackupRun;
use crate::authz::{Caller, Grant, Realm};
use crate::crypto::TenantKeys;
use crate::kernel::id::{InstallationId, KeyId, TenantId};
use crate::store::pages::PageReader;
use crate::store::{Readers, StoreError};

/// A realm's files, held open.
#[derive(Clone)]
pub struct Original {
    realm: Arc<OpenRealm>,
    directory: PathBuf,
    caller: Arc<Caller>,
}

impl Original {
    /// The moment that a copy shows; to be called where waiting is no harm.
    pub fn pages(&self) -> Result<PageReader, StoreError> {
        PageReader::open(self.readers())
    }

    pub fn readers(&self) -> &Readers {
        self.realm.database.readers()
    }

    pub fn keys(&self) -> &Arc<TenantKeys> {
        &self.realm.keys
    }

    pub fn notary(&self) -> &Arc<Notary> {
        &self.realm.notary
    }

    /// Where its files lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An entry in the realm's own log, in whatever state the tenant is: its auditor wants to see
    /// that there is a backup, and of what.
    pub async fn record(&self, event: Event) -> Result<u64, DoorError> {
        append(&self.realm, Some(self.caller.clone()), event).await
    }
}

impl Tenants {
    /// Opens a realm to copy it, a frozen or closed tenant too.
    pub async fn original(
        &self,
        grant: &Grant<PlatformBackupRun>,
        realm: Realm,
    ) -> Result<Original, DoorError> {
        let open = self.realm(realm).await?;
        let ground = &self.inner.ground;
        let directory = match realm {
            Realm::Platform => ground.directory.clone(),
            Realm::Tenant(id) => ground.tenant_directory(id),
        };
        Ok(Original { realm: open, directory, caller: grant.caller().clone() })
    }

    pub(crate) fn installation(&self) -> InstallationId {
        InstallationId::from_bytes(*self.inner.platform.owner.bytes())
    }

    /// The directory with all data.
    pub(crate) fn data_directory(&self) -> &Path {
        &self.inner.ground.directory
    }

    /// Lines in the ledger of erasures, and the hash of the last.
    pub(crate) fn ledger_head(&self) -> (u64, String) {
        let head = self.inner.ground.erasures.head();
        (head.lines, head.hash)
    }

    /// Whether a tenant was destroyed on purpose: it is not registered, and the ledger says that its
    /// root key is gone. One that is merely unknown may come back with a restore.
    pub(crate) async fn is_destroyed(&self, tenant: TenantId) -> Result<bool, DoorError> {
        if self.inner.registry.by_id(tenant).is_some() {
            return Ok(false);
        }
        Ok(self.ledger_line(KeyId::from_bytes(*tenant.bytes())).await?.is_some())
    }
}
