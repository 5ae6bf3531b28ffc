//! The keys of a tenant, without their secrets.

use super::model::{ApiKey, ApiKeyError};
use super::repo;
use crate::authz::Grant;
use crate::authz::permission::ApiKeyRead;
use crate::kernel::id::ApiKeyId;
use crate::tenants::Tenants;

/// All keys, newest first, revoked ones included.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<ApiKeyRead>,
) -> Result<Vec<ApiKey>, ApiKeyError> {
    tenants.read(grant, |tx| repo::all(tx)).await
}

pub async fn find(
    tenants: &Tenants,
    grant: &Grant<ApiKeyRead>,
    id: ApiKeyId,
) -> Result<ApiKey, ApiKeyError> {
    tenants.read(grant, move |tx| Ok(repo::one(tx, id)?.0)).await
}
