//! Conversations with everything that was said, a stretch at a time, for whoever takes all of it.

use serde::Serialize;

use super::read::PAGE_BYTES;
use super::{Conversation, ConversationError, Message, open, repo};
use crate::kernel::id::ConversationId;
use crate::tenants::RealmTx;

/// Messages opened at a time.
const BATCH: usize = 1000;

/// A stretch of a conversation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    pub conversation: Conversation,
    /// Oldest first; the next stretch goes on after the last of them.
    pub messages: Vec<Message>,
}

/// Where to go on: before this conversation, or after this message of it.
#[derive(Clone, Copy, Default)]
pub struct At {
    conversation: Option<ConversationId>,
    message: u64,
}

impl At {
    /// In the middle of a conversation.
    pub fn is_within(&self) -> bool {
        self.message > 0
    }
}

/// The next stretch, newest conversations first, and where to go on; nothing at the end. Who calls
/// it has recorded that everything is read.
pub fn next(tx: &impl RealmTx, at: At) -> Result<Option<(Stretch, At)>, ConversationError> {
    let stored = match at {
        At { conversation: Some(id), message: 1.. } => repo::find(tx, id)?,
        At { conversation, .. } => {
            repo::page(tx, repo::Wanted::default(), conversation, 1)?.into_iter().next()
        }
    };
    let Some(stored) = stored else { return Ok(None) };
    let id = stored.id;
    let found = repo::messages(tx, id, at.message, BATCH, PAGE_BYTES)?;
    let last = found.last().map(|message| message.seq);
    let more = match last {
        Some(seq) => !repo::messages(tx, id, seq, 1, 1)?.is_empty(),
        None => false,
    };
    let stretch = Stretch {
        conversation: open::conversation(tx, stored)?,
        messages: open::messages(tx, found)?,
    };
    let message = if more { last.unwrap_or_default() } else { 0 };
    Ok(Some((stretch, At { conversation: Some(id), message })))
}
