//! Closing conversations and opening them again.

use super::{Conversation, ConversationError, ConversationState, events, open, repo};
use crate::audit::catalogue::{self, Action};
use crate::audit::event::Change;
use crate::authz::permission::{ConversationClose, ConversationReopen};
use crate::authz::{Grant, Writes};
use crate::kernel::id::ConversationId;
use crate::tenants::{AuditEvents, Tenants, Written};

/// Closes a conversation; one that is closed already is left as it is.
pub async fn close(
    tenants: &Tenants,
    grant: &Grant<ConversationClose>,
    id: ConversationId,
) -> Result<Written<Conversation>, ConversationError> {
    change(tenants, grant, id, ConversationState::Closed, catalogue::CONVERSATION_CLOSED).await
}

/// Opens a closed conversation again; one that is open is left as it is.
pub async fn reopen(
    tenants: &Tenants,
    grant: &Grant<ConversationReopen>,
    id: ConversationId,
) -> Result<Written<Conversation>, ConversationError> {
    change(tenants, grant, id, ConversationState::Open, catalogue::CONVERSATION_REOPENED).await
}

async fn change<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ConversationId,
    to: ConversationState,
    action: Action,
) -> Result<Written<Conversation>, ConversationError> {
    tenants
        .write(grant, move |tx| {
            let mut stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            if stored.state == to {
                return Ok((open::conversation(tx, stored)?, AuditEvents::none()));
            }
            let mut event = events::about(action, id);
            let change =
                Change { old: Some(stored.state.name().into()), new: Some(to.name().into()) };
            event.changes.insert("state".into(), change);
            let now = tx.runtime().now();
            (stored.state, stored.updated) = (to, now);
            stored.closed = (to == ConversationState::Closed).then_some(now);
            repo::update(tx, &stored)?;
            Ok((open::conversation(tx, stored)?, event.into()))
        })
        .await
}
