//! `/api/v1/audit/{tenant}/…`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::audit::catalogue;
use crate::audit::index::Cursor;
use crate::audit::posted::PostedEvent;
use crate::audit::verify::Verification;
use crate::audit::view::{EntryView, OnRavenView};
use crate::authz::permission::{AuditIngest, AuditRead, AuditVerify};
use crate::http::call::Call;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, BodyLimit, Method, Route};
use crate::kernel::{Timestamp, limits};
use crate::trail::{self, Appended, Entry, PastLogView, SearchRequest, TrailError};

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(
            Method::Post,
            "/api/v1/audit/{tenant}/events",
            Audit::Nothing("the events that are posted are the entries; each names the key"),
            ingest,
        )
        .says("Append one event or an array of up to 10,000; all are durable when it answers")
        .parameters(&[(
            "partial",
            "true: append the good events of an array and list the others in \"refused\"",
        )])
        .rate(RateClass::Ingest)
        .body(BodyLimit::Bytes(limits::INGEST_BODY_BYTES))
        .takes::<OneOrMany>()
        .gives::<Appended>(201),
        Route::api(
            Method::Get,
            "/api/v1/audit/{tenant}/events",
            Audit::Events(&[catalogue::AUDIT_VIEWED, catalogue::AUDIT_SEARCHED]),
            search,
        )
        .says("Search the log, newest first")
        .parameters(&[
            ("q", "a search, for example action:login.failed -actor:alice after:-7d"),
            ("from", "entries from this time on (RFC 3339)"),
            ("to", "entries before this time (RFC 3339)"),
            ("limit", "1 to 1000, 50 when absent"),
            ("cursor", "nextCursor of the page before"),
            ("format", "onraven for OnRaven's shape"),
        ])
        .gives::<Events>(200),
        Route::api(
            Method::Get,
            "/api/v1/audit/{tenant}/events/{seq}",
            Audit::Events(&[catalogue::AUDIT_VIEWED]),
            entry,
        )
        .says("One entry with the leaf that chains it")
        .gives::<Entry>(200),
        Route::api(
            Method::Post,
            "/api/v1/audit/{tenant}/verify",
            Audit::Events(&[catalogue::AUDIT_VERIFIED]),
            verify,
        )
        .says("Check every entry, link and tile of the log")
        .gives::<Verification>(200),
        Route::api(
            Method::Get,
            "/api/v1/audit/{tenant}/past-logs",
            Audit::Nothing("sizes, hashes and times of logs, no entry of theirs"),
            past_logs,
        )
        .says("The logs from before restores that this one follows, the latest first")
        .gives::<PastLogs>(200),
    ]
}

#[derive(Serialize, JsonSchema)]
struct PastLogs {
    items: Vec<PastLogView>,
}

/// One event or an array of them.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body for the API's documentation")]
enum OneOrMany {
    One(Box<PostedEvent>),
    Many(Vec<PostedEvent>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IngestQuery {
    #[serde(default)]
    partial: bool,
}

async fn ingest(call: Call<AuditIngest>) -> Answer {
    let (query, key) = (call.input.query::<IngestQuery>()?, call.input.idempotency_key()?);
    let (tenants, grant, body) = (&call.app.tenants, &call.grant, call.input.body);
    reply::created(&match query.partial {
        false => trail::ingest(tenants, grant, &call.tenant, body, key).await?,
        true => trail::ingest_partial(tenants, grant, &call.tenant, body, key).await?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    #[serde(default)]
    q: String,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    format: Option<Format>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Format {
    Onraven,
}

/// A page of entries, newest first.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Events {
    items: Vec<Item>,
    next_cursor: Option<String>,
    /// Present when the search index had not caught up with the log: nothing newer was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed_through: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Item {
    Entry(Box<EntryView>),
    OnRaven(Box<OnRavenView>),
}

async fn search(call: Call<AuditRead>) -> Answer {
    let query: SearchQuery = call.input.query()?;
    let below = query.cursor.map(|cursor| cursor.parse().map_err(|_| TrailError::Cursor));
    let request = SearchRequest {
        q: query.q,
        from: query.from.map(|time| read_time(&time)).transpose()?,
        to: query.to.map(|time| read_time(&time)).transpose()?,
        limit: query.limit,
        cursor: below.transpose()?.map_or_else(Cursor::default, Cursor::Below),
        summary: None,
    };
    let page = trail::search(&call.app.tenants, &call.grant, request).await?.value;
    let onraven = query.format == Some(Format::Onraven);
    let item = |entry: EntryView| match onraven {
        true => Item::OnRaven(Box::new(entry.onraven(call.tenant.id))),
        false => Item::Entry(Box::new(entry)),
    };
    reply::ok(&Events {
        items: page.items.into_iter().map(item).collect(),
        next_cursor: page.next.map(|seq| seq.to_string()),
        indexed_through: page.indexed_through,
    })
}

pub(super) fn read_time(text: &str) -> Result<Timestamp, TrailError> {
    // A "+" of an offset that was not encoded arrives as a blank.
    Timestamp::parse(&text.replace(' ', "+")).ok_or(TrailError::Time)
}

async fn entry(call: Call<AuditRead>) -> Answer {
    let seq = call.input.id("seq")?;
    reply::ok(&trail::entry(&call.app.tenants, &call.grant, seq).await?.value)
}

async fn verify(call: Call<AuditVerify>) -> Answer {
    reply::ok(&trail::verify(&call.app.tenants, &call.grant).await?)
}

async fn past_logs(call: Call<AuditVerify>) -> Answer {
    reply::ok(&PastLogs { items: trail::past_logs(&call.app.tenants, &call.grant).await? })
}
