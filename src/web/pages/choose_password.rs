//! `/platform/password?token=…`: an administrator chooses a password behind a one-time link.

use std::sync::Arc;

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::with_notice;
use crate::admins::{self, AdminError};
use crate::audit::catalogue;
use crate::authn::{self, AuthnError, LinkFor};
use crate::authz::permission::PlatformAdminManage;
use crate::authz::{Caller, Principal};
use crate::http::call::OpenCall;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::users::UserError;
use crate::web::problems::{self, PASSWORD_MIN};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::platform::ChoosePasswordPage;
use crate::web::view::setup::{SetupLinkPage, SetupLinkProblem};
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const WHY: &str = "the one-time link is the credential";
const PATH: &str = "/platform/password";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("a form; nobody's data is touched");
    let changed = Audit::Events(&[catalogue::PASSWORD_CHANGED]);
    vec![
        Route::open(Method::Get, PATH, Surface::Platform, WHY, quiet, show)
            .says("Choose a password behind a one-time link"),
        Route::open(Method::Post, PATH, Surface::Platform, WHY, changed, choose)
            .says("Set the chosen password")
            .rate(RateClass::SignIn),
    ]
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct Form {
    password: SecretString,
    password_again: SecretString,
}

async fn show(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    match authn::look_at_link(&call.app.tenants, &token).await? {
        Some(LinkFor::Password(_)) => form(&call, &token, Field::default(), Field::default()),
        _ => expired(&call),
    }
}

fn form(call: &OpenCall, token: &str, password: Field, password_again: Field) -> Answer {
    let wrong = password.error.is_some() || password_again.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let action = crate::web::view::query::href(PATH, &[("token", token)]);
    let password_min = PASSWORD_MIN;
    let make =
        |chrome| ChoosePasswordPage { chrome, action, password, password_again, password_min };
    frame::open_page(call, "choose-password-title", make, |page| respond::page_with(status, page))
}

fn expired(call: &OpenCall) -> Answer {
    let problem = SetupLinkProblem::Password;
    let make = |chrome| SetupLinkPage { chrome, problem };
    frame::open_page(call, "setup-link-expired-title", make, |page| {
        respond::page_with(StatusCode::NOT_FOUND, page)
    })
}

async fn choose(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let sent: Form = call.input.form()?;
    if sent.password.expose_secret() != sent.password_again.expose_secret() {
        let again = Field::wrong(String::new(), FieldError::PasswordsDiffer);
        return form(&call, &token, Field::default(), again);
    }
    let (tenants, request) = (&call.app.tenants, call.input.context.clone());
    let caller = Arc::new(Caller { principal: Principal::SetupLink, request });
    let route = call.input.route.label();
    let grant = tenants.authorize_platform::<PlatformAdminManage>(&caller, route).await?;
    let hasher = &call.app.hasher;
    match admins::choose_password(tenants, hasher, &grant, token.clone(), sent.password).await {
        Ok(()) => Ok(respond::see_other(&with_notice("/platform/login", Notice::PasswordSet))),
        Err(AdminError::User(UserError::Password(error))) => {
            let error = problems::password(error);
            form(&call, &token, Field::wrong(String::new(), error), Field::default())
        }
        Err(AdminError::Link(AuthnError::SetupLink)) => expired(&call),
        Err(error) => Err(error.into()),
    }
}
