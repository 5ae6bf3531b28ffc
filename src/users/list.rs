//! The members of a tenant.

use super::model::{Member, UserError};
use super::repo;
use crate::authz::Grant;
use crate::authz::permission::UserRead;
use crate::kernel::id::UserId;
use crate::tenants::Tenants;

/// All members, oldest first.
pub async fn list(tenants: &Tenants, grant: &Grant<UserRead>) -> Result<Vec<Member>, UserError> {
    tenants.read(grant, |tx| repo::list(tx)).await
}

/// One member.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<UserRead>,
    id: UserId,
) -> Result<Member, UserError> {
    tenants.read(grant, move |tx| repo::find(tx, id)).await
}
