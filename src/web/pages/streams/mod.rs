//! Streams of a log to other systems, in a tenant's console and the platform's.

mod desk;
mod form;
mod rows;

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::with_notice;
use crate::audit::catalogue;
use crate::authz::permission::{
    AuditStream, AuditStreamRead, PlatformAuditStream, PlatformAuditStreamRead,
};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::StreamId;
use crate::streams::{self, StreamError, TryOut};
use crate::web::problems::as_sentence;
use crate::web::respond;
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::state::Notice;
use crate::web::view::streams::{StreamForm, StreamFormPage, StreamPage, StreamsPage, TestResult};
use desk::Desk;
use form::Form;

type See = Call<AuditStreamRead>;
type Manage = Call<AuditStream>;
type PlatformSee = PlatformCall<PlatformAuditStreamRead>;
type PlatformManage = PlatformCall<PlatformAuditStream>;

const OPENED: Audit = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
const CREATED: Audit = Audit::Events(&[catalogue::STREAM_CREATED]);
const CHANGED: Audit = Audit::Events(&[catalogue::STREAM_CHANGED]);
const DELETED: Audit = Audit::Events(&[catalogue::STREAM_DELETED]);
const TESTED: Audit = Audit::Events(&[catalogue::STREAM_TESTED]);

const SAYS: [&str; 11] = [
    "The streams to other systems and how far each has come",
    "Form for a new stream",
    "Set up a stream",
    "One stream",
    "Form to change a stream",
    "Change a stream",
    "Send a test message through a stream",
    "Pause a stream",
    "Resume a stream",
    "Ask before removing a stream",
    "Remove a stream",
];

/// The routes of one console: its kind of route, where the pages are, and its two kinds of call.
macro_rules! pages {
    ($route:path, $base:literal, $see:ty, $manage:ty) => {
        [
            $route(Method::Get, $base, OPENED, list::<$see>),
            $route(Method::Get, concat!($base, "/new"), OPENED, new::<$manage>),
            $route(Method::Post, concat!($base, "/new"), CREATED, create::<$manage>).sensitive(),
            $route(Method::Get, concat!($base, "/{id}"), OPENED, show::<$see>),
            $route(Method::Get, concat!($base, "/{id}/edit"), OPENED, edit::<$manage>),
            $route(Method::Post, concat!($base, "/{id}/edit"), CHANGED, change::<$manage>)
                .sensitive(),
            $route(Method::Post, concat!($base, "/{id}/test"), TESTED, test::<$manage>),
            $route(Method::Post, concat!($base, "/{id}/pause"), CHANGED, pause::<$manage>)
                .sensitive(),
            $route(Method::Post, concat!($base, "/{id}/resume"), CHANGED, resume::<$manage>),
            $route(Method::Get, concat!($base, "/{id}/delete"), OPENED, confirm::<$manage>),
            $route(Method::Post, concat!($base, "/{id}/delete"), DELETED, delete::<$manage>)
                .sensitive(),
        ]
    };
}

pub fn routes() -> Vec<Route> {
    let tenant = pages!(Route::console, "/t/{tenant}/admin/audit/streams", See, Manage);
    let platform = pages!(Route::platform, "/platform/audit/streams", PlatformSee, PlatformManage);
    let says = SAYS.into_iter().chain(SAYS);
    tenant.into_iter().chain(platform).zip(says).map(|(route, says)| route.says(says)).collect()
}

async fn list<D: Desk>(desk: D) -> Answer {
    desk.opened().await?;
    let all = streams::list(&desk.app().streams, &desk.sees()?).await?;
    let path = desk.path();
    respond::page(&StreamsPage {
        chrome: desk.chrome("streams-title").await?,
        rows: all.iter().map(|stream| rows::row(stream, &path)).collect(),
        may_manage: desk.manages().is_some(),
        published: rows::published(desk.app(), D::IS_PLATFORM),
        is_platform: D::IS_PLATFORM,
        path,
    })
}

async fn show<D: Desk>(desk: D) -> Answer {
    let id: StreamId = desk.input().id("id")?;
    desk.opened().await?;
    one(&desk, id, None).await
}

