//! `/t/{tenant}/saml/…`: what identity providers, and the browsers that they send, ask of a tenant as
//! a SAML service provider.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Deserialize;

use super::{finished, refused, start};
use crate::audit::catalogue;
use crate::authn::saml::Carried;
use crate::http::call::{OpenCall, SSO_COOKIE};
use crate::http::failure::Failure;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, BodyLimit, Method, Route, Surface};
use crate::kernel::limits;
use crate::sso::saml::{self, Came, LoggedOut, Posted};
use crate::tenants::Tenant;
use crate::web::view::sso::SendAwayPage;
use crate::web::{frame, respond};

const METADATA: &str = "/t/{tenant}/saml/metadata";
const ACS: &str = "/t/{tenant}/saml/acs";
const LOGOUT: &str = "/t/{tenant}/saml/logout";
const PUBLIC: &str = "a provider has to know this service before it can vouch for anybody";
const SIGNED: &str = "the provider's signature says who asks";
const SIGN_IN: Audit = Audit::Events(&[
    catalogue::LOGIN_SUCCEEDED,
    catalogue::SESSION_CREATED,
    catalogue::LOGIN_FAILED,
    catalogue::SSO_TESTED,
]);
const SIGN_OUT: Audit =
    Audit::Events(&[catalogue::SSO_LOGOUT, catalogue::SESSION_ENDED, catalogue::SSO_REFUSED]);

pub(super) fn routes() -> Vec<Route> {
    let made = Audit::Events(&[catalogue::SSO_KEY_CHANGED]);
    vec![
        Route::open(Method::Get, METADATA, Surface::Console, PUBLIC, made, metadata)
            .says("SAML metadata of a tenant as a service provider"),
        Route::open(Method::Post, ACS, Surface::Console, SIGNED, SIGN_IN, acs)
            .says("Take a SAML provider's answer (assertion consumer service)")
            .rate(RateClass::SignIn)
            .body(BodyLimit::Bytes(limits::SSO_FORM_BYTES))
            .from_elsewhere(),
        Route::open(Method::Get, LOGOUT, Surface::Console, SIGNED, SIGN_OUT, redirected)
            .says("Sign out at a SAML provider's word, or hear its answer to a logout"),
        Route::open(Method::Post, LOGOUT, Surface::Console, SIGNED, SIGN_OUT, posted)
            .says("Sign out at a SAML provider's word, or hear its answer, as a form")
            .body(BodyLimit::Bytes(limits::SSO_FORM_BYTES))
            .from_elsewhere(),
    ]
}

fn tenant(call: &OpenCall) -> Result<Tenant, Failure> {
    call.app.tenants.tenant(call.input.path("tenant")).ok_or_else(Failure::not_found)
}

async fn metadata(call: OpenCall) -> Answer {
    let tenant = tenant(&call)?;
    let (tenants, base) = (&call.app.tenants, call.app.base_url());
    let xml = saml::own_metadata(tenants, base, &tenant).await?;
    let name = format!("attachment; filename=\"{}-saml-metadata.xml\"", tenant.slug);
    Ok(HttpResponse::Ok()
        .content_type("application/samlmetadata+xml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(xml))
}

/// The parameters of the bindings (saml-bindings 3.4.3, 3.5.3).
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "SAMLRequest")]
    request: Option<String>,
    #[serde(rename = "SAMLResponse")]
    response: Option<String>,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
    /// Ours: this page has sent it on to itself.
    again: Option<String>,
}

async fn acs(call: OpenCall) -> Answer {
    let tenant = tenant(&call)?;
    let message: Message = call.input.form()?;
    if call.input.header("sec-fetch-site") == Some("cross-site") && message.again.is_none() {
        return once_more(&call, &tenant, message);
    }
    let browser = call.input.cookie(SSO_COOKIE);
    let came = Came {
        response: message.response.as_deref().unwrap_or_default(),
        relay_state: message.relay_state.as_deref(),
        browser: browser.as_deref(),
    };
    let (app, request) = (&call.app, call.input.context.clone());
    let done = saml::answer(&app.tenants, app.base_url(), &tenant, came, request).await;
    finished(&call, &tenant, done)
}

/// A form from elsewhere comes without the cookies of this console (`SameSite=Lax`): without those of
/// the session that it replaces, and of the device. The browser sends it once more, from here.
fn once_more(call: &OpenCall, tenant: &Tenant, message: Message) -> Answer {
    let url = format!("/t/{}/saml/acs", tenant.slug);
    let fields = [
        ("SAMLResponse", message.response),
        ("RelayState", message.relay_state),
        ("again", Some("1".to_owned())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let fields = fields.collect();
    let make = |chrome| SendAwayPage { chrome, url, fields };
    frame::open_page(call, "sso-send-title", make, respond::page)
}

async fn redirected(call: OpenCall) -> Answer {
    let message: Message = call.input.query()?;
    let query = call.input.request.query_string().to_owned();
    logged_out(&call, &message, Carried::Redirect(&query)).await
}

async fn posted(call: OpenCall) -> Answer {
    let message: Message = call.input.form()?;
    let encoded = message.request.as_deref().or(message.response.as_deref());
    logged_out(&call, &message, Carried::Post(encoded.unwrap_or_default())).await
}

async fn logged_out(call: &OpenCall, message: &Message, carried: Carried<'_>) -> Answer {
    let tenant = tenant(call)?;
    let browser = call.input.cookie(SSO_COOKIE);
    let came = Posted {
        message: carried,
        is_request: message.request.is_some(),
        relay_state: message.relay_state.as_deref(),
        browser: browser.as_deref(),
    };
    let (app, request) = (&call.app, &call.input.context);
    let base = format!("/t/{}/login", tenant.slug);
    match saml::logged_out(&app.tenants, app.base_url(), &tenant, came, request).await? {
        LoggedOut::Away(away) => start::send(call, away),
        LoggedOut::Back { complete: true } => {
            Ok(respond::see_other(&format!("{base}?notice=signed-out-everywhere")))
        }
        LoggedOut::Back { complete: false } => {
            Ok(respond::see_other(&format!("{base}?notice=signed-out-here")))
        }
        LoggedOut::Refused(refusal) => refused(call, &tenant, Some(refusal)),
    }
}
