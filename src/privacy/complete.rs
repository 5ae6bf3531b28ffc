//! Completing what was interrupted.

use super::{PrivacyError, erase, repo};
use crate::authz::Grant;
use crate::authz::permission::SubjectErase;
use crate::config::Ageing;
use crate::tenants::{Tenant, Tenants};

/// Completes the erasures of a tenant that were begun and not finished; answers how many.
///
/// # Errors
/// The first that stands against one; what was completed before stays so.
pub async fn complete_interrupted(
    tenants: &Tenants,
    grant: &Grant<SubjectErase>,
    tenant: &Tenant,
    ageing: Option<Ageing>,
) -> Result<u64, PrivacyError> {
    let open = tenants.read(grant, |tx| Ok::<_, PrivacyError>(repo::unfinished(tx)?)).await?;
    let count = open.len() as u64;
    for id in open {
        erase::complete(tenants, grant, tenant, id, ageing).await?;
    }
    Ok(count)
}
