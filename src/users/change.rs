//! Changing a member's name and role, disabling and enabling.

use super::model::{Member, MemberState, UserError, check_name};
use super::repo;
use crate::approvals::{self, Act, Approved};
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::{UserDisable, UserRole, UserUpdate};
use crate::authz::{Grant, Principal, Rights, Role};
use crate::crypto::Field;
use crate::kernel::id::UserId;
use crate::roles;
use crate::tenants::{AuditEvents, RealmTx, Tenants, WriteTx};

/// A member by id or e-mail address.
fn find(tx: &impl RealmTx, who: &str) -> Result<Member, UserError> {
    match who.parse::<UserId>() {
        Ok(id) => repo::find(tx, id),
        Err(_) => repo::find_by_email(tx, who),
    }
}

/// The same, when the principal has all rights that the member has.
pub(super) fn beneath(
    tx: &impl RealmTx,
    principal: &Principal,
    who: &str,
) -> Result<Member, UserError> {
    let member = find(tx, who)?;
    roles::give(tx, principal, &member.role)?;
    Ok(member)
}

/// # Errors
/// [`UserError::TooMuch`] when either the old or the new role has rights that the caller lacks;
/// [`UserError::LastOwner`] when no active owner would be left; [`UserError::Approval`] when a
/// second person has to approve it; [`UserError::Emergency`] for the emergency account.
pub async fn change_role(
    tenants: &Tenants,
    grant: &Grant<UserRole>,
    who: &str,
    role: &str,
) -> Result<Member, UserError> {
    give_role(tenants, grant, who, role, None).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn change_role_approved(
    tenants: &Tenants,
    grant: &Grant<UserRole>,
    who: UserId,
    role: &str,
    approved: Approved,
) -> Result<Member, UserError> {
    give_role(tenants, grant, &who.to_string(), role, Some(approved)).await
}

async fn give_role(
    tenants: &Tenants,
    grant: &Grant<UserRole>,
    who: &str,
    role: &str,
    approved: Option<Approved>,
) -> Result<Member, UserError> {
    let principal = grant.caller().principal.clone();
    let (who, role) = (who.to_owned(), role.to_owned());
    let written = tenants.write(grant, move |tx| {
        let rights = roles::give(tx, &principal, &role)?;
        let before = beneath(tx, &principal, &who)?;
        if before.role == rights.role() && approved.is_none() {
            return Ok((before, AuditEvents::none()));
        }
        // Before a second person is asked for what cannot be done.
        repo::keep_emergency(tx, before.id)?;
        let passed = pass(tx, &before, &rights, approved.as_ref())?;
        repo::set_role(tx, before.id, rights.role())?;
        keep_an_owner(tx, &before)?;
        let after = repo::find(tx, before.id)?;
        let mut event =
            changed(catalogue::ROLE_CHANGED, &before, "role", &before.role, &after.role);
        approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok::<_, UserError>((after, passed.and(event)))
    });
    Ok(written.await?.value)
}

/// Somebody who becomes able to approve, which owners are, may take a second person.
fn pass<P>(
    tx: &mut WriteTx<'_, P>,
    before: &Member,
    after: &Rights,
    approved: Option<&Approved>,
) -> Result<AuditEvents, UserError> {
    let before_rights = roles::resolve(tx, &before.role)?.permissions();
    let gains = approvals::gains(before_rights, after.permissions());
    if !gains && after.role() != Role::Owner.name() && approved.is_none() {
        return Ok(AuditEvents::none());
    }
    let (from, to) = (before.role.clone(), after.role().to_owned());
    let act = Act::ChangeRole { member: before.id, from, to };
    Ok(approvals::pass(tx, approved, act)?)
}

/// Disabling ends all sessions at once; it works in a frozen tenant too, enabling does not.
///
/// # Errors
/// [`UserError::Oneself`] for one's own account; the others as for [`change_role`].
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
        let before = beneath(tx, &principal, &who)?;
        if matches!(principal, Principal::User { id, .. } if id == before.id) {
            return Err(UserError::Oneself);
        }
        if before.state == state {
            return Ok((before, AuditEvents::none()));
        }
        repo::set_state(tx, before.id, state)?;
        keep_an_owner(tx, &before)?;
        let event = changed(action, &before, "state", before.state.name(), state.name());
        Ok::<_, UserError>((Member { state, ..before }, event.into()))
    };
    let written = match enabled {
        true => tenants.write(grant, change).await?,
        false => tenants.withdraw(grant, change).await?,
    };
    Ok(written.value)
}

/// Gives a member another name; the log says that it changed, not what it was.
///
/// # Errors
/// [`UserError::TooMuch`] when the member has rights that the caller lacks;
/// [`UserError::NotFound`] for somebody who was erased.
pub async fn rename(
    tenants: &Tenants,
    grant: &Grant<UserUpdate>,
    who: &str,
    name: &str,
) -> Result<Member, UserError> {
    let (who, name) = (who.to_owned(), name.trim().to_owned());
    check_name(&name)?;
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        let before = beneath(tx, &principal, &who)?;
        if before.name.as_ref() == Some(&name) {
            return Ok((before, AuditEvents::none()));
        }
        let subject = repo::subject(tx, before.id)?.filter(|_| before.name.is_some());
        let subject = subject.ok_or(UserError::NotFound)?;
        let id = before.id.bytes();
        let sealed = tx.seal(Field::UserName, id, Some(subject), name.as_bytes())?;
        repo::set_name(tx, before.id, &sealed)?;
        let event = changed(catalogue::USER_UPDATED, &before, "name", SEALED, SEALED);
        Ok::<_, UserError>((Member { name: Some(name.clone()), ..before }, event.into()))
    });
    Ok(written.await?.value)
}

/// Stands in the log for a value that is sealed in the data.
pub(super) const SEALED: &str = "[sealed]";

/// Whoever was an owner before must not have been the last one.
pub(super) fn keep_an_owner<P>(tx: &WriteTx<'_, P>, before: &Member) -> Result<(), UserError> {
    if before.role == Role::Owner.name() && repo::active_owners(tx)? == 0 {
        return Err(UserError::LastOwner);
    }
    Ok(())
}

pub(super) fn changed(
    action: catalogue::Action,
    member: &Member,
    field: &str,
    old: &str,
    new: &str,
) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("user", member.id.to_string()));
    let change = Change { old: Some(old.into()), new: Some(new.into()) };
    event.changes.insert(field.to_owned(), change);
    event
}
