//! What identity providers make of members. Nobody of the tenant asks for it at that moment, so
//! nobody's rights bound it: whoever wrote the rules could have given every role.

use super::change::{SEALED, changed, keep_an_owner};
use super::create::{created, insert};
use super::model::{Member, MemberState, Prepared, UserError};
use super::repo;
use crate::audit::{Event, catalogue};
use crate::authn::links;
use crate::authz::{Rights, Role};
use crate::crypto::Field;
use crate::kernel::id::{KeyId, UserId};
use crate::mail::{self, Letter, Recipient};
use crate::store::StoreError;
use crate::tenants::{RealmTx, WriteTx};

/// What changes about a member; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alteration {
    pub name: Option<String>,
    pub email: Option<String>,
    pub role: Option<Rights>,
}

pub fn look(tx: &impl RealmTx, id: UserId) -> Result<Option<Member>, UserError> {
    there(repo::find(tx, id))
}

pub fn look_by_email(tx: &impl RealmTx, email: &str) -> Result<Option<Member>, UserError> {
    there(repo::find_by_email(tx, email))
}

fn there(found: Result<Member, UserError>) -> Result<Option<Member>, UserError> {
    match found {
        Err(UserError::NotFound) => Ok(None),
        other => other.map(Some),
    }
}

/// Whether a tenant would be without an owner, were it not for this member.
pub fn is_last_owner(tx: &impl RealmTx, member: &Member) -> Result<bool, StoreError> {
    let is_owner = member.role == Role::Owner.name() && member.state == MemberState::Active;
    Ok(is_owner && repo::active_owners(tx)? == 1)
}

/// Adds a member. Whether somebody in that role may be added at once is for the caller to say.
///
/// # Errors
/// [`UserError::Taken`]
pub fn add<P>(
    tx: &mut WriteTx<'_, P>,
    subject: KeyId,
    new: &Prepared,
    rights: &Rights,
) -> Result<(Member, Event), UserError> {
    let member = insert(tx, subject, new, rights)?;
    let event = created(&member);
    Ok((member, event))
}

/// Changes a member, with an entry for each thing. Links that were sent to a former address end, and
/// it is told.
///
/// # Errors
/// [`UserError::LastOwner`], [`UserError::Taken`]; [`UserError::NotFound`] for somebody who was
/// erased.
pub fn alter<P>(
    tx: &mut WriteTx<'_, P>,
    before: &Member,
    to: &Alteration,
) -> Result<Vec<Event>, UserError> {
    let mut events = Vec::new();
    if let Some(rights) = &to.role {
        repo::set_role(tx, before.id, rights.role())?;
        keep_an_owner(tx, before)?;
        let (old, new) = (&before.role, rights.role());
        events.push(changed(catalogue::ROLE_CHANGED, before, "role", old, new));
    }
    if to.name.is_none() && to.email.is_none() {
        return Ok(events);
    }
    let subject = repo::subject(tx, before.id)?.ok_or(UserError::NotFound)?;
    if let Some(name) = &to.name {
        let id = before.id.bytes();
        let sealed = tx.seal(Field::UserName, id, Some(subject), name.as_bytes())?;
        repo::set_name(tx, before.id, &sealed)?;
        events.push(changed(catalogue::USER_UPDATED, before, "name", SEALED, SEALED));
    }
    if let Some(email) = &to.email {
        repo::set_email(tx, before.id, subject, email)?;
        links::end_all_of(tx, *before.id.bytes())?;
        if let Some(address) = before.email.clone() {
            let former = Recipient { address, subject: Some(subject) };
            let at = tx.runtime().now();
            mail::queue(tx, &former, &Letter::EmailChanged { at })?;
        }
        events.push(changed(catalogue::EMAIL_CHANGED, before, "email", SEALED, SEALED));
    }
    Ok(events)
}
