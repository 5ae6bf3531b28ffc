//! Who is signed in to a tenant, or to the platform, for those who may see and end it.

use serde::Deserialize;

use super::{also, also_platform, with_notice};
use crate::app::App;
use crate::audit::catalogue;
use crate::authn::Agent;
use crate::authz::permission::{
    PlatformAdminDisable, PlatformAdminRead, SessionRead, SessionRevoke,
};
use crate::authz::{Grant, Permission, Withdraws};
use crate::http::call::{Call, PlatformCall};
use crate::http::failure::Failure;
use crate::http::input::Input;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::SessionId;
use crate::sessions::{self, Session, Sessions, Whose};
use crate::web::view::chrome::{Chrome, Scope, Section};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::general::{ConfirmAct, ConfirmPage};
use crate::web::view::query::{self, Pager};
use crate::web::view::sessions::{EndEverybodyPage, SessionRow, SessionsPage};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const TITLE: &str = "tab-sessions";
/// What is typed for the platform, which has no short name.
const PLATFORM: &str = "platform";

pub fn routes() -> Vec<Route> {
    let opened = Audit::Events(&[catalogue::ADMIN_PANEL_ACCESS]);
    let form = Audit::Nothing("the empty form of a change");
    let ended = Audit::Events(&[catalogue::SESSION_ENDED]);
    let (all, one) = ("/t/{tenant}/admin/sessions", "/t/{tenant}/admin/sessions/{id}/end");
    let of = "/t/{tenant}/admin/sessions/of/{id}/end";
    let everybody = "/t/{tenant}/admin/sessions/end-all";
    let (platform_all, platform_one) = ("/platform/sessions", "/platform/sessions/{id}/end");
    let platform_of = "/platform/sessions/of/{id}/end";
    let platform_everybody = "/platform/sessions/end-all";
    vec![
        Route::console(Method::Get, all, opened, list).says("Who is signed in to a tenant"),
        Route::console(Method::Get, everybody, form, ask_everybody)
            .says("Ask before ending all sessions of a tenant"),
        Route::console(Method::Post, everybody, ended, end_everybody)
            .says("End all sessions of a tenant")
            .sensitive(),
        Route::console(Method::Post, one, ended, end).says("End somebody's session"),
        Route::console(Method::Get, of, opened, ask_of)
            .says("Ask before ending all sessions of a member"),
        Route::console(Method::Post, of, ended, end_of).says("End all sessions of a member"),
        Route::platform(Method::Get, platform_all, opened, platform_list)
            .says("Who is signed in to the platform"),
        Route::platform(Method::Get, platform_everybody, form, platform_ask_everybody)
            .says("Ask before ending all sessions of platform administrators"),
        Route::platform(Method::Post, platform_everybody, ended, platform_end_everybody)
            .says("End all sessions of platform administrators")
            .sensitive(),
        Route::platform(Method::Post, platform_one, ended, platform_end)
            .says("End a platform administrator's session"),
        Route::platform(Method::Get, platform_of, opened, platform_ask_of)
            .says("Ask before ending all sessions of a platform administrator"),
        Route::platform(Method::Post, platform_of, ended, platform_end_of)
            .says("End all sessions of a platform administrator"),
    ]
}

async fn list(call: Call<SessionRead>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Members).await?;
    let may_end = call.also::<SessionRevoke>().is_some();
    show(&call.app, &call.input, &call.grant, chrome, may_end).await
}

async fn platform_list(call: PlatformCall<PlatformAdminRead>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAdmins).await?;
    let may_end = call.also::<PlatformAdminDisable>().is_some();
    show(&call.app, &call.input, &call.grant, chrome, may_end).await
}

async fn ask_everybody(call: Call<SessionRevoke>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Members).await?;
    respond::page(&EndEverybodyPage::new(chrome, call.tenant.slug.to_string()))
}

async fn platform_ask_everybody(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAdmins).await?;
    respond::page(&EndEverybodyPage::new(chrome, PLATFORM.to_owned()))
}

async fn end_everybody(call: Call<SessionRevoke>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Members).await?;
    let name = call.tenant.slug.to_string();
    everybody(&call.app, &call.input, &call.grant, chrome, name).await
}

async fn platform_end_everybody(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAdmins).await?;
    everybody(&call.app, &call.input, &call.grant, chrome, PLATFORM.to_owned()).await
}

async fn end(call: Call<SessionRevoke>) -> Answer {
    let here = format!("/t/{}/admin/sessions", call.tenant.slug);
    one(&call.app, &call.input, &call.grant, &here).await
}

async fn platform_end(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    one(&call.app, &call.input, &call.grant, "/platform/sessions").await
}

async fn ask_of(call: Call<SessionRevoke>) -> Answer {
    let chrome = frame::tenant(&call, TITLE, Section::Members).await?;
    let grant = also::<_, SessionRead>(&call)?;
    ask(&call.app, &call.input, &grant, chrome).await
}

async fn platform_ask_of(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    let chrome = frame::platform(&call, TITLE, Section::PlatformAdmins).await?;
    let grant = also_platform::<_, PlatformAdminRead>(&call)?;
    ask(&call.app, &call.input, &grant, chrome).await
}

