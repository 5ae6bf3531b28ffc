//! Signing in and out, of a tenant and of the platform.

use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::by_mail::Here;
use super::{passkeys, provider_door};
use crate::audit::catalogue;
use crate::authn::{self, Admission, AuthnError, Client, Credentials, Wanted};
use crate::authz::permission::{AccountRead, PlatformAccountRead};
use crate::http::call::{
    Call, OpenCall, PLATFORM_COOKIE, PlatformCall, TENANT_COOKIE, TICKET_COOKIE,
};
use crate::http::headers::put;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::sso;
use crate::web::view::form::Field;
use crate::web::view::public::{SignInPage, SignInPlace, SignInProblem};
use crate::web::{frame, respond};

const QUIET: Audit = Audit::Nothing("a form; nobody's data is touched");
const SIGN_IN: Audit = Audit::Events(&[
    catalogue::LOGIN_SUCCEEDED,
    catalogue::SESSION_CREATED,
    catalogue::LOGIN_FAILED,
]);
const SIGN_OUT: Audit = Audit::Events(&[catalogue::LOGOUT, catalogue::SESSION_ENDED]);
const WHY: &str = "signing in is how one becomes known";

pub fn routes() -> Vec<Route> {
    vec![
        Route::open(Method::Get, "/t/{tenant}/login", Surface::Console, WHY, QUIET, form)
            .says("Sign-in page of a tenant"),
        Route::open(Method::Post, "/t/{tenant}/login", Surface::Console, WHY, SIGN_IN, sign_in)
            .says("Sign in to a tenant")
            .rate(RateClass::SignIn),
        Route::console(Method::Post, "/t/{tenant}/logout", SIGN_OUT, sign_out)
            .says("Sign out of a tenant"),
        Route::open(Method::Get, "/platform/login", Surface::Platform, WHY, QUIET, form)
            .says("Sign-in page of the platform"),
        Route::open(
            Method::Post,
            "/platform/login",
            Surface::Platform,
            WHY,
            SIGN_IN,
            sign_in_platform,
        )
        .says("Sign in to the platform")
        .rate(RateClass::SignIn),
        Route::platform(Method::Post, "/platform/logout", SIGN_OUT, sign_out_platform)
            .says("Sign out of the platform"),
    ]
}

#[derive(Deserialize)]
struct Form {
    email: String,
    password: SecretString,
}

async fn form(call: OpenCall) -> Answer {
    show(&call, String::new(), None, StatusCode::OK).await
}

/// The page with a provider that was looked for and not found.
pub(super) async fn show_not_found(call: &OpenCall, find: Field) -> Answer {
    show_with(call, String::new(), None, Some(find), StatusCode::UNPROCESSABLE_ENTITY).await
}

pub(super) async fn show(
    call: &OpenCall,
    email: String,
    problem: Option<SignInProblem>,
    status: StatusCode,
) -> Answer {
    show_with(call, email, problem, None, status).await
}

async fn show_with(
    call: &OpenCall,
    email: String,
    problem: Option<SignInProblem>,
    find: Option<Field>,
    status: StatusCode,
) -> Answer {
    let place = match call.input.route.surface {
        Surface::Platform => SignInPlace::Platform,
        _ => SignInPlace::Tenant { slug: call.input.path("tenant").to_owned() },
    };
    let action = match &place {
        SignInPlace::Platform => "/platform/login".to_owned(),
        SignInPlace::Tenant { slug } => format!("/t/{slug}/login"),
    };
    let (email, passkeys) = (Field::value(email), passkeys::place(&call.app, &call.input));
    let here = Here::of(call);
    let ways = here.ways(call).await?;
    let mut door = provider_door::of(call, &here, ways.provider_only, problem.is_some()).await?;
    door.find = find.or(door.find);
    let base = here.base;
    let make =
        |chrome| SignInPage { chrome, action, place, email, passkeys, problem, ways, door, base };
    frame::open_page(call, "sign-in-title", make, |page| respond::page_with(status, page))
}

