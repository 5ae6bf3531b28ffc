//! `GET /t/{tenant}/sso/{provider}`: to a provider, to sign in, to try it out, to confirm.

use actix_web::HttpResponse;
use actix_web::cookie::SameSite;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{finished, refused};
use crate::audit::catalogue;
use crate::authn;
use crate::authn::sso::Refusal;
use crate::authz::{Flag, Principal};
use crate::http::call::{OpenCall, SSO_COOKIE, TENANT_COOKIE};
use crate::http::failure::Failure;
use crate::http::headers::admit_forms;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::kernel::id::{ProviderId, SessionId};
use crate::kernel::limits;
use crate::sso::{self, Begun, Purpose, SendAway, SsoError, Start};
use crate::tenants::Tenant;
use crate::web::pages::step_up::own;
use crate::web::view::sso::{AskPage, SendAwayPage};
use crate::web::{frame, respond};

const WHY: &str = "signing in is how one becomes known";

pub fn routes() -> Vec<Route> {
    // Where the provider cannot be asked; otherwise what comes back is recorded.
    let failed = Audit::Events(&[catalogue::LOGIN_FAILED, catalogue::SSO_TESTED]);
    let path = "/t/{tenant}/sso/{provider}";
    vec![
        Route::open(Method::Get, path, Surface::Console, WHY, failed, start)
            .says("Go to an identity provider, to sign in")
            .rate(RateClass::SignIn),
    ]
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Query {
    r#for: String,
    next: String,
}

async fn start(call: OpenCall) -> Answer {
    let app = call.app.clone();
    let tenant = app.tenants.tenant(call.input.path("tenant"));
    let tenant = tenant.filter(|tenant| tenant.state.admits()).ok_or_else(Failure::not_found)?;
    let provider = call.input.id("provider")?;
    let query: Query = call.input.query()?;
    let person = holder(&call, &tenant).await;
    let purpose = match query.r#for.as_str() {
        "" => Purpose::SignIn,
        "test" => Purpose::Test,
        "confirm" => Purpose::Confirm,
        _ => return Err(Failure::not_found()),
    };
    let may = match (&person, purpose) {
        (_, Purpose::SignIn) => true,
        (Some(person), Purpose::Test) => person.permissions().has(Flag::SsoManage),
        (person, _) => person.is_some(),
    };
    if !may {
        return Ok(respond::see_other(&format!("/t/{}/login", tenant.slug)));
    }
    if purpose == Purpose::SignIn && call.input.header("sec-fetch-site") == Some("cross-site") {
        return ask(&call, &tenant, provider).await;
    }
    let browser = browser(&call);
    let base = format!("/t/{}", tenant.slug);
    let start = Start {
        provider,
        purpose,
        browser: browser.clone(),
        session: person.as_ref().and_then(session),
        next: own(&query.next, &base).map(str::to_owned),
    };
    let (base, request) = (app.base_url(), call.input.context.clone());
    match sso::begin(&app.tenants, &app.oidc, base, &tenant, start, request).await {
        Ok(Begun::Away(away)) => marked(send(&call, away)?, &browser),
        Ok(Begun::Over(done)) => finished(&call, &tenant, Ok(done)),
        Err(SsoError::Refused(refusal)) => refused(&call, &tenant, Some(refusal)),
        Err(SsoError::NotFound) => refused(&call, &tenant, Some(Refusal::ProviderOff)),
        Err(error) => Err(error.into()),
    }
}

/// Another site's link, or its hidden picture, does not sign anybody in: their provider may do so
/// without a word, and they would be here, or be here as somebody else, without having wanted it.
async fn ask(call: &OpenCall, tenant: &Tenant, provider: ProviderId) -> Answer {
    let found = sso::find(&call.app.tenants, tenant, provider).await?;
    let Some(found) = found.filter(sso::Found::is_on) else {
        return refused(call, tenant, Some(Refusal::ProviderOff));
    };
    let name = found.provider.settings.name;
    let uri = call.input.request.uri();
    let url = uri.path_and_query().map_or_else(|| uri.path(), |whole| whole.as_str()).to_owned();
    frame::open_page(call, "sso-ask-title", |chrome| AskPage { chrome, name, url }, respond::page)
}

/// Whoever is signed in to this tenant already.
async fn holder(call: &OpenCall, tenant: &Tenant) -> Option<Principal> {
    let cookie = call.input.cookie(TENANT_COOKIE)?;
    let policy = call.app.session_policy();
    let found = authn::session_holder(&call.app.tenants, policy, &cookie).await.ok()?;
    (found.tenant() == Some(tenant.id)).then_some(found)
}

fn session(person: &Principal) -> Option<SessionId> {
    authn::holder(person).map(|(_, session)| session)
}

/// A browser is marked once: several windows may be at providers at the same time.
pub(super) fn browser(call: &OpenCall) -> Zeroizing<String> {
    let known = call.input.cookie(SSO_COOKIE).filter(|mark| {
        BASE64URL_NOPAD.decode(mark.as_bytes()).is_ok_and(|bytes| bytes.len() == 32)
    });
    let new = || BASE64URL_NOPAD.encode(&call.app.runtime.bytes::<32>());
    Zeroizing::new(known.unwrap_or_else(new))
}

/// The cookie comes back with a form that the provider's page sends (`SameSite=None`).
pub(super) fn marked(answer: HttpResponse, browser: &str) -> Answer {
    let mut cookie = respond::cookie(SSO_COOKIE, browser.to_owned());
    cookie.set_same_site(SameSite::None);
    let life = i64::try_from(limits::SSO_REQUEST_LIFE.as_secs()).unwrap_or(i64::MAX);
    cookie.set_max_age(actix_web::cookie::time::Duration::seconds(life));
    respond::with_cookie(answer, &cookie)
}

pub(super) fn send(call: &OpenCall, away: SendAway) -> Answer {
    match away {
        SendAway::Redirect(url) => Ok(respond::see_other(&url)),
        SendAway::Post { url, fields } => {
            let make = |chrome| SendAwayPage { chrome, url, fields };
            let mut answer = frame::open_page(call, "sso-send-title", make, respond::page)?;
            admit_forms(answer.headers_mut());
            Ok(answer)
        }
    }
}
