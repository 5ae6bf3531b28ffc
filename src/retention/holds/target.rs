//! Whom or what a hold is on.

use super::model::{Hold, HoldScope};
use super::{HoldError, repo};
use crate::conversations;
use crate::crypto::Field;
use crate::kernel::id::{ConversationId, KeyId, UserId};
use crate::tenants::RealmTx;

/// What the row names: a key's id or a conversation's; nothing for the tenant.
///
/// # Errors
/// [`HoldError::NoTarget`] for what is not there, [`HoldError::Target`] for one too many or missing.
pub fn resolve(
    tx: &impl RealmTx,
    scope: HoldScope,
    target: Option<&str>,
) -> Result<Option<[u8; 16]>, HoldError> {
    let target = target.map(str::trim).filter(|target| !target.is_empty());
    let (scope, target) = match (scope, target) {
        (HoldScope::Tenant, None) => return Ok(None),
        (HoldScope::Tenant, Some(_)) | (_, None) => return Err(HoldError::Target),
        (scope, Some(target)) => (scope, target),
    };
    let found = match scope {
        HoldScope::Conversation => conversation(tx, target)?,
        HoldScope::Member => member(tx, target)?,
        HoldScope::DataSubject => person(tx, target)?,
        HoldScope::Tenant => None,
    };
    found.map(Some).ok_or(HoldError::NoTarget)
}

fn conversation(tx: &impl RealmTx, target: &str) -> Result<Option<[u8; 16]>, HoldError> {
    let Ok(id) = target.parse::<ConversationId>() else { return Ok(None) };
    Ok(conversations::exists(tx, id)?.then(|| *id.bytes()))
}

fn member(tx: &impl RealmTx, target: &str) -> Result<Option<[u8; 16]>, HoldError> {
    Ok(match target.parse::<UserId>() {
        Ok(id) => repo::member_key(tx, id.bytes())?,
        Err(_) => repo::member_key_by_email(tx, &tx.lookup_hash("email", target)?)?,
    })
}

/// The application's reference comes first: it may look like an id.
fn person(tx: &impl RealmTx, target: &str) -> Result<Option<[u8; 16]>, HoldError> {
    if let Some(key) = conversations::person_by_reference(tx, target)? {
        return Ok(Some(*key.bytes()));
    }
    let Ok(key) = target.parse::<KeyId>() else { return Ok(None) };
    Ok(conversations::person(tx, key)?.map(|_| *key.bytes()))
}

/// What people know the target of a hold by; for those who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetName {
    /// A person's or member's name, a conversation's subject line.
    Known(String),
    /// Erased since, or gone.
    Unknown,
}

pub fn name(tx: &impl RealmTx, hold: &Hold) -> Result<TargetName, HoldError> {
    let Some(target) = &hold.target else { return Ok(TargetName::Unknown) };
    let found = match hold.scope {
        HoldScope::Tenant => None,
        HoldScope::DataSubject => match target.parse::<KeyId>() {
            Ok(key) => conversations::person(tx, key)?
                .and_then(|person| person.name.or(person.email).or(person.id)),
            Err(_) => None,
        },
        HoldScope::Conversation => match target.parse::<ConversationId>() {
            Ok(id) => conversations::subject_line(tx, id)?,
            Err(_) => None,
        },
        HoldScope::Member => match target.parse::<UserId>() {
            Ok(id) => member_name(tx, id)?,
            Err(_) => None,
        },
    };
    Ok(found.map_or(TargetName::Unknown, TargetName::Known))
}

fn member_name(tx: &impl RealmTx, id: UserId) -> Result<Option<String>, HoldError> {
    match repo::sealed_member_name(tx, id)? {
        Some(sealed) => Ok(tx.open_text(Field::UserName, id.bytes(), &sealed)?),
        None => Ok(None),
    }
}
