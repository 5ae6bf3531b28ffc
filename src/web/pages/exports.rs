//! Exports of an audit log, a tenant's and the platform's alike.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{approvals, with_notice};
use crate::app::App;
use crate::approvals::ApprovalError;
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::{AuditExport, PlatformAuditExport};
use crate::http::attachment;
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::Timestamp;
use crate::kernel::id::ExportId;
use crate::trail::export::{self, Export, ExportError, ExportFormat, ExportRequest, Exporting};
use crate::web::messages::Messages;
use crate::web::problems::as_sentence;
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::exports::{ExportRow, ExportsPage, NewExportPage};
use crate::web::view::form::{Choice, Field, FieldError};
use crate::web::view::query::href;
use crate::web::view::state::{ExportState, Notice};
use crate::web::{frame, respond};

const TITLE: &str = "exports-title";
/// The platform's own log, in names of files.
const PLATFORM: &str = "platform";

pub fn routes() -> Vec<Route> {
    let asked = Audit::Events(&[
        catalogue::AUDIT_EXPORTED,
        catalogue::AUDIT_EXPORT_REQUESTED,
        catalogue::APPROVAL_REQUESTED,
    ]);
    let fetched = Audit::Events(&[catalogue::AUDIT_EXPORT_DOWNLOADED]);
    let cancelled = Audit::Events(&[catalogue::AUDIT_EXPORT_CANCELLED]);
    let states = Audit::Nothing("says how exports are getting on, and shows no entry");
    let form = Audit::Nothing("an empty form, which shows no entry");
    let (get, post) = (Method::Get, Method::Post);
    vec![
        Route::console(get, "/t/{tenant}/admin/audit/exports", states, list)
            .says("The latest exports of a tenant's audit log"),
        Route::console(post, "/t/{tenant}/admin/audit/exports", asked, start)
            .says("Export a tenant's audit log: at once, or as a file when it is large")
            .sensitive(),
        Route::console(get, "/t/{tenant}/admin/audit/exports/new", form, new)
            .says("The form for an export of a tenant's audit log"),
        Route::console(get, "/t/{tenant}/admin/audit/exports/{id}/download", fetched, download)
            .says("Fetch an export of a tenant's audit log")
            .sensitive(),
        Route::console(post, "/t/{tenant}/admin/audit/exports/{id}/cancel", cancelled, cancel)
            .says("Cancel an export of a tenant's audit log, or throw it away"),
        Route::platform(get, "/platform/audit/exports", states, platform_list)
            .says("The latest exports of the platform's audit log"),
        Route::platform(post, "/platform/audit/exports", asked, platform_start)
            .says("Export the platform's audit log: at once, or as a file when it is large")
            .sensitive(),
        Route::platform(get, "/platform/audit/exports/new", form, platform_new)
            .says("The form for an export of the platform's audit log"),
        Route::platform(get, "/platform/audit/exports/{id}/download", fetched, platform_download)
            .says("Fetch an export of the platform's audit log")
            .sensitive(),
        Route::platform(post, "/platform/audit/exports/{id}/cancel", cancelled, platform_cancel)
            .says("Cancel an export of the platform's audit log, or throw it away"),
    ]
}

async fn list(call: Call<AuditExport>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Audit).await?;
    show_list(chrome, &call.app, &call.input, &call.grant).await
}

async fn platform_list(call: PlatformCall<PlatformAuditExport>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAudit).await?;
    show_list(chrome, &call.app, &call.input, &call.grant).await
}

async fn new(call: Call<AuditExport>) -> Answer {
    let chrome = frame::tenant(&call, "export-new", Section::Audit).await?;
    respond::page(&call.input.query::<Form>()?.page(chrome))
}

async fn platform_new(call: PlatformCall<PlatformAuditExport>) -> Answer {
    let chrome = frame::platform(&call, "export-new", Section::PlatformAudit).await?;
    respond::page(&call.input.query::<Form>()?.page(chrome))
}

async fn start(call: Call<AuditExport>) -> Answer {
    let chrome = frame::tenant(&call, "export-new", Section::Audit).await?;
    let name = call.tenant.slug.as_str();
    match export_or_start(chrome, &call.app, &call.input, &call.grant, name).await? {
        Ok(answer) => Ok(answer),
        Err(error) => approvals::answer(&call, error).await,
    }
}

async fn platform_start(call: PlatformCall<PlatformAuditExport>) -> Answer {
    let chrome = frame::platform(&call, "export-new", Section::PlatformAudit).await?;
    export_or_start(chrome, &call.app, &call.input, &call.grant, PLATFORM)
        .await?
        .map_err(Into::into)
}

