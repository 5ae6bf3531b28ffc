//! `/api/v1/auth/{tenant}…`: access tokens, for applications that act for a person.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{problem, reply};
use crate::audit::catalogue;
use crate::authn::token::JWKS_MAX_AGE;
use crate::authn::{self, Admission, AuthnError, Client, Credentials, SecondFactor, Wanted};
use crate::authz::permission::AccountWithdraw;
use crate::authz::{Principal, Realm};
use crate::http::call::{Call, OpenCall};
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, BodyLimit, Method, Route, Surface};
use crate::kernel::{ErrorKind, limits};
use crate::tenants::Tenant;

const WHY: &str = "signing in is how somebody becomes known";
const SIGN_IN: Audit = Audit::Events(&[
    catalogue::LOGIN_SUCCEEDED,
    catalogue::SESSION_CREATED,
    catalogue::TOKEN_ISSUED,
    catalogue::LOGIN_PENDING,
    catalogue::LOGIN_FAILED,
]);
const REFRESHED: Audit =
    Audit::Events(&[catalogue::TOKEN_REFRESHED, catalogue::TOKEN_REUSED, catalogue::SESSION_ENDED]);

pub fn routes() -> Vec<Route> {
    let small = |route: Route| {
        route.rate(RateClass::SignIn).body(BodyLimit::Bytes(limits::CREDENTIALS_BODY_BYTES))
    };
    let sign_in = "/api/v1/auth/{tenant}/token";
    let renew = "/api/v1/auth/{tenant}/refresh";
    vec![
        small(Route::open(Method::Post, sign_in, Surface::Api, WHY, SIGN_IN, token))
            .says("Sign in for an application: an access token and a refresh token")
            .takes::<Shown>()
            .gives::<authn::token::TokenPair>(200),
        small(Route::open(Method::Post, renew, Surface::Api, WHY, REFRESHED, refresh))
            .says("Exchange a refresh token, which works once, for new tokens")
            .takes::<Refresh>()
            .gives::<authn::token::TokenPair>(200),
        Route::api(
            Method::Post,
            "/api/v1/auth/{tenant}/logout",
            Audit::Events(&[catalogue::LOGOUT, catalogue::SESSION_ENDED]),
            logout,
        )
        .says("End the session that an access token belongs to, with all its tokens")
        .gives_nothing(),
        Route::open(
            Method::Get,
            "/.well-known/jwks.json",
            Surface::Operations,
            "public keys are for everybody",
            Audit::Nothing("nobody's data is touched"),
            jwks,
        )
        .says("The public keys of access tokens (JWK Set, RFC 7517)")
        .gives::<authn::token::Jwks>(200),
    ]
}

/// What somebody shows: e-mail address and password, with a second factor where one is needed; or
/// the ticket of a sign-in that waits for it, with that.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shown {
    email: Option<String>,
    #[schemars(with = "Option<String>")]
    password: Option<SecretString>,
    /// From the answer `second-factor-required`.
    #[schemars(with = "Option<String>")]
    ticket: Option<SecretString>,
    /// Six digits of an authenticator app.
    #[schemars(with = "Option<String>")]
    code: Option<SecretString>,
    #[schemars(with = "Option<String>")]
    recovery_code: Option<SecretString>,
}

/// The first thing that is shown.
enum First {
    Password(Credentials),
    Ticket(SecretString),
}

impl Shown {
    fn read(self) -> Result<(First, Option<SecondFactor>), Failure> {
        let second = match (self.code, self.recovery_code) {
            (Some(_), Some(_)) => return Err(unfit("give \"code\" or \"recoveryCode\", not both")),
            (Some(code), None) => Some(SecondFactor::Code(code)),
            (None, Some(code)) => Some(SecondFactor::Recovery(code)),
            (None, None) => None,
        };
        let first = match (self.email, self.password, self.ticket) {
            (Some(email), Some(password), None) => First::Password(Credentials { email, password }),
            (None, None, Some(_)) if second.is_none() => {
                return Err(unfit("a ticket needs a \"code\" or a \"recoveryCode\" beside it"));
            }
            (None, None, Some(ticket)) => First::Ticket(ticket),
            _ => return Err(unfit("give \"email\" and \"password\", or a \"ticket\"")),
        };
        Ok((first, second))
    }
}

fn unfit(detail: &str) -> Failure {
    Failure::new(ErrorKind::Invalid, "body-invalid", detail)
}

