//! A tenant with its first owner: used by the wizard, the platform console and the CLI alike.

use crate::authn::Hasher;
use crate::authz::Grant;
use crate::authz::permission::{TenantCreate, UserCreate};
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::{self, DoorError, NewTenant, Tenant, TenantError, Tenants, WriteTx};
use crate::users::{self, NewMember, UserError};

/// Makes a tenant and the owner who can sign in to it.
pub async fn tenant_with_owner(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<TenantCreate>,
    new: NewTenant,
    owner: NewMember,
) -> Result<Tenant, ProvisionError> {
    let owner = owner.prepare(hasher, &new.name).await?;
    let seed = move |tx: &mut WriteTx<'_, UserCreate>, subject| {
        Ok::<_, ProvisionError>(users::seed_owner(tx, subject, &owner)?)
    };
    tenants::create(tenants, grant, new, seed).await
}

#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(transparent)]
    Owner(#[from] UserError),
    #[error(transparent)]
    Door(#[from] DoorError),
}

impl Fault for ProvisionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Tenant(error) => error.kind(),
            Self::Owner(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Tenant(error) => error.code(),
            Self::Owner(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Tenant(error) => error.field(),
            Self::Owner(error) => error.field(),
            Self::Door(_) => None,
        }
    }
}