async fn download(call: Call<AuditExport>) -> Answer {
    fetch(&call.app, &call.input, &call.grant, call.tenant.slug.as_str()).await
}

async fn platform_download(call: PlatformCall<PlatformAuditExport>) -> Answer {
    fetch(&call.app, &call.input, &call.grant, PLATFORM).await
}

async fn cancel(call: Call<AuditExport>) -> Answer {
    let here = format!("/t/{}/admin/audit/exports", call.tenant.slug);
    stop(&call.app, &call.input, &call.grant, &here).await
}

async fn platform_cancel(call: PlatformCall<PlatformAuditExport>) -> Answer {
    stop(&call.app, &call.input, &call.grant, "/platform/audit/exports").await
}

async fn show_list<P: Exporting>(
    chrome: Chrome,
    app: &App,
    input: &Input,
    grant: &Grant<P>,
) -> Answer {
    // A search that somebody wants to export comes with its own query.
    let wanted: Form = input.query()?;
    if !wanted.is_empty() {
        return Ok(respond::see_other(&wanted.href(&format!("{}/new", chrome.exports_href()))));
    }
    let me = grant.caller().principal.actor();
    let me = (me.kind.to_owned(), me.id);
    let found = export::list(&app.exports, &app.tenants, grant).await?;
    let rows = found.into_iter().map(|export| row(export, &me)).collect();
    respond::page(&ExportsPage { chrome, rows })
}

fn row(export: Export, me: &(String, String)) -> ExportRow {
    ExportRow {
        id: export.id.to_string(),
        format: export.request.format.name(),
        query: export.request.q,
        from: export.request.from,
        to: export.request.to,
        log: export.request.log.map(|log| log.to_string()),
        mine: export.requester == *me,
        requester: export.requester,
        created: export.created,
        state: ExportState::from_code(export.state.name()).unwrap_or(ExportState::Failed),
        done: export.done,
        total: export.total,
        bytes: export.bytes,
        expires: export.expires,
        problem: export.problem,
    }
}

/// What is small is sent at once; what is not is begun, and the list shows how it gets on.
async fn export_or_start<P: Exporting>(
    chrome: Chrome,
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    name: &str,
) -> Result<Result<HttpResponse, ApprovalError>, Failure> {
    let form: Form = input.form()?;
    let request = match form.request() {
        Ok(request) => request,
        Err(page) => return respond::refused(&page.page(&form, chrome)).map(Ok),
    };
    let room = attachment::room(app, grant.realm())?;
    match export::export_small(&app.tenants, grant, request.clone()).await {
        Ok(reading) => {
            let name = attachment::file_name(name, app.runtime.now(), request.format.extension());
            let sent = attachment::send(room, &name, request.format.content_type(), reading);
            return sent.await.map(Ok);
        }
        Err(ExportError::TooMany | ExportError::Behind) => {}
        Err(ExportError::Approval(error)) => return Ok(Err(*error)),
        Err(error) => return refuse(chrome, &form, error).map(Ok),
    }
    let list = chrome.exports_href();
    match export::start(&app.exports, &app.tenants, grant, request).await {
        Ok(_) => Ok(Ok(respond::see_other(&with_notice(&list, Notice::ExportStarted)))),
        Err(ExportError::Approval(error)) => Ok(Err(*error)),
        Err(error) => refuse(chrome, &form, error).map(Ok),
    }
}

fn refuse(chrome: Chrome, form: &Form, error: ExportError) -> Answer {
    let wrong = match error {
        ExportError::Query(error) => {
            let at = form.q.get(..error.at).unwrap_or(&form.q).chars().count() + 1;
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            Wrong { q: Some(FieldError::Query { at, problem: error.message }), ..Wrong::default() }
        }
        error @ ExportError::NoLog => {
            let words = as_sentence(&error.to_string());
            Wrong { q: Some(FieldError::Other(words)), ..Wrong::default() }
        }
        ExportError::TooBroad => {
            let words = Messages::english().text("error-export-too-broad").into_owned();
            Wrong { q: Some(FieldError::Other(words)), ..Wrong::default() }
        }
        ExportError::Busy => {
            let words = Messages::english().text("error-exports-busy").into_owned();
            Wrong { format: Some(FieldError::Other(words)), ..Wrong::default() }
        }
        error => return Err(error.into()),
    };
    respond::refused(&wrong.page(form, chrome))
}

