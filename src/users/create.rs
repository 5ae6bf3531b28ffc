//! Adding a member.

use super::model::{Member, MemberState, NewMember, Prepared, UserError};
use super::repo;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::Hasher;
use crate::authz::permission::UserCreate;
use crate::authz::{Grant, Principal, Role};
use crate::kernel::id::{KeyId, UserId};
use crate::tenants::{AuditEvents, Tenants, WriteTx};

/// # Errors
/// [`UserError::TooMuch`] when the role has rights that the caller lacks.
pub async fn create(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<UserCreate>,
    new: NewMember,
) -> Result<Member, UserError> {
    may_give(&grant.caller().principal, new.role)?;
    let new = new.prepare(hasher, &tenants.place(grant.realm())).await?;
    let subject = tenants.new_subject(grant.realm()).await?;
    let written = tenants.write(grant, move |tx| {
        let member = insert(tx, subject, &new)?;
        let event = created(&member);
        Ok::<_, UserError>((member, event.into()))
    });
    Ok(written.await?.value)
}

/// # Errors
/// [`UserError::TooMuch`] for a role with rights that the caller lacks.
pub(super) fn may_give(principal: &Principal, role: Role) -> Result<(), UserError> {
    principal.may_give(role.permissions()).then_some(()).ok_or(UserError::TooMuch)
}

/// The first owner, put into a new tenant's files.
pub fn seed_owner(
    tx: &mut WriteTx<'_, UserCreate>,
    subject: KeyId,
    owner: &Prepared,
) -> Result<AuditEvents, UserError> {
    Ok(created(&insert(tx, subject, owner)?).into())
}

fn insert(
    tx: &mut WriteTx<'_, UserCreate>,
    subject: KeyId,
    new: &Prepared,
) -> Result<Member, UserError> {
    let (id, now) = (tx.runtime().id::<UserId>(), tx.runtime().now());
    repo::insert(tx, id, subject, new, now)?;
    Ok(Member {
        id,
        name: Some(new.name.clone()),
        email: Some(new.email.clone()),
        role: new.role.name().to_owned(),
        state: MemberState::Active,
        created_at: now,
        signed_in_at: None,
    })
}

fn created(member: &Member) -> Event {
    let mut event = Event::new(catalogue::USER_CREATED);
    event.resource = Some(Resource::new("user", member.id.to_string()));
    let role = Change { old: None, new: Some(member.role.as_str().into()) };
    event.changes.insert("role".into(), role);
    event
}
