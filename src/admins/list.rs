//! Who signs in to the platform.

use super::{Admin, AdminError, repo};
use crate::authz::Grant;
use crate::authz::permission::PlatformAdminRead;
use crate::kernel::id::AdminId;
use crate::tenants::Tenants;

/// All of them, oldest first: there are few.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminRead>,
) -> Result<Vec<Admin>, AdminError> {
    tenants.read(grant, |tx| repo::list(tx)).await
}

pub async fn find(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminRead>,
    id: AdminId,
) -> Result<Admin, AdminError> {
    tenants.read(grant, move |tx| repo::by_id(tx, id)).await
}