async fn one<D: Desk>(desk: &D, id: StreamId, test: Option<TryOut>) -> Answer {
    let stream = streams::find(&desk.app().streams, &desk.sees()?, id).await?;
    let list = desk.path();
    let mut chrome = desk.chrome("streams-title").await?;
    chrome.title.clone_from(&stream.name);
    let delivery = &stream.delivery;
    respond::page(&StreamPage {
        chrome,
        row: rows::row(&stream, &list),
        is_paused: stream.state == streams::StreamState::Paused,
        through: delivery.through,
        sent: delivery.sent_entries,
        skipped: delivery.skipped_entries,
        created: stream.created_at,
        changed: stream.changed_at,
        failing_since: delivery.failing_since,
        error_at: delivery.last_error_at,
        next_attempt: delivery.next_attempt_at,
        id: stream.id.to_string(),
        may_manage: desk.manages().is_some(),
        test: test.map(|test| TestResult {
            ok: test.ok,
            detail: as_sentence(&test.detail),
            millis: test.took_millis,
        }),
        list,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    r#type: String,
}

async fn new<D: Desk>(desk: D) -> Answer {
    desk.opened().await?;
    let Asked { r#type: kind } = desk.input().query()?;
    let form = Form::empty(kind);
    let list = desk.path();
    show_form(&desk, format!("{list}/new"), list, form.page(true), None).await
}

async fn create<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    let form: Form = desk.input().form()?;
    let list = desk.path();
    let made = match form.new_stream() {
        Ok(new) => streams::create(&desk.app().streams, &grant, new, None).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(stream) => {
            let here = format!("{list}/{}", stream.id);
            Ok(respond::see_other(&with_notice(&here, Notice::StreamCreated)))
        }
        Err(StreamError::Door(error)) => Err(error.into()),
        Err(error) => {
            let mut page = form.page(true);
            let problem = form::mark(&mut page, &error);
            show_form(&desk, format!("{list}/new"), list, page, problem).await
        }
    }
}

async fn edit<D: Desk>(desk: D) -> Answer {
    let id: StreamId = desk.input().id("id")?;
    desk.opened().await?;
    let stream = streams::find(&desk.app().streams, &desk.sees()?, id).await?;
    let here = format!("{}/{id}", desk.path());
    let mut page = Form::of(&stream).page(false);
    page.has_credential = stream.secrets.credential;
    page.has_client_key = stream.secrets.client_key;
    show_form(&desk, format!("{here}/edit"), here, page, None).await
}

async fn change<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    let id: StreamId = desk.input().id("id")?;
    let form: Form = desk.input().form()?;
    let here = format!("{}/{id}", desk.path());
    let changed = match form.changed() {
        Ok(change) => streams::change(&desk.app().streams, &grant, id, change).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => Ok(respond::see_other(&with_notice(&here, Notice::StreamChanged))),
        Err(StreamError::Door(error)) => Err(error.into()),
        Err(StreamError::NotFound) => Err(StreamError::NotFound.into()),
        Err(error) => {
            let mut page = form.page(false);
            let problem = form::mark(&mut page, &error);
            show_form(&desk, format!("{here}/edit"), here, page, problem).await
        }
    }
}

async fn show_form<D: Desk>(
    desk: &D,
    action: String,
    cancel: String,
    form: StreamForm,
    problem: Option<String>,
) -> Answer {
    let refused = problem.is_some() || form.is_refused();
    let title = if form.is_new { "stream-new" } else { "stream-edit" };
    let chrome = desk.chrome(title).await?;
    let page = StreamFormPage { chrome, list: desk.path(), action, cancel, form, problem };
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond::page_with(status, &page)
}

async fn test<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    let id = desk.input().id("id")?;
    let tried = streams::try_out(&desk.app().streams, &grant, id).await?;
    one(&desk, id, Some(tried)).await
}

async fn pause<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    let id = desk.input().id("id")?;
    streams::pause(&desk.app().streams, &grant, id).await?;
    let here = format!("{}/{id}", desk.path());
    Ok(respond::see_other(&with_notice(&here, Notice::StreamPaused)))
}

async fn resume<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    let id = desk.input().id("id")?;
    streams::resume(&desk.app().streams, &grant, id).await?;
    let here = format!("{}/{id}", desk.path());
    Ok(respond::see_other(&with_notice(&here, Notice::StreamResumed)))
}

async fn confirm<D: Desk>(desk: D) -> Answer {
    let id: StreamId = desk.input().id("id")?;
    desk.opened().await?;
    let stream = streams::find(&desk.app().streams, &desk.sees()?, id).await?;
    let here = format!("{}/{id}", desk.path());
    respond::page(&ConfirmPage {
        chrome: desk.chrome("streams-title").await?,
        act: ConfirmAct::DeleteStream,
        subject: stream.name,
        action: format!("{here}/delete"),
        cancel: here,
    })
}

async fn delete<D: Desk>(desk: D) -> Answer {
    let grant = desk.manages().ok_or_else(Failure::not_found)?;
    streams::delete(&desk.app().streams, &grant, desk.input().id("id")?).await?;
    Ok(respond::see_other(&with_notice(&desk.path(), Notice::StreamDeleted)))
}
