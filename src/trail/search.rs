//! Searching a log, one page at a time.

use std::time::Duration;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::index::{self, Cursor, Summary, SummaryRequest};
use crate::audit::query::{self, Condition, Query};
use crate::audit::read::{self, Opener};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{AuditRead, PlatformAuditRead};
use crate::authz::{Grant, Permission};
use crate::kernel::{Timestamp, limits};
use crate::tenants::{Disclosed, ReadTx, Tenants};

/// How long a search waits for the index before it answers with what there is.
pub(super) const CATCH_UP: Duration = Duration::from_secs(1);
/// How long it may then look for a page, before somebody has to narrow it.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    /// In the query language.
    pub q: String,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
    pub limit: Option<usize>,
    /// Newest first from the newest on, unless it says otherwise.
    pub cursor: Cursor,
    /// Counts what was found, too.
    pub summary: Option<SummaryRequest>,
}

#[derive(Debug)]
pub struct Page {
    pub items: Vec<EntryView>,
    /// The number for the cursor of the next page; none on the last.
    pub next: Option<u64>,
    /// Set when the index had not caught up with the log: nothing newer was looked at.
    pub indexed_through: Option<u64>,
    /// Entries in the log when it was looked at.
    pub size: u64,
    /// Of the whole search, not only of this page.
    pub summary: Option<Summary>,
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
    let disclosed = tenants
        .disclose(grant, move |tx| {
            let page = page(tx, &query, &request, limit)?;
            let event = searched(&request, page.items.len());
            Ok((page, event))
        })
        .await;
    tenants.note_lost_index(grant.realm()).await?;
    disclosed
}

fn page(
    tx: &ReadTx<'_>,
    query: &Query,
    request: &SearchRequest,
    limit: usize,
) -> Result<Page, TrailError> {
    let size = read::size(tx)?;
    let simple = query.root.is_none() && request.summary.is_none();
    let through = if simple { size } else { tx.catch_up_index(CATCH_UP)?.min(size) };
    let found = match query.root.is_none() {
        true => index::in_order(tx, request.cursor, limit)?, // the log itself answers
        false => tx.search_index(query, request.cursor, limit, through, PATIENCE)?,
    };
    let items = read::entries(tx, &mut Opener::new(tx, tx.shared_keys())?, &found.seqs)?;
    let next = found.seqs.last().copied().filter(|_| found.more);
    let indexed_through = (through < size).then_some(through);
    let summary = match request.summary {
        Some(request) => Some(tx.summarize_index(query, request, through)?),
        None => None,
    };
    Ok(Page { items, next, indexed_through, size, summary })
}

fn searched(request: &SearchRequest, found: usize) -> Event {
    let action =
        if request.q.is_empty() { catalogue::AUDIT_VIEWED } else { catalogue::AUDIT_SEARCHED };
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("audit_log", "entries"));
    if !request.q.is_empty() {
        event.custom_fields.insert("q".into(), request.q.as_str().into());
    }
    let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
    for (name, time) in [("from", request.from), ("to", request.to)] {
        if let Some(time) = time {
            say(name, time.to_string().into());
        }
    }
    match request.cursor {
        Cursor::Below(u64::MAX) => {}
        Cursor::Below(seq) => drop(say("below", seq.into())),
        Cursor::Above(seq) => drop(say("above", seq.into())),
    }
    say("entries", found.into());
    event
}
