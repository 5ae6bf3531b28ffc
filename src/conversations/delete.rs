//! Deleting a conversation for good.

use super::{ConversationError, events, repo};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::ConversationDelete;
use crate::kernel::id::ConversationId;
use crate::retention::holds::{self, Held};
use crate::tenants::{Tenants, Written};

/// Deletes a conversation with its messages; answers how many messages went with it. The person
/// stays known.
///
/// # Errors
/// [`ConversationError::Held`] while a legal hold covers it.
pub async fn delete(
    tenants: &Tenants,
    grant: &Grant<ConversationDelete>,
    id: ConversationId,
) -> Result<Written<u64>, ConversationError> {
    tenants
        .write(grant, move |tx| {
            let stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            if let Some(hold) = holds::conversation(tx, id)? {
                return Err(Held(hold).into());
            }
            repo::delete(tx, id)?;
            let mut event = events::about(catalogue::CONVERSATION_DELETED, id);
            event.custom_fields.insert("messageCount".into(), stored.present().into());
            Ok((stored.present(), event.into()))
        })
        .await
}
