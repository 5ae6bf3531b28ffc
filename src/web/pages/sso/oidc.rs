//! What OpenID Connect providers send here: people with a code, and word that somebody has signed
//! out.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;

use super::{finished, refused};
use crate::audit::catalogue;
use crate::authn::sso::Refusal;
use crate::http::call::{OpenCall, SSO_COOKIE};
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::sso::oidc::{Answered, Returned, answer, backchannel_logout};
use crate::sso::{SsoError, finish, record_refused};
use crate::tenants::Tenant;

const WHY: &str = "signing in is how one becomes known";
const SIGN_IN: Audit = Audit::Events(&[
    catalogue::LOGIN_SUCCEEDED,
    catalogue::SESSION_CREATED,
    catalogue::LOGIN_FAILED,
    catalogue::SSO_TESTED,
]);
const LOGOUT: Audit = Audit::Events(&[catalogue::SSO_LOGOUT, catalogue::SSO_REFUSED]);

pub fn routes() -> Vec<Route> {
    let logout = "/t/{tenant}/oidc/backchannel-logout";
    let signed = "the logout token has the provider's signature";
    vec![
        Route::open(
            Method::Get,
            "/t/{tenant}/oidc/callback/{provider}",
            Surface::Console,
            WHY,
            SIGN_IN,
            callback,
        )
        .says("Come back from an OpenID Connect provider")
        .rate(RateClass::SignIn),
        Route::open(Method::Post, logout, Surface::Console, signed, LOGOUT, ended)
            .says("Hear from an OpenID Connect provider that somebody has signed out")
            .from_elsewhere(),
    ]
}

fn tenant(call: &OpenCall) -> Option<Tenant> {
    call.app.tenants.tenant(call.input.path("tenant"))
}

async fn callback(call: OpenCall) -> Answer {
    let tenant = tenant(&call).filter(|tenant| tenant.state.admits());
    let (app, tenant) = (call.app.clone(), tenant.ok_or_else(Failure::not_found)?);
    let browser = call.input.cookie(SSO_COOKIE);
    let came = Returned {
        provider: call.input.id("provider")?,
        query: call.input.request.query_string(),
        browser: browser.as_deref(),
    };
    let heard = answer(&app.oidc, &app.tenants, app.base_url(), &tenant, came).await?;
    let request = call.input.context.clone();
    match heard {
        Answered::Heard(heard) => {
            let done = finish(&app.tenants, &tenant, *heard, request).await;
            finished(&call, &tenant, done)
        }
        Answered::Unknown(refusal) => {
            let what = catalogue::LOGIN_FAILED;
            record_refused(&app.tenants, &tenant, what, None, refusal, &request).await?;
            refused(&call, &tenant, Some(refusal))
        }
    }
}

async fn ended(call: OpenCall) -> Answer {
    // Sessions of a suspended tenant end as well: it may be back tomorrow.
    let (app, tenant) = (call.app.clone(), tenant(&call));
    let Some(tenant) = tenant else {
        return Ok(said(StatusCode::BAD_REQUEST, Some(Refusal::IssuerUnknown)));
    };
    let token = call.input.form_field("logout_token").unwrap_or_default();
    let request = call.input.context.clone();
    match backchannel_logout(&app.oidc, &app.tenants, &tenant, &token, request).await {
        Ok(()) => Ok(said(StatusCode::OK, None)),
        Err(SsoError::Refused(refusal)) => Ok(said(StatusCode::BAD_REQUEST, Some(refusal))),
        Err(error) => Err(error.into()),
    }
}

/// As Back-Channel Logout 1.0, 2.8 has it.
fn said(status: StatusCode, refusal: Option<Refusal>) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    let mut answer = match refusal {
        None => answer.finish(),
        Some(refusal) => answer.json(json!({
            "error": "invalid_request",
            "error_description": refusal.to_string(),
        })),
    };
    put(answer.headers_mut(), "cache-control", "no-store");
    answer
}
