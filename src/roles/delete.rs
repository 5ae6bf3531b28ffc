//! Deleting a role that nobody has.

use super::change::own;
use super::create::{about, differences};
use super::{RoleError, check, repo};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::RoleManage;
use crate::tenants::Tenants;

/// # Errors
/// [`RoleError::InUse`] while a member, a key or an invitation has it.
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<RoleManage>,
    code: &str,
) -> Result<(), RoleError> {
    let (code, principal) = (code.to_owned(), grant.caller().principal.clone());
    let written = tenants.write(grant, move |tx| {
        let role = own(repo::find(tx, &code)?, &code)?;
        check::may_give(&principal, role.permissions)?;
        let holders = repo::holders(tx)?;
        let mine = || holders.iter().filter(|(role, ..)| *role == code);
        let (members, api_keys) = (mine().map(|h| h.1).sum(), mine().map(|h| h.2).sum());
        if members > 0 || api_keys > 0 {
            return Err(RoleError::InUse { members, api_keys, invitations: 0 });
        }
        repo::delete(tx, &code)?;
        let mut event = about(catalogue::ROLE_DELETED, &code);
        differences(&mut event, Some(&role), None);
        Ok(((), event.into()))
    });
    written.await.map(|_| ())
}
