//! Changing a role: it counts for everybody who has it from their next request on.

use super::create::{about, differences};
use super::model::{RoleChanges, RoleView};
use super::repo::{self, Stored};
use super::{RoleError, check};
use crate::approvals;
use crate::audit::catalogue;
use crate::authz::permission::RoleManage;
use crate::authz::{Grant, Role};
use crate::tenants::{AuditEvents, Tenants};

/// # Errors
/// [`RoleError::TooMuch`] when it permits, before or after, what the caller may not do.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<RoleManage>,
    code: &str,
    changes: RoleChanges,
) -> Result<RoleView, RoleError> {
    let name = changes.name.as_deref().map(check::name).transpose()?;
    let description = changes.description.as_deref().map(check::description).transpose()?;
    let permissions = changes.permissions.as_deref().map(check::permissions).transpose()?;
    let (code, principal) = (code.to_owned(), grant.caller().principal.clone());
    let written = tenants.write(grant, move |tx| {
        let before = own(repo::find(tx, &code)?, &code)?;
        let mut after = before.clone();
        name.iter().for_each(|name| after.name.clone_from(name));
        description.iter().for_each(|text| after.description.clone_from(text));
        after.permissions = permissions.unwrap_or(after.permissions);
        check::may_give(&principal, before.permissions)?;
        check::may_give(&principal, after.permissions)?;
        if approvals::gains(before.permissions, after.permissions) {
            approvals::pass_role(tx, after.permissions)?;
        }
        if after == before {
            return Ok::<_, RoleError>((before.view(), AuditEvents::none()));
        }
        repo::update(tx, &after, tx.runtime().now())?;
        let mut event = about(catalogue::ROLE_UPDATED, &code);
        differences(&mut event, Some(&before), Some(&after));
        Ok((after.view(), event.into()))
    });
    Ok(written.await?.value)
}

/// A role that can be changed.
pub(super) fn own(found: Option<Stored>, code: &str) -> Result<Stored, RoleError> {
    let built_in = code.parse::<Role>().is_ok();
    found.ok_or(if built_in { RoleError::BuiltIn } else { RoleError::NotFound })
}
