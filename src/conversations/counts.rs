//! How many conversations there are, for the home page.

use super::{ConversationError, ConversationState, Counts, repo};
use crate::authz::Grant;
use crate::authz::permission::ConversationRead;
use crate::tenants::Tenants;

/// Numbers alone disclose nothing about anybody, so they are not recorded.
pub async fn counts(
    tenants: &Tenants,
    grant: &Grant<ConversationRead>,
) -> Result<Counts, ConversationError> {
    tenants
        .read(grant, |tx| {
            let mut counts = Counts::default();
            for (state, conversations, messages) in repo::totals(tx)? {
                counts.messages += messages;
                match state {
                    ConversationState::Open => counts.open = conversations,
                    ConversationState::Closed => counts.closed = conversations,
                }
            }
            Ok(counts)
        })
        .await
}
