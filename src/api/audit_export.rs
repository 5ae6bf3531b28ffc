//! `/api/v1/audit/{tenant}/export…`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{approvals, audit, reply};
use crate::audit::catalogue;
use crate::authz::permission::AuditExport;
use crate::http::attachment;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::kernel::id::{ExportId, LogId};
use crate::trail::export::{self, Export, ExportError, ExportFormat, ExportRequest, ExportState};

pub fn routes() -> Vec<Route> {
    let one = "/api/v1/audit/{tenant}/exports/{id}";
    let states = Audit::Nothing("says how exports are getting on, and shows no entry");
    vec![
        Route::api(
            Method::Get,
            "/api/v1/audit/{tenant}/export",
            Audit::Events(&[catalogue::AUDIT_EXPORTED]),
            at_once,
        )
        .says("Export up to 10,000 entries at once, oldest first")
        .sensitive()
        .parameters(&[
            ("format", "jsonl, csv, cef, ocsf or bundle"),
            ("q", "a search; everything when absent"),
            ("from", "entries from this time on (RFC 3339)"),
            ("to", "entries before this time (RFC 3339)"),
            ("log", "a log from before a restore, instead of the one in use; without q"),
        ]),
        Route::api(
            Method::Post,
            "/api/v1/audit/{tenant}/exports",
            Audit::Events(&[catalogue::AUDIT_EXPORT_REQUESTED, catalogue::AUDIT_EXPORTED]),
            start,
        )
        .says("Ask for an export of any size, which is written to a file")
        .sensitive()
        .takes::<NewExport>()
        .gives::<ExportView>(202),
        Route::api(Method::Get, "/api/v1/audit/{tenant}/exports", states, list)
            .says("The latest hundred exports, newest first")
            .gives::<Exports>(200),
        Route::api(Method::Get, one, states, find)
            .says("One export: state, progress and until when it can be fetched")
            .gives::<ExportView>(200),
        Route::api(
            Method::Get,
            "/api/v1/audit/{tenant}/exports/{id}/download",
            Audit::Events(&[catalogue::AUDIT_EXPORT_DOWNLOADED]),
            download,
        )
        .says("Fetch an export that is ready")
        .sensitive(),
        Route::api(
            Method::Delete,
            one,
            Audit::Events(&[catalogue::AUDIT_EXPORT_CANCELLED]),
            cancel,
        )
        .says("Cancel an export, or throw away one that is ready")
        .gives_nothing(),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    format: String,
    #[serde(default)]
    q: String,
    from: Option<String>,
    to: Option<String>,
    log: Option<String>,
}

/// What to export.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewExport {
    format: ExportFormat,
    /// A search; everything when absent.
    #[serde(default)]
    q: String,
    /// Entries from this time on.
    from: Option<Timestamp>,
    /// Entries before this time.
    to: Option<Timestamp>,
    /// A log from before a restore, instead of the one in use; without a search.
    log: Option<LogId>,
    /// Asks a second person, where the whole log takes one.
    reason: Option<String>,
}

/// A large export.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportView {
    id: ExportId,
    state: ExportState,
    format: ExportFormat,
    q: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// The log from before a restore that it is of; null for the one in use.
    log: Option<LogId>,
    requested_by: Requester,
    created_at: Timestamp,
    finished_at: Option<Timestamp>,
    /// Until when it can be fetched.
    expires_at: Option<Timestamp>,
    /// Entries written so far.
    done: u64,
    /// Entries that it has; null until they have been counted.
    total: Option<u64>,
    /// Length of the file; 0 until it is ready.
    bytes: u64,
    /// Why it failed.
    problem: Option<String>,
}

/// Who asked, as entries name them.
#[derive(Serialize, JsonSchema)]
struct Requester {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize, JsonSchema)]
struct Exports {
    items: Vec<ExportView>,
}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        let (kind, id) = export.requester;
        Self {
            id: export.id,
            state: export.state,
            format: export.request.format,
            q: export.request.q,
            from: export.request.from,
            to: export.request.to,
            log: export.request.log,
            requested_by: Requester { id, kind },
            created_at: export.created,
            finished_at: export.finished,
            expires_at: export.expires,
            done: export.done,
            total: export.total,
            bytes: export.bytes,
            problem: export.problem,
        }
    }
}

async fn at_once(call: Call<AuditExport>) -> Answer {
    let query: Query = call.input.query()?;
    let time = |text: Option<String>| text.map(|text| audit::read_time(&text)).transpose();
    let request = ExportRequest {
        format: query.format.parse().map_err(ExportError::from)?,
        q: query.q,
        from: time(query.from)?,
        to: time(query.to)?,
        log: query.log.map(|log| log.parse()).transpose().map_err(|_| ExportError::NoLog)?,
    };
    let (format, now) = (request.format, call.app.runtime.now());
    let room = attachment::room(&call.app, call.grant.realm())?;
    let reading = export::export_small(&call.app.tenants, &call.grant, request).await?;
    let name = attachment::file_name(call.tenant.slug.as_str(), now, format.extension());
    attachment::send(room, &name, format.content_type(), reading).await
}

async fn start(call: Call<AuditExport>) -> Answer {
    let NewExport { format, q, from, to, log, reason } = call.input.json()?;
    let request = ExportRequest { format, q, from, to, log };
    let app = &call.app;
    match export::start(&app.exports, &app.tenants, &call.grant, request).await {
        Ok(export) => reply::accepted(&ExportView::from(export)),
        Err(ExportError::Approval(error)) => {
            approvals::answer(&call, *error, reason.as_deref()).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn list(call: Call<AuditExport>) -> Answer {
    let found = export::list(&call.app.exports, &call.app.tenants, &call.grant).await?;
    reply::ok(&Exports { items: found.into_iter().map(ExportView::from).collect() })
}

async fn find(call: Call<AuditExport>) -> Answer {
    let id = id(&call)?;
    let found = export::find(&call.app.exports, &call.app.tenants, &call.grant, id).await?;
    reply::ok(&ExportView::from(found))
}

async fn download(call: Call<AuditExport>) -> Answer {
    let (id, app) = (id(&call)?, &call.app);
    let room = attachment::room(app, call.grant.realm())?;
    let download = export::download(&app.exports, &app.tenants, &call.grant, id).await?;
    let (format, created) = (download.export.request.format, download.export.created);
    let name = attachment::file_name(call.tenant.slug.as_str(), created, format.extension());
    attachment::send(room, &name, format.content_type(), download).await
}

async fn cancel(call: Call<AuditExport>) -> Answer {
    let id = id(&call)?;
    export::cancel(&call.app.exports, &call.app.tenants, &call.grant, id).await?;
    reply::nothing()
}

fn id(call: &Call<AuditExport>) -> Result<ExportId, Failure> {
    call.input.id("id").map_err(|_| ExportError::NotFound.into())
}
