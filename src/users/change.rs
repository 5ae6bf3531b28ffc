//! Changing a member's role, disabling and enabling.

use super::create::may_give;
use super::model::{Member, MemberState, UserError};
use super::repo;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{UserDisable, UserRole};
use crate::authz::{Grant, Role};
use crate::kernel::id::UserId;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// A member by id or e-mail address.
fn find(tx: &impl RealmTx, who: &str) -> Result<Member, UserError> {
    match who.parse::<UserId>() {
        Ok(id) => repo::find(tx, id),
        Err(_) => repo::find_by_email(tx, who),
    }
}

/// # Errors
/// [`UserError::TooMuch`] when either the old or the new role has rights that the caller lacks;
/// [`UserError::LastOwner`] when no active owner would be left.
pub async fn change_role(
    tenants: &Tenants,
    grant: &Grant<UserRole>,
    who: &str,
    role: Role,
) -> Result<Member, UserError> {
    let principal = grant.caller().principal.clone();
    may_give(&principal, role)?;
    let who = who.to_owned();
    let written = tenants.write(grant, move |tx| {
        let before = find(tx, &who)?;
        if before.role == role.name() {
            return Ok((before, AuditEvents::none()));
        }
        let old: Role = before.role.parse().map_err(|_| UserError::NotFound)?;
        may_give(&principal, old)?;
        repo::set_role(tx, before.id, role.name())?;
        keep_an_owner(tx)?;
        let after = Member { role: role.name().to_owned(), ..before.clone() };
        let event = changed(catalogue::ROLE_CHANGED, &before, "role", &before.role, &after.role);
        Ok::<_, UserError>((after, event.into()))
    });
    Ok(written.await?.value)
}

/// Disabling ends all sessions at once; it works in a frozen tenant too, enabling does not.
pub async fn set_enabled(
    tenants: &Tenants,
    grant: &Grant<UserDisable>,
    who: &str,
    enabled: bool,
) -> Result<Member, UserError> {
    let (who, principal) = (who.to_owned(), grant.caller().principal.clone());
    let (state, action) = match enabled {
        true => (MemberState::Active, catalogue::USER_ENABLED),
        false => (MemberState::Disabled, catalogue::USER_DISABLED),
    };
    let change = move |tx: &mut WriteTx<'_, UserDisable>| {
        let before = find(tx, &who)?;
        if before.state == state {
            return Ok((before, AuditEvents::none()));
        }
        let role: Role = before.role.parse().map_err(|_| UserError::NotFound)?;
        may_give(&principal, role)?;
        repo::set_state(tx, before.id, state)?;
        keep_an_owner(tx)?;
        let event = changed(action, &before, "state", before.state.name(), state.name());
        Ok::<_, UserError>((Member { state, ..before }, event.into()))
    };
    let written = match enabled {
        true => tenants.write(grant, change).await?,
        false => tenants.withdraw(grant, change).await?,
    };
    Ok(written.value)
}

fn keep_an_owner<P>(tx: &WriteTx<'_, P>) -> Result<(), UserError> {
    match repo::active_owners(tx)? {
        0 => Err(UserError::LastOwner),
        _ => Ok(()),
    }
}

fn changed(action: catalogue::Action, member: &Member, field: &str, old: &str, new: &str) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("user", member.id.to_string()));
    let change = Change { old: Some(old.into()), new: Some(new.into()) };
    event.changes.insert(field.to_owned(), change);
    event
}