async fn sign_in(call: OpenCall) -> Answer {
    let Form { email, password } = call.input.form()?;
    let credentials = Credentials { email: email.clone(), password };
    let (app, request) = (&call.app, call.input.context.clone());
    let result = match app.tenants.tenant(call.input.path("tenant")) {
        Some(tenant) => {
            let done = authn::sign_in(
                &app.tenants,
                &app.hasher,
                &tenant,
                credentials,
                Client::Browser,
                request,
            )
            .await;
            done.map(|admission| (admission, format!("/t/{}", tenant.slug)))
        }
        None => {
            let tenant = call.input.path("tenant");
            authn::sign_in_nowhere(&app.tenants, &app.hasher, tenant, credentials, request)
                .await
                .map(|admission| (admission, String::new()))
        }
    };
    finish(&call, email, result, TENANT_COOKIE).await
}

async fn sign_in_platform(call: OpenCall) -> Answer {
    let Form { email, password } = call.input.form()?;
    let credentials = Credentials { email: email.clone(), password };
    let (app, request) = (&call.app, call.input.context.clone());
    let done = authn::sign_in_platform(&app.tenants, &app.hasher, credentials, request).await;
    let done = done.map(|admission| (admission, "/platform".to_owned()));
    finish(&call, email, done, PLATFORM_COOKIE).await
}

async fn finish(
    call: &OpenCall,
    email: String,
    result: Result<(Admission, String), AuthnError>,
    cookie: &'static str,
) -> Answer {
    match result {
        Ok((admission, base)) => admitted(admission, &base, cookie),
        Err(AuthnError::WrongPassword) => {
            let problem = Some(SignInProblem::WrongCredentials);
            show(call, email, problem, StatusCode::UNAUTHORIZED).await
        }
        Err(AuthnError::TryLater(retry_after)) => {
            let problem = Some(SignInProblem::Throttled { retry_after });
            let mut answer = show(call, email, problem, StatusCode::TOO_MANY_REQUESTS).await?;
            put(answer.headers_mut(), "retry-after", &retry_after.to_string());
            Ok(answer)
        }
        Err(AuthnError::Suspended) => {
            show(call, email, Some(SignInProblem::Unavailable), StatusCode::FORBIDDEN).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a right first factor leads to: in, or on to the next one. `base` is `/platform` or
/// `/t/{slug}`.
pub(super) fn admitted(admission: Admission, base: &str, cookie: &'static str) -> Answer {
    match admission {
        Admission::In(signed_in) => {
            let session = respond::cookie(cookie, signed_in.cookie.to_string());
            let answer = respond::with_cookie(respond::see_other(&format!("{base}/")), &session)?;
            let Some(device) = signed_in.device else { return Ok(answer) };
            respond::with_cookie(answer, &respond::device_cookie(device.to_string()))
        }
        Admission::Wanted { wanted, ticket } => {
            let page = match wanted {
                Wanted::SecondFactor => "second-factor",
                Wanted::Enrolment => "enrol",
            };
            let cookie = respond::cookie(TICKET_COOKIE, ticket.to_string());
            respond::with_cookie(respond::see_other(&format!("{base}/login/{page}")), &cookie)
        }
    }
}

async fn sign_out(call: Call<AccountRead>) -> Answer {
    // Known as long as there is the session.
    let vouched = match authn::holder(call.principal()) {
        Some((_, session)) => {
            sso::logout::vouched_for(&call.app.tenants, &call.tenant, session).await?
        }
        None => None,
    };
    authn::end_session(&call.app.tenants, call.grant.caller()).await?;
    let open = OpenCall { app: call.app.clone(), input: call.input.clone() };
    super::sso::leave(&open, &call.tenant, vouched.as_ref()).await
}

async fn sign_out_platform(call: PlatformCall<PlatformAccountRead>) -> Answer {
    authn::end_session(&call.app.tenants, call.grant.caller()).await?;
    let target = "/platform/login?notice=signed-out";
    respond::signed_out(respond::see_other(target), PLATFORM_COOKIE)
}