async fn fetch<P: Exporting>(app: &App, input: &Input, grant: &Grant<P>, name: &str) -> Answer {
    let room = attachment::room(app, grant.realm())?;
    let download = export::download(&app.exports, &app.tenants, grant, id(input)?).await?;
    let (format, created) = (download.export.request.format, download.export.created);
    let name = attachment::file_name(name, created, format.extension());
    attachment::send(room, &name, format.content_type(), download).await
}

async fn stop<P: Exporting>(app: &App, input: &Input, grant: &Grant<P>, here: &str) -> Answer {
    match export::cancel(&app.exports, &app.tenants, grant, id(input)?).await {
        Ok(()) => Ok(respond::see_other(&with_notice(here, Notice::ExportCancelled))),
        // It ended while the button was looked for.
        Err(ExportError::Over(_)) => {
            Ok(respond::see_other(&with_notice(here, Notice::NothingChanged)))
        }
        Err(error) => Err(error.into()),
    }
}

fn id(input: &Input) -> Result<ExportId, Failure> {
    input.id("id").map_err(|_| ExportError::NotFound.into())
}

/// What is wanted, as it was typed or as a link says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Form {
    format: String,
    q: String,
    from: String,
    to: String,
    /// A log from before a restore, as the link on the page of verifications says.
    log: String,
}

/// What is wrong with it.
#[derive(Default)]
struct Wrong {
    format: Option<FieldError>,
    q: Option<FieldError>,
    from: Option<FieldError>,
    to: Option<FieldError>,
}

impl Form {
    fn is_empty(&self) -> bool {
        [&self.format, &self.q, &self.from, &self.to, &self.log].iter().all(|part| part.is_empty())
    }

    fn href(&self, path: &str) -> String {
        let parts = [("format", &self.format), ("q", &self.q), ("from", &self.from)];
        let parts = parts.into_iter().chain([("to", &self.to), ("log", &self.log)]);
        href(path, &parts.map(|(name, value)| (name, value.as_str())).collect::<Vec<_>>())
    }

    fn page(&self, chrome: Chrome) -> NewExportPage {
        Wrong::default().page(self, chrome)
    }

    fn request(&self) -> Result<ExportRequest, Box<Wrong>> {
        let (from, to) = (time(&self.from), time(&self.to));
        let log = Some(&self.log).filter(|log| !log.is_empty()).map(|log| log.parse()).transpose();
        match (self.format.parse::<ExportFormat>(), from, to, log) {
            (Ok(format), Ok(from), Ok(to), Ok(log)) => {
                Ok(ExportRequest { format, q: self.q.trim().to_owned(), from, to, log })
            }
            (format, from, to, log) => Err(Box::new(Wrong {
                format: format.err().map(|_| FieldError::Choice),
                q: log
                    .err()
                    .map(|_| FieldError::Other(as_sentence(&ExportError::NoLog.to_string()))),
                from: from.err(),
                to: to.err(),
            })),
        }
    }
}

impl Wrong {
    fn page(self, form: &Form, chrome: Chrome) -> NewExportPage {
        let field = |value: &String, error| Field { value: value.clone(), error };
        let choice = |format: ExportFormat| Choice {
            value: format.name().to_owned(),
            label: chrome.t(words(format)),
            selected: form.format == format.name(),
        };
        NewExportPage {
            format: field(&form.format, self.format),
            formats: ExportFormat::ALL.into_iter().map(choice).collect(),
            q: field(&form.q, self.q),
            from: field(&form.from, self.from),
            to: field(&form.to, self.to),
            log: Some(form.log.clone()).filter(|log| !log.is_empty()),
            chrome,
        }
    }
}

const fn words(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Jsonl => "export-format-jsonl",
        ExportFormat::Csv => "export-format-csv",
        ExportFormat::Cef => "export-format-cef",
        ExportFormat::Ocsf => "export-format-ocsf",
        ExportFormat::Bundle => "export-format-bundle",
    }
}

/// A time as `<input type="datetime-local">` sends it, in UTC, or as the API writes it; empty for
/// none.
fn time(text: &str) -> Result<Option<Timestamp>, FieldError> {
    let local = |seconds| Timestamp::parse(&format!("{text}{seconds}Z"));
    match text {
        "" => Ok(None),
        text => Timestamp::parse(text)
            .or_else(|| local(""))
            .or_else(|| local(":00"))
            .map(Some)
            .ok_or(FieldError::Time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_browsers_and_the_api_write_them() {
        let expected = Timestamp::parse("2026-11-22T05:06:00Z");
        for text in ["2026-11-22T05:06", "2026-11-22T05:06:00", "2026-11-22T06:06:00+01:00"] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        assert_eq!(time(""), Ok(None));
        assert_eq!(time("soon"), Err(FieldError::Time));
    }
}
