//! Changing a conversation's subject line, tags and custom fields.

use super::create::{distinct, seal_custom_fields};
use super::{Conversation, ConversationChanges, ConversationError, check, events, open, repo};
use crate::audit::catalogue;
use crate::audit::event::Change;
use crate::authz::Grant;
use crate::authz::permission::ConversationUpdate;
use crate::crypto::Field;
use crate::kernel::id::ConversationId;
use crate::tenants::{AuditEvents, Tenants, Written};

/// Changes what is given; the log gets the tags, and of sealed values that they changed.
pub async fn update(
    tenants: &Tenants,
    grant: &Grant<ConversationUpdate>,
    id: ConversationId,
    changes: ConversationChanges,
) -> Result<Written<Conversation>, ConversationError> {
    changes.subject.as_deref().map_or(Ok(()), check::subject)?;
    changes.tags.as_deref().map_or(Ok(()), check::tags)?;
    changes.custom_fields.as_ref().map_or(Ok(()), check::custom_fields)?;
    tenants
        .write(grant, move |tx| {
            let mut stored = repo::find(tx, id)?.ok_or(ConversationError::NotFound)?;
            let before = open::conversation(tx, stored.clone())?;
            let key = stored.subject_key;
            let mut event = events::about(catalogue::CONVERSATION_UPDATED, id);
            if let Some(subject) = changes.subject.as_ref()
                && before.subject.as_ref() != Some(subject)
            {
                let field = Field::ConversationSubject;
                stored.subject = open::seal(tx, field, id.bytes(), key, subject.as_bytes())?;
                event.changes.insert("subject".into(), events::sealed_change(true, true));
            }
            if let Some(tags) = changes.tags.clone().map(distinct)
                && before.tags != tags
            {
                let change = Change {
                    old: Some(before.tags.clone().into()),
                    new: Some(tags.clone().into()),
                };
                event.changes.insert("tags".into(), change);
                stored.tags = tags;
            }
            if let Some(fields) = &changes.custom_fields
                && before.custom_fields != *fields
            {
                let (old, new) = (!before.custom_fields.is_empty(), !fields.is_empty());
                stored.custom_fields = seal_custom_fields(tx, id, key, fields)?;
                event.changes.insert("customFields".into(), events::sealed_change(old, new));
            }
            if event.changes.is_empty() {
                return Ok((before, AuditEvents::none()));
            }
            stored.updated = tx.runtime().now();
            repo::update(tx, &stored)?;
            Ok((open::conversation(tx, stored)?, event.into()))
        })
        .await
}