async fn token(call: OpenCall) -> Answer {
    let (first, second) = call.input.json::<Shown>()?.read()?;
    let app = &call.app;
    let tenant = app.tenants.tenant(call.input.path("tenant"));
    let admission = match (&tenant, first) {
        (None, first) => nowhere(&call, first).await?,
        (Some(tenant), First::Password(credentials)) => {
            by_password(&call, tenant, credentials, second).await?
        }
        (Some(tenant), First::Ticket(ticket)) => by_ticket(&call, tenant, &ticket, second).await?,
    };
    match admission {
        Admission::In(signed_in) => {
            let pair = app.tokens.issue(&app.tenants, app.session_policy(), signed_in).await?;
            reply::ok(&pair)
        }
        Admission::Wanted { wanted: Wanted::SecondFactor, ticket } => {
            let detail = "a second factor is needed: send \"ticket\" from this answer with \
                          \"code\" or \"recoveryCode\"";
            let kind = ErrorKind::Unauthenticated;
            let failure = Failure::new(kind, "second-factor-required", detail);
            Ok(problem::with_ticket(&failure, &call.input.context, &ticket))
        }
        Admission::Wanted { wanted: Wanted::Enrolment, .. } => {
            let detail = format!(
                "you must set up a second factor first: sign in with a browser at {}/t/{}/login",
                app.base_url(),
                tenant.map(|tenant| tenant.slug.to_string()).unwrap_or_default()
            );
            let kind = ErrorKind::Denied;
            Err(Failure::new(kind, "second-factor-enrolment-required", detail))
        }
    }
}

/// Whether a tenant exists must not show, by time either.
async fn nowhere(call: &OpenCall, first: First) -> Result<Admission, AuthnError> {
    let (app, request) = (&call.app, call.input.context.clone());
    let asked = call.input.path("tenant");
    match first {
        First::Password(credentials) => {
            let (tenants, hasher) = (&app.tenants, &app.hasher);
            authn::sign_in_nowhere(tenants, hasher, asked, credentials, request).await
        }
        First::Ticket(_) => {
            app.tenants.record_bad_credential(&request, call.input.route.label()).await;
            Err(AuthnError::Ticket)
        }
    }
}

async fn by_password(
    call: &OpenCall,
    tenant: &Tenant,
    credentials: Credentials,
    second: Option<SecondFactor>,
) -> Result<Admission, AuthnError> {
    let (app, request) = (&call.app, call.input.context.clone());
    let (tenants, hasher) = (&app.tenants, &app.hasher);
    let first = authn::sign_in(tenants, hasher, tenant, credentials, Client::Api, request).await?;
    match (first, second) {
        (Admission::Wanted { wanted: Wanted::SecondFactor, ticket }, Some(second)) => {
            let (realm, request) = (Realm::Tenant(tenant.id), call.input.context.clone());
            authn::second_factor(tenants, realm, &ticket, second, request).await
        }
        (first, _) => Ok(first),
    }
}

async fn by_ticket(
    call: &OpenCall,
    tenant: &Tenant,
    ticket: &SecretString,
    second: Option<SecondFactor>,
) -> Result<Admission, AuthnError> {
    let (tenants, realm) = (&call.app.tenants, Realm::Tenant(tenant.id));
    let begun = authn::look_at_ticket(tenants, realm, ticket.expose_secret()).await?;
    // A sign-in that a browser began ends in a browser.
    let ours = begun.is_some_and(|begun| begun.client == Client::Api);
    let second = second.filter(|_| ours).ok_or(AuthnError::Ticket)?;
    let request = call.input.context.clone();
    authn::second_factor(tenants, realm, ticket.expose_secret(), second, request).await
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refresh {
    #[schemars(with = "String")]
    refresh_token: SecretString,
}

async fn refresh(call: OpenCall) -> Answer {
    let Refresh { refresh_token } = call.input.json()?;
    let (app, request) = (&call.app, call.input.context.clone());
    let done = match app.tenants.tenant(call.input.path("tenant")) {
        None => Err(AuthnError::RefreshToken),
        Some(tenant) => {
            let (policy, token) = (app.session_policy(), refresh_token.expose_secret());
            app.tokens.refresh(&app.tenants, policy, &tenant, token, request).await
        }
    };
    if let Err(AuthnError::RefreshToken) = &done {
        let route = call.input.route.label();
        app.tenants.record_bad_credential(&call.input.context, route).await;
    }
    reply::ok(&done?)
}

async fn logout(call: Call<AccountWithdraw>) -> Answer {
    if !matches!(call.principal(), Principal::User { .. }) {
        let detail = "an API key has no session to end: revoke the key instead";
        return Err(Failure::new(ErrorKind::Invalid, "no-session", detail));
    }
    authn::end_session(&call.app.tenants, call.grant.caller()).await?;
    reply::nothing()
}

async fn jwks(call: OpenCall) -> Answer {
    let keys = call.app.tokens.jwks(&call.app.tenants).await?;
    let mut answer = reply::ok(&keys)?;
    let kept = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    put(answer.headers_mut(), "cache-control", &kept);
    Ok(answer)
}
