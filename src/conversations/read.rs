//! Reading what was said.

use super::{
    ConversationError, Message, MessagePage, PageRequest, check, cursor, events, open, repo,
};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::MessageRead;
use crate::kernel::id::ConversationId;
use crate::tenants::{Disclosed, Tenants};

/// Text in one page of messages, beyond which it ends early: a page has to fit into memory.
pub(super) const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A page of messages, oldest first; the reading is recorded with the number of messages.
pub async fn read_messages(
    tenants: &Tenants,
    grant: &Grant<MessageRead>,
    id: ConversationId,
    page: PageRequest,
) -> Result<Disclosed<MessagePage>, ConversationError> {
    let limit = check::limit(page.limit)?;
    let after = page.cursor.as_deref().map(cursor::message).transpose()?.unwrap_or(0);
    tenants
        .disclose(grant, move |tx| {
            let stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            let found = repo::messages(tx, id, after, limit, PAGE_BYTES)?;
            let items = open::messages(tx, found)?;
            // Those behind an empty page were removed by retention.
            let last = items.last().map_or(stored.messages, |message| message.seq);
            let next_cursor = (last < stored.messages).then(|| cursor::at_message(last));
            let event = access(id, &items);
            Ok((MessagePage { items, next_cursor }, event))
        })
        .await
}

/// The entry that records a reading.
pub(super) fn access(id: ConversationId, messages: &[Message]) -> Event {
    let mut event = events::about(catalogue::MESSAGE_ACCESS, id);
    event.custom_fields.insert("messageCount".into(), messages.len().into());
    if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
        event.custom_fields.insert("firstSeq".into(), first.seq.into());
        event.custom_fields.insert("lastSeq".into(), last.seq.into());
    }
    event
}
