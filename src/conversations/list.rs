//! Listing and searching conversations.

use serde_json::Value;

use super::repo::{self, Stored, Wanted};
use super::{
    Conversation, ConversationError, ConversationFilter, ConversationPage, PageRequest, check,
    cursor, open, subjects,
};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::ConversationRead;
use crate::kernel::id::ConversationId;
use crate::tenants::{Disclosed, ReadTx, RealmTx, Tenants};

/// Conversations that one page looks at: subjects are sealed, so a search opens one after another,
/// and this bounds for how long.
const SCAN_MOST: usize = 5_000;
/// Rows fetched at once while searching.
const SCAN_STEP: usize = 500;

/// A page of conversations, newest first; the listing is recorded.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<ConversationRead>,
    filter: ConversationFilter,
    page: PageRequest,
) -> Result<Disclosed<ConversationPage>, ConversationError> {
    let limit = check::limit(page.limit)?;
    let before = page.cursor.as_deref().map(cursor::conversation).transpose()?;
    let searched = [("dataSubject", &filter.data_subject), ("q", &filter.q), ("tag", &filter.tag)];
    for (name, text) in searched {
        text.as_deref().map_or(Ok(()), |text| check::search(name, text))?;
    }
    tenants
        .disclose(grant, move |tx| {
            let (items, next) = scan(tx, &filter, before, limit)?;
            let event = event(&filter, items.len());
            let next_cursor = next.map(cursor::after_conversation);
            Ok((ConversationPage { items, next_cursor }, event))
        })
        .await
}

/// The page, and the last conversation that was looked at when there are more.
fn scan(
    tx: &ReadTx<'_>,
    filter: &ConversationFilter,
    mut before: Option<ConversationId>,
    limit: usize,
) -> Result<(Vec<Conversation>, Option<ConversationId>), ConversationError> {
    let person = match &filter.data_subject {
        Some(text) => Some((subjects::reference_hash(tx, text)?, subjects::email_hash(tx, text)?)),
        None => None,
    };
    let person = person.as_ref().map(|(reference, email)| (reference, email));
    let wanted = Wanted { state: filter.state, person };
    let needle = filter.q.as_ref().map(|text| text.to_lowercase());
    let opens = needle.is_some() || filter.tag.is_some();
    let step = if opens { SCAN_STEP } else { limit + 1 };
    let mut items = Vec::new();
    let mut looked_at = 0;
    loop {
        let rows = repo::page(tx, wanted, before, step)?;
        let is_last = rows.len() < step;
        for row in rows {
            if items.len() == limit || looked_at == SCAN_MOST {
                return Ok((items, before));
            }
            looked_at += 1;
            before = Some(row.id);
            if matches(tx, &row, filter.tag.as_deref(), needle.as_deref())? {
                items.push(open::conversation(tx, row)?);
            }
        }
        if is_last {
            return Ok((items, None));
        }
    }
}

/// What only opening a row can tell.
fn matches(
    tx: &impl RealmTx,
    row: &Stored,
    tag: Option<&str>,
    needle: Option<&str>,
) -> Result<bool, ConversationError> {
    if tag.is_some_and(|tag| row.tags.iter().all(|own| own != tag)) {
        return Ok(false);
    }
    let Some(needle) = needle else { return Ok(true) };
    Ok(open::subject(tx, row)?.is_some_and(|subject| subject.to_lowercase().contains(needle)))
}

/// Names the filters, not what was sought: that may be somebody's name.
fn event(filter: &ConversationFilter, count: usize) -> Event {
    let is_search = filter.q.is_some() || filter.data_subject.is_some();
    let mut event = Event::new(if is_search {
        catalogue::CONVERSATION_SEARCHED
    } else {
        catalogue::CONVERSATION_LISTED
    });
    let filters = [
        ("state", filter.state.is_some()),
        ("dataSubject", filter.data_subject.is_some()),
        ("q", filter.q.is_some()),
        ("tag", filter.tag.is_some()),
    ];
    let used: Vec<Value> =
        filters.into_iter().filter(|(_, used)| *used).map(|(name, _)| name.into()).collect();
    event.custom_fields.insert("count".into(), count.into());
    event.custom_fields.insert("filters".into(), used.into());
    event
}
