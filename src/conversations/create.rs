//! Starting a conversation.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::repo::{self, Stored};
use super::{
    Conversation, ConversationError, ConversationState, NewConversation, check, events, open,
    subjects,
};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::ConversationCreate;
use crate::crypto::{CryptoError, Field};
use crate::kernel::id::{ConversationId, KeyId};
use crate::tenants::{IdempotencyKey, Tenants, WriteTx, Written};

const DEFAULT_CHANNEL: &str = "api";

/// Starts a conversation. A call repeated with its idempotency key gets the same conversation, as
/// it is by then.
///
/// # Errors
/// [`ConversationError::NotFound`] for a repeated call after the conversation was deleted.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<ConversationCreate>,
    new: NewConversation,
    key: Option<IdempotencyKey>,
) -> Result<Written<Conversation>, ConversationError> {
    validate(&new)?;
    let spare = spare_key(tenants, grant, &new).await?;
    let written = tenants
        .write_once(grant, key, move |tx| {
            let (person, changes) = match &new.data_subject {
                Some(person) => {
                    let (key, changes) = subjects::resolve(tx, person, spare)?;
                    (Some(key), changes)
                }
                None => (None, BTreeMap::new()),
            };
            let stored = sealed(tx, &new, person)?;
            repo::insert(tx, &stored)?;
            let mut event = events::about(catalogue::CONVERSATION_CREATED, stored.id);
            event.changes = changes;
            event.custom_fields.insert("channel".into(), stored.channel.as_str().into());
            event.custom_fields.insert("hasDataSubject".into(), person.is_some().into());
            Ok::<_, ConversationError>((stored.id, event.into()))
        })
        .await?;
    // Read back instead of kept with the idempotency key: erasing a person leaves no copy there.
    let id = written.value;
    let value = tenants.read(grant, move |tx| {
        let stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
        open::conversation(tx, stored)
    });
    let Written { first_entry, last_entry, .. } = written;
    Ok(Written { value: value.await?, first_entry, last_entry })
}

fn validate(new: &NewConversation) -> Result<(), ConversationError> {
    check::subject(&new.subject)?;
    new.channel.as_deref().map_or(Ok(()), check::channel)?;
    new.data_subject.as_ref().map_or(Ok(()), check::data_subject)?;
    check::tags(&new.tags)?;
    check::custom_fields(&new.custom_fields)
}

/// A key for a person who has none yet. A key must be durable before data names it, and one that
/// nothing comes to name does no harm.
async fn spare_key(
    tenants: &Tenants,
    grant: &Grant<ConversationCreate>,
    new: &NewConversation,
) -> Result<Option<KeyId>, ConversationError> {
    let Some(person) = &new.data_subject else { return Ok(None) };
    let reference = person.id.clone();
    let known = tenants.read(grant, move |tx| subjects::living_key(tx, &reference)).await?;
    match known {
        Some(_) => Ok(None),
        None => Ok(Some(tenants.new_subject(grant.realm()).await?)),
    }
}

fn sealed<P>(
    tx: &WriteTx<'_, P>,
    new: &NewConversation,
    subject_key: Option<KeyId>,
) -> Result<Stored, ConversationError> {
    let id: ConversationId = tx.runtime().id();
    let now = tx.runtime().now();
    let subject = new.subject.as_bytes();
    let channel = new.channel.as_deref().unwrap_or(DEFAULT_CHANNEL).to_owned();
    Ok(Stored {
        id,
        subject_key,
        subject: open::seal(tx, Field::ConversationSubject, id.bytes(), subject_key, subject)?,
        custom_fields: seal_custom_fields(tx, id, subject_key, &new.custom_fields)?,
        channel,
        tags: distinct(new.tags.clone()),
        state: ConversationState::Open,
        messages: 0,
        expired: 0,
        created: now,
        updated: now,
        closed: None,
    })
}

/// Nothing for no fields.
pub(super) fn seal_custom_fields<P>(
    tx: &WriteTx<'_, P>,
    id: ConversationId,
    subject_key: Option<KeyId>,
    fields: &Map<String, Value>,
) -> Result<Option<Vec<u8>>, ConversationError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_vec(fields).map_err(|_| CryptoError::Unreadable)?;
    open::seal(tx, Field::ConversationCustom, id.bytes(), subject_key, &json).map(Some)
}

/// Each tag once, in the order given.
pub(super) fn distinct(tags: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect()
}
