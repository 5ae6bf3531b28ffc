//! One's own account: who one is, password, sessions.

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{also, with_notice};
use crate::audit::catalogue;
use crate::authz::permission::{AccountRead, AccountWrite};
use crate::authz::{Permission, Principal};
use crate::http::call::{Call, TENANT_COOKIE};
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::kernel::id::SessionId;
use crate::users::{self, OwnSession, UserError};
use crate::web::problems::{self, PASSWORD_MIN};
use crate::web::view::account::{AccountPage, PasswordForm, SessionRow};
use crate::web::view::chrome::Section;
use crate::web::view::form::FieldError;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/account";
const PASSWORD: &str = "/t/{tenant}/account/password";
const END: &str = "/t/{tenant}/account/sessions/{session}/end";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("people see their own name, address and sessions, nobody else's");
    let changed = Audit::Events(&[catalogue::PASSWORD_CHANGED]);
    let ended = Audit::Events(&[catalogue::SESSION_ENDED]);
    vec![
        Route::console(Method::Get, PATH, quiet, show).says("One's own account and sessions"),
        Route::console(Method::Post, PASSWORD, changed, change_password)
            .says("Change one's own password")
            .rate(RateClass::SignIn),
        Route::console(Method::Post, END, ended, end_session).says("End one of one's own sessions"),
    ]
}

async fn show(call: Call<AccountRead>) -> Answer {
    let form = PasswordForm { min: PASSWORD_MIN, ..PasswordForm::default() };
    page(&call, form, StatusCode::OK).await
}

async fn page<P: Permission>(call: &Call<P>, password: PasswordForm, status: StatusCode) -> Answer {
    let (tenants, grant) = (&call.app.tenants, also::<_, AccountRead>(call)?);
    let me = users::own(tenants, &grant).await?;
    let sessions = users::own_sessions(tenants, &grant).await?;
    let page = AccountPage {
        chrome: frame::tenant(call, "nav-account", Section::Account).await?,
        name: me.name.unwrap_or_default(),
        email: me.email.unwrap_or_default(),
        role: me.role,
        id: me.id.to_string(),
        password,
        sessions: sessions.into_iter().map(row).collect(),
    };
    respond::page_with(status, &page)
}

fn row(session: OwnSession) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        is_this: session.current,
        ip: session.ip,
        user_agent: session.user_agent,
        started: session.created,
        last_seen: session.seen,
    }
}

#[derive(Deserialize)]
struct Form {
    current: SecretString,
    password: SecretString,
    password_again: SecretString,
}

async fn change_password(call: Call<AccountWrite>) -> Answer {
    let Form { current, password, password_again } = call.input.form()?;
    let mut form = PasswordForm { min: PASSWORD_MIN, ..PasswordForm::default() };
    if password.expose_secret() != password_again.expose_secret() {
        form.password_again.error = Some(FieldError::PasswordsDiffer);
        return page(&call, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let app = &call.app;
    let changed =
        users::change_password(&app.tenants, &app.hasher, &call.grant, current, password).await;
    match changed {
        Ok(()) => {
            let here = format!("/t/{}/account", call.tenant.slug);
            return Ok(respond::see_other(&with_notice(&here, Notice::PasswordChanged)));
        }
        Err(UserError::WrongPassword) => form.current.error = Some(FieldError::PasswordWrong),
        Err(UserError::Password(error)) => form.password.error = Some(problems::password(error)),
        Err(error) => return Err(error.into()),
    }
    page(&call, form, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn end_session(call: Call<AccountWrite>) -> Answer {
    let ended: SessionId = call.input.id("session")?;
    users::end_own_session(&call.app.tenants, &call.grant, ended).await?;
    let own = matches!(call.principal(), Principal::User { session, .. } if *session == ended);
    let base = format!("/t/{}", call.tenant.slug);
    if own {
        let login = with_notice(&format!("{base}/login"), Notice::SessionEnded);
        return respond::without_cookie(respond::see_other(&login), TENANT_COOKIE);
    }
    let account = with_notice(&format!("{base}/account"), Notice::SessionEnded);
    Ok(respond::see_other(&account))
}
