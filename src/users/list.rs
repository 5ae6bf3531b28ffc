//! The members of a tenant.

use super::model::{Member, UserError};
use super::repo;
use crate::authz::permission::{AccountRead, UserRead};
use crate::authz::{Grant, Principal};
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

/// The caller's own entry among the members.
pub async fn own(tenants: &Tenants, grant: &Grant<AccountRead>) -> Result<Member, UserError> {
    let Principal::User { id, .. } = grant.caller().principal else {
        return Err(UserError::NotFound);
    };
    tenants.read(grant, move |tx| repo::find(tx, id)).await
}
