//! Changing an administrator's role, disabling and enabling.

use super::create::event;
use super::{Admin, AdminError, repo};
use crate::audit::Event;
use crate::audit::catalogue::{self, Action};
use crate::audit::event::Change;
use crate::authz::permission::{PlatformAdminDisable, PlatformAdminManage};
use crate::authz::{Grant, Principal, Role};
use crate::kernel::id::AdminId;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};
use crate::users::{MemberState, UserError};

/// An administrator by id or e-mail address.
pub(super) fn find(tx: &impl RealmTx, who: &str) -> Result<Admin, AdminError> {
    match who.parse::<AdminId>() {
        Ok(id) => repo::by_id(tx, id),
        Err(_) => repo::by_email(tx, who),
    }
}

/// Counts on the next request of whoever has the role.
///
/// # Errors
/// [`AdminError::Role`] for what is no role of the platform; [`AdminError::LastAdmin`] when nobody
/// could manage it any more; [`UserError::Oneself`] for one's own account.
pub async fn change_role(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    who: &str,
    role: &str,
) -> Result<Admin, AdminError> {
    let role = super::role(role).ok_or(AdminError::Role)?;
    let (who, principal) = (who.to_owned(), grant.caller().principal.clone());
    let written = tenants.write(grant, move |tx| {
        let before = find(tx, &who)?;
        somebody_else(&principal, &before)?;
        if before.role == role.name() {
            return Ok((before, AuditEvents::none()));
        }
        repo::set_role(tx, before.id, role)?;
        keep_an_admin(tx, &before)?;
        let action = catalogue::PLATFORM_ADMIN_CHANGED;
        let event = changed(action, &before, "role", &before.role, role.name());
        Ok::<_, AdminError>((Admin { role: role.into(), ..before }, event.into()))
    });
    Ok(written.await?.value)
}

/// Disabling ends all sessions and links at once.
///
/// # Errors
/// As for [`change_role`].
pub async fn set_enabled(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminDisable>,
    who: &str,
    enabled: bool,
) -> Result<Admin, AdminError> {
    let (state, action) = match enabled {
        true => (MemberState::Active, catalogue::PLATFORM_ADMIN_ENABLED),
        false => (MemberState::Disabled, catalogue::PLATFORM_ADMIN_DISABLED),
    };
    let (who, principal) = (who.to_owned(), grant.caller().principal.clone());
    let written = tenants.write(grant, move |tx| {
        let before = find(tx, &who)?;
        somebody_else(&principal, &before)?;
        if before.state == state {
            return Ok((before, AuditEvents::none()));
        }
        repo::set_state(tx, before.id, state)?;
        keep_an_admin(tx, &before)?;
        let event = changed(action, &before, "state", before.state.name(), state.name());
        Ok::<_, AdminError>((Admin { state, ..before }, event.into()))
    });
    Ok(written.await?.value)
}

/// One's own role and state are for somebody else to change.
pub(super) fn somebody_else(principal: &Principal, admin: &Admin) -> Result<(), AdminError> {
    match principal {
        Principal::PlatformAdmin { id, .. } if *id == admin.id => Err(UserError::Oneself.into()),
        _ => Ok(()),
    }
}

/// Whoever could manage the platform before must not have been the last one.
fn keep_an_admin<P>(tx: &WriteTx<'_, P>, before: &Admin) -> Result<(), AdminError> {
    let was_admin = before.role == Role::PlatformAdmin.name();
    if was_admin && repo::active_admins(tx)? == 0 {
        return Err(AdminError::LastAdmin);
    }
    Ok(())
}

fn changed(action: Action, admin: &Admin, field: &str, old: &str, new: &str) -> Event {
    let mut event = event(action, admin.id);
    let change = Change { old: Some(old.into()), new: Some(new.into()) };
    event.changes.insert(field.to_owned(), change);
    event
}
