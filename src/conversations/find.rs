//! Reading what a conversation is, without what was said in it.

use super::{Conversation, ConversationError, events, open, repo};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::ConversationRead;
use crate::kernel::id::ConversationId;
use crate::tenants::{Disclosed, Tenants};

/// One conversation's metadata; the reading is recorded.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<ConversationRead>,
    id: ConversationId,
) -> Result<Disclosed<Conversation>, ConversationError> {
    tenants
        .disclose(grant, move |tx| {
            let stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            let conversation = open::conversation(tx, stored)?;
            Ok((conversation, events::about(catalogue::CONVERSATION_ACCESS, id)))
        })
        .await
}
