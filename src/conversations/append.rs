//! Adding messages.

use super::repo::{self, StoredMessage};
use super::{
    Appended, AppendedMessages, ConversationError, ConversationState, NewMessage, NewMessages,
    check, events, open,
};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::MessageAppend;
use crate::crypto::Field;
use crate::kernel::id::{ConversationId, KeyId, MessageId};
use crate::kernel::limits;
use crate::tenants::{IdempotencyKey, Tenants, WriteTx, Written};

/// Adds messages at the end of an open conversation, all or none.
pub async fn append_messages(
    tenants: &Tenants,
    grant: &Grant<MessageAppend>,
    id: ConversationId,
    messages: NewMessages,
    key: Option<IdempotencyKey>,
) -> Result<Written<AppendedMessages>, ConversationError> {
    let messages = checked(messages)?;
    tenants
        .write_once(grant, key, move |tx| {
            let mut stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            if stored.state == ConversationState::Closed {
                return Err(ConversationError::Closed);
            }
            let first = stored.messages + 1;
            let mut items = Vec::with_capacity(messages.len());
            for (seq, new) in (first..).zip(&messages) {
                let message = sealed(tx, stored.subject_key, seq, new)?;
                repo::insert_message(tx, id, &message)?;
                items.push(Appended { id: message.id, seq });
            }
            stored.messages += items.len() as u64;
            stored.updated = tx.runtime().now();
            repo::update(tx, &stored)?;
            let mut event = events::about(catalogue::MESSAGE_APPENDED, id);
            event.custom_fields.insert("messageCount".into(), items.len().into());
            event.custom_fields.insert("firstSeq".into(), first.into());
            event.custom_fields.insert("lastSeq".into(), stored.messages.into());
            Ok((AppendedMessages { items }, event.into()))
        })
        .await
}

fn checked(messages: NewMessages) -> Result<Vec<NewMessage>, ConversationError> {
    let messages = match messages {
        NewMessages::One(message) => {
            check::message(&message)?;
            return Ok(vec![*message]);
        }
        NewMessages::Many(messages) => messages,
    };
    let most = limits::MESSAGES_PER_CALL;
    if messages.is_empty() || messages.len() > most {
        let problem = format!("the array has {} messages: send 1 to {most}", messages.len());
        return Err(ConversationError::invalid("messages", problem));
    }
    for (index, message) in messages.iter().enumerate() {
        check::message(message).map_err(|error| error.at(index))?;
    }
    Ok(messages)
}

fn sealed<P>(
    tx: &WriteTx<'_, P>,
    subject_key: Option<KeyId>,
    seq: u64,
    new: &NewMessage,
) -> Result<StoredMessage, ConversationError> {
    let id: MessageId = tx.runtime().id();
    let now = tx.runtime().now();
    let body = new.body.as_bytes();
    Ok(StoredMessage {
        id,
        seq,
        author_type: new.author.kind,
        author: open::seal_author(tx, id.bytes(), subject_key, &new.author)?,
        body: open::seal(tx, Field::MessageBody, id.bytes(), subject_key, body)?,
        sent: new.sent_at.unwrap_or(now),
        created: now,
    })
}
