//! Deleting a role that nobody has.

use super::change::own;
use super::create::{about, differences};
use super::{RoleError, check, repo};
use crate::audit::catalogue;
use crate::authn::AuthnError;
use crate::authn::links::{self, Purpose};
use crate::authz::Grant;
use crate::authz::permission::RoleManage;
use crate::tenants::{Tenants, WriteTx};

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
        let invitations = invited(tx, &code)?;
        if members + api_keys + invitations > 0 {
            return Err(RoleError::InUse { members, api_keys, invitations });
        }
        repo::delete(tx, &code)?;
        let mut event = about(catalogue::ROLE_DELETED, &code);
        differences(&mut event, Some(&role), None);
        Ok(((), event.into()))
    });
    written.await.map(|_| ())
}

/// Invitations with the role that can still be accepted; which one they have is sealed.
fn invited(tx: &WriteTx<'_, RoleManage>, code: &str) -> Result<u64, RoleError> {
    let open = links::open_links(tx, Purpose::Invitation, tx.runtime().now());
    let open = open.map_err(|error| match error {
        AuthnError::Door(error) => RoleError::Door(error),
        _ => RoleError::Unknown,
    })?;
    Ok(open.iter().filter(|link| link.details.role.as_deref() == Some(code)).count() as u64)
}
