//! Searching a log, newest first.

use std::time::Duration;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::index::Found;
use crate::audit::query::{self, Condition};
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditRead, PlatformAuditRead};
use crate::authz::{Grant, Permission};
use crate::kernel::{Timestamp, limits};
use crate::tenants::{Disclosed, Tenants};

/// How long a search waits for the index before it answers with what there is.
const CATCH_UP: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    /// In the language of [`crate::audit::query`].
    pub q: String,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
    pub limit: Option<usize>,
    /// Entries below this number.
    pub below: Option<u64>,
}

#[derive(Debug)]
pub struct Page {
    pub items: Vec<EntryView>,
    /// Where the next page begins; none on the last.
    pub next: Option<u64>,
    /// Set when the index had not caught up with the log: nothing newer was looked at.
    pub indexed_through: Option<u64>,
    /// Entries in the log when it was looked at.
    pub size: u64,
}

/// One page of a tenant's log. Looking is an entry itself.
pub async fn search(
    tenants: &Tenants,
    grant: &Grant<AuditRead>,
    request: SearchRequest,
) -> Result<Disclosed<Page>, TrailError> {
    run(tenants, grant, request).await
}

/// The same in the platform's own log.
pub async fn search_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditRead>,
    request: SearchRequest,
) -> Result<Disclosed<Page>, TrailError> {
    run(tenants, grant, request).await
}

async fn run<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    request: SearchRequest,
) -> Result<Disclosed<Page>, TrailError> {
    let limit = request.limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT);
    if !(1..=limits::PAGE_ITEMS).contains(&limit) {
        return Err(TrailError::Limit);
    }
    let mut query = query::parse(&request.q, tenants.runtime().now())?;
    if request.from.is_some() || request.to.is_some() {
        query = query.and(Condition::Time { from: request.from, to: request.to });
    }
    tenants
        .disclose(grant, move |tx| {
            let size = read::size(tx)?;
            let found = match query.root.is_none() {
                true => newest(size, request.below, limit),
                false => {
                    let through = tx.catch_up_index(CATCH_UP)?;
                    tx.search_index(&query, request.below, limit, through)?
                }
            };
            let through = found.indexed_through;
            let items = read::entries(tx, &mut Opener::new(tx, tx.shared_keys())?, &found.seqs)?;
            let next = found.seqs.last().copied().filter(|_| found.more);
            let indexed_through = (through < size).then_some(through);
            let event = searched(&request, items.len());
            Ok((Page { items, next, indexed_through, size }, event))
        })
        .await
}

/// Everything, in order: the log itself answers.
fn newest(size: u64, below: Option<u64>, limit: usize) -> Found {
    let last = below.map_or(size, |below| size.min(below.saturating_sub(1)));
    let first = last.saturating_sub(limit as u64);
    Found { seqs: (first + 1..=last).rev().collect(), more: first > 0, indexed_through: size }
}

fn searched(request: &SearchRequest, found: usize) -> Event {
    let action =
        if request.q.is_empty() { catalogue::AUDIT_VIEWED } else { catalogue::AUDIT_SEARCHED };
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("audit_log", "entries"));
    if !request.q.is_empty() {
        event.custom_fields.insert("q".into(), request.q.as_str().into());
    }
    event.custom_fields.insert("entries".into(), found.into());
    event
}