async fn end_of(call: Call<SessionRevoke>) -> Answer {
    let here = format!("/t/{}/admin/sessions", call.tenant.slug);
    all_of(&call.app, &call.input, &call.grant, &here).await
}

async fn platform_end_of(call: PlatformCall<PlatformAdminDisable>) -> Answer {
    all_of(&call.app, &call.input, &call.grant, "/platform/sessions").await
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    cursor: String,
}

async fn show<P: Permission>(
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    chrome: Chrome,
    may_end: bool,
) -> Answer {
    let Asked { q, cursor } = input.query()?;
    let search = q.trim().to_owned();
    let whose = if search.is_empty() { Whose::Everybodys } else { Whose::Like(search.clone()) };
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    let path = path(&chrome);
    let newest = cursor.is_some().then(|| query::href(&path, &[("q", &search)]));
    let wanted = Sessions { whose, limit: None, cursor };
    let found = sessions::list(&app.tenants, grant, app.session_policy(), wanted).await?;
    let older = found.next_cursor.as_deref();
    let older = older.map(|cursor| query::href(&path, &[("q", &search), ("cursor", cursor)]));
    let pager = Pager { newest, newer: None, older };
    let rows = found.items.into_iter().map(|session| row(&chrome, session)).collect();
    respond::page(&SessionsPage { chrome, path, search, rows, pager, may_end })
}

/// Below which all of it is.
fn path(chrome: &Chrome) -> String {
    match chrome.scope {
        Scope::Platform => "/platform/sessions".to_owned(),
        _ => format!("{}/admin/sessions", chrome.base()),
    }
}

/// A session as a row of a table.
pub(super) fn row(chrome: &Chrome, session: Session) -> SessionRow {
    let agent = session.user_agent.unwrap_or_default();
    let erased = || chrome.t("person-erased");
    let Session { user, .. } = session;
    SessionRow {
        id: session.id.to_string(),
        is_this: session.current,
        person_id: user.id,
        email: user.email.clone().unwrap_or_default(),
        person: user.name.or(user.email).unwrap_or_else(erased),
        name: program(chrome, &session.client, &agent),
        user_agent: agent,
        ip: session.ip.unwrap_or_default(),
        factors: session.factors,
        started: session.started_at,
        last_seen: session.last_seen_at,
        ends: session.ends_at,
    }
}

/// What people call a browser or program.
pub(super) fn program(chrome: &Chrome, client: &str, user_agent: &str) -> String {
    let known = Agent::read(user_agent);
    match (client, known.browser, known.system) {
        ("browser", Some(browser), Some(system)) => {
            let names = [("browser", browser.into()), ("system", system.into())];
            chrome.messages.with("agent-on", &names).into_owned()
        }
        ("browser", Some(name), None) | ("browser", None, Some(name)) => name.to_owned(),
        (_, _, _) if !user_agent.is_empty() => user_agent.chars().take(80).collect(),
        _ => chrome.t("agent-unknown"),
    }
}

async fn one<P: Withdraws>(app: &App, input: &Input, grant: &Grant<P>, here: &str) -> Answer {
    let session: SessionId = input.id("id")?;
    sessions::end(&app.tenants, grant, session).await?;
    Ok(respond::see_other(&with_notice(here, Notice::SessionEnded)))
}

async fn ask<P: Permission>(app: &App, input: &Input, grant: &Grant<P>, chrome: Chrome) -> Answer {
    let who = input.path("id").to_owned();
    let wanted = Sessions { whose: Whose::One(who), limit: Some(1), cursor: None };
    let found = sessions::list(&app.tenants, grant, app.session_policy(), wanted).await?;
    let session = found.items.into_iter().next().ok_or_else(Failure::not_found)?;
    let (path, row) = (path(&chrome), row(&chrome, session));
    respond::page(&ConfirmPage {
        chrome,
        act: ConfirmAct::EndSessions,
        subject: row.person,
        action: format!("{path}/of/{}/end", row.person_id),
        cancel: path,
    })
}

async fn all_of<P: Withdraws>(app: &App, input: &Input, grant: &Grant<P>, here: &str) -> Answer {
    let who = input.path("id");
    // An id alone: an address in a path would be in logs.
    let who = uuid::Uuid::parse_str(who).map_err(|_| Failure::not_found())?.to_string();
    sessions::end_of(&app.tenants, grant, &who).await?;
    Ok(respond::see_other(&with_notice(here, Notice::SessionsEnded)))
}

#[derive(Deserialize)]
struct Typed {
    confirm: String,
}

async fn everybody<P: Withdraws>(
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    chrome: Chrome,
    name: String,
) -> Answer {
    let Typed { confirm } = input.form()?;
    if confirm.trim() != name {
        let mut page = EndEverybodyPage::new(chrome, name);
        page.confirm = Field::wrong(confirm, FieldError::Confirmation);
        return respond::refused(&page);
    }
    sessions::end_everybody(&app.tenants, grant).await?;
    Ok(respond::see_other(&with_notice(&path(&chrome), Notice::SessionsEnded)))
}
