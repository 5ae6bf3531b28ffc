//! A conversation as a person reads it: what it is and its latest messages, in one disclosure.

use super::read::{PAGE_BYTES, access};
use super::{Conversation, ConversationError, Message, PageRequest, check, cursor, open, repo};
use crate::authz::Grant;
use crate::authz::permission::MessageRead;
use crate::kernel::id::ConversationId;
use crate::tenants::{Disclosed, Tenants};

/// A stretch of a conversation.
#[derive(Clone, Debug)]
pub struct Transcript {
    pub conversation: Conversation,
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Cursor of the messages before these, when there are any.
    pub earlier: Option<String>,
    /// Cursor of the messages after these, when there are any.
    pub later: Option<String>,
}

/// The last messages, or those that a cursor of another transcript leads to; recorded once.
pub async fn transcript(
    tenants: &Tenants,
    grant: &Grant<MessageRead>,
    id: ConversationId,
    page: PageRequest,
) -> Result<Disclosed<Transcript>, ConversationError> {
    let limit = check::limit(page.limit)?;
    let from = page.cursor.as_deref().map(cursor::message).transpose()?;
    tenants
        .disclose(grant, move |tx| {
            let stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            // Messages keep their numbers when retention removes others.
            let (count, step) = (stored.messages, limit as u64);
            let gone = match stored.expired {
                0 => 0,
                _ => repo::first_message(tx, id)?.map_or(count, |first| first - 1),
            };
            let conversation = open::conversation(tx, stored)?;
            let after = from.unwrap_or(count.saturating_sub(step)).min(count);
            let messages = open::messages(tx, repo::messages(tx, id, after, limit, PAGE_BYTES)?)?;
            let last = messages.last().map_or(count, |message| message.seq);
            let earlier = (after > gone).then(|| cursor::at_message(after.saturating_sub(step)));
            let later = (last < count).then(|| cursor::at_message(last));
            let mut event = access(id, &messages);
            event.custom_fields.insert("withMetadata".into(), true.into());
            Ok((Transcript { conversation, messages, earlier, later }, event))
        })
        .await
}
