//! What other domains ask about conversations and persons inside a transaction of their own.

use super::subjects_repo;
use super::{ConversationError, DataSubject, open, repo, subjects};
use crate::kernel::id::{ConversationId, KeyId};
use crate::tenants::RealmTx;

/// Whether there is such a conversation.
pub fn exists(tx: &impl RealmTx, id: ConversationId) -> Result<bool, ConversationError> {
    Ok(repo::find(tx, id)?.is_some())
}

/// A conversation's subject line; nothing when it is gone or its person was erased.
pub fn subject_line(
    tx: &impl RealmTx,
    id: ConversationId,
) -> Result<Option<String>, ConversationError> {
    match repo::find(tx, id)? {
        Some(stored) => Ok(open::subject(tx, &stored)?),
        None => Ok(None),
    }
}

/// Who a key belongs to; all that is known of them is empty once they were erased.
pub fn person(tx: &impl RealmTx, key: KeyId) -> Result<Option<DataSubject>, ConversationError> {
    let found = subjects_repo::find(tx, key)?;
    Ok(found.map(|found| open::data_subject(tx, &found)).transpose()?)
}

/// The key of the person whom the application knows by this reference.
pub fn person_by_reference(
    tx: &impl RealmTx,
    reference: &str,
) -> Result<Option<KeyId>, ConversationError> {
    let hash = subjects::reference_hash(tx, reference)?;
    Ok(subjects_repo::by_reference(tx, &hash)?.map(|found| found.key))
}
