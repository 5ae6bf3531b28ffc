//! What a platform administrator does inside every tenant when there is an incident: counts what
//! opens it, and takes that away. Nothing is read of what a tenant keeps.

use super::doors::{read_realm, write_realm};
use super::{AuditEvents, ReadTx, Tenants, WriteTx, Written};
use crate::authz::permission::PlatformAccessRevoke;
use crate::authz::{Grant, Realm};
use crate::kernel::id::TenantId;
use crate::tenants::DoorError;

impl Tenants {
    /// Takes rights away in a tenant, whatever its state, with an entry in the tenant's own log.
    pub(crate) async fn withdraw_in<T, E>(
        &self,
        grant: &Grant<PlatformAccessRevoke>,
        tenant: TenantId,
        f: impl Fn(&mut WriteTx<'_, PlatformAccessRevoke>) -> Result<(T, AuditEvents), E>
        + Send
        + 'static,
    ) -> Result<Written<T>, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        let realm = self.realm(Realm::Tenant(tenant)).await?;
        write_realm(realm, Some(grant.caller().clone()), || Ok(()), f).await
    }

    /// How much there is to take away.
    pub(crate) async fn count_in<T, E>(
        &self,
        _: &Grant<PlatformAccessRevoke>,
        tenant: TenantId,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DoorError> + Send + 'static,
    {
        read_realm(self.realm(Realm::Tenant(tenant)).await?, f).await
    }
}
