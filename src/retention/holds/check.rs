//! What a hold in force stops. Everything that deletes for good asks in its own transaction, so that
//! a hold counts from the moment in which it is set.
//!
//! A hold is in force until it is lifted: the end that was set for it makes a job lift it, with an
//! entry, and counts for nothing here.

use crate::args;
use crate::kernel::id::{ConversationId, HoldId, KeyId};
use crate::kernel::{ErrorKind, Fault};
use crate::store::{Sql, StoreError};

/// Something is not deleted because a hold is in force. The id is all that it says: the reason is
/// for those who may see holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the legal hold {0} is in force: nothing that it covers is deleted before it is lifted")]
pub struct Held(pub HoldId);

impl Fault for Held {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Conflict
    }

    fn code(&self) -> &'static str {
        "held"
    }
}

const FIRST: &str = "SELECT id FROM legal_holds WHERE lifted IS NULL";
/// Each is asked for every conversation of a list and before every deletion: from the index.
pub(super) const ON_CONVERSATIONS_OF: &str =
    "SELECT h.id FROM legal_holds h JOIN conversations c ON c.id = h.target
     WHERE h.lifted IS NULL AND h.scope = 'conversation' AND c.data_subject = $1
     ORDER BY h.id LIMIT 1";
/// One look-up for each kind: alternatives in one condition would read every hold.
pub(super) const OVER: &str = "SELECT id FROM legal_holds WHERE lifted IS NULL AND scope = 'tenant'
     UNION ALL
     SELECT id FROM legal_holds WHERE lifted IS NULL AND scope = 'conversation' AND target = $1
     UNION ALL
     SELECT id FROM legal_holds WHERE lifted IS NULL AND scope = 'data-subject' AND target = $2
     LIMIT 1";
pub(super) const ON_PERSON: &str = "SELECT id FROM legal_holds WHERE lifted IS NULL
     AND scope IN ('data-subject', 'member') AND target = $1 ORDER BY id LIMIT 1";
pub(super) const ON_TENANT: &str =
    "SELECT id FROM legal_holds WHERE lifted IS NULL AND scope = 'tenant' ORDER BY id LIMIT 1";

/// A hold that keeps a person's key, a customer's or a member's, from being destroyed: one on the
/// person, on the tenant, or on a conversation that nobody could read any more without the key.
pub fn subject(tx: &impl Sql, key: KeyId) -> Result<Option<HoldId>, StoreError> {
    if let Some(hold) = over_person(tx, key)? {
        return Ok(Some(hold));
    }
    tx.query_one(ON_CONVERSATIONS_OF, args![key], |row| row.get(0))
}

/// A hold that keeps a conversation with its messages: one on it, on its person or on the tenant.
pub fn conversation(tx: &impl Sql, id: ConversationId) -> Result<Option<HoldId>, StoreError> {
    let sql = "SELECT data_subject FROM conversations WHERE id = $1";
    let person = tx.query_one(sql, args![id], |row| row.get::<Option<KeyId>>(0))?;
    over(tx, id, person.flatten())
}

/// The same for a conversation whose person is known already, in one look: for lists.
pub fn over(
    tx: &impl Sql,
    id: ConversationId,
    person: Option<KeyId>,
) -> Result<Option<HoldId>, StoreError> {
    tx.query_one(OVER, args![id, person], |row| row.get(0))
}

/// A hold on the tenant as a whole: it covers everything that the tenant keeps.
pub fn tenant(tx: &impl Sql) -> Result<Option<HoldId>, StoreError> {
    tx.query_one(ON_TENANT, &[], |row| row.get(0))
}

/// Any hold at all. It stops what takes away more than can be told apart: destroying the tenant,
/// and removing entries of its log, in which what happened to anything held may stand.
pub fn any(tx: &impl Sql) -> Result<Option<HoldId>, StoreError> {
    tx.query_one(&format!("{FIRST} ORDER BY id LIMIT 1"), &[], |row| row.get(0))
}

/// Whether [`subject`] finds one.
pub fn is_held_subject(tx: &impl Sql, key: KeyId) -> Result<bool, StoreError> {
    Ok(subject(tx, key)?.is_some())
}

/// Whether [`conversation`] finds one.
pub fn is_held_conversation(tx: &impl Sql, id: ConversationId) -> Result<bool, StoreError> {
    Ok(conversation(tx, id)?.is_some())
}

/// Whether [`any`] finds one: a tenant that has something held is not destroyed.
pub fn is_held_tenant(tx: &impl Sql) -> Result<bool, StoreError> {
    Ok(any(tx)?.is_some())
}

fn over_person(tx: &impl Sql, key: KeyId) -> Result<Option<HoldId>, StoreError> {
    match tx.query_one(ON_PERSON, args![key], |row| row.get(0))? {
        Some(hold) => Ok(Some(hold)),
        None => tenant(tx),
    }
}
