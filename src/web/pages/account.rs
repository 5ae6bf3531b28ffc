//! One's own account: who one is, and the password. A member's and a platform administrator's.

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::with_notice;
use crate::app::App;
use crate::audit::catalogue;
use crate::authz::permission::{
    AccountRead, AccountWrite, PlatformAccountRead, PlatformAccountWrite,
};
use crate::authz::{Grant, Permission, Realm, Writes};
use crate::http::call::{Call, PlatformCall};
use crate::http::input::Input;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::sso;
use crate::users::{self, UserError};
use crate::web::problems::{self, PASSWORD_MIN};
use crate::web::view::account::{AccountPage, PasswordForm};
use crate::web::view::chrome::{Chrome, Section};
use crate::web::view::form::FieldError;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const PATH: &str = "/t/{tenant}/account";
const PASSWORD: &str = "/t/{tenant}/account/password";
const PLATFORM: &str = "/platform/account";
const PLATFORM_PASSWORD: &str = "/platform/account/password";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("people see their own name and address, nobody else's");
    let changed = Audit::Events(&[catalogue::PASSWORD_CHANGED]);
    vec![
        Route::console(Method::Get, PATH, quiet, show).says("One's own account"),
        Route::console(Method::Post, PASSWORD, changed, change)
            .says("Change one's own password")
            .sensitive()
            .rate(RateClass::SignIn),
        Route::platform(Method::Get, PLATFORM, quiet, platform_show)
            .says("A platform administrator's own account"),
        Route::platform(Method::Post, PLATFORM_PASSWORD, changed, platform_change)
            .says("Change a platform administrator's own password")
            .sensitive()
            .rate(RateClass::SignIn),
    ]
}

async fn show(call: Call<AccountRead>) -> Answer {
    let chrome = frame::tenant(&call, "nav-account", Section::Account).await?;
    page(&call.app, &call.grant, chrome, form(), StatusCode::OK).await
}

async fn platform_show(call: PlatformCall<PlatformAccountRead>) -> Answer {
    let chrome = frame::platform(&call, "nav-account", Section::PlatformAccount).await?;
    page(&call.app, &call.grant, chrome, form(), StatusCode::OK).await
}

async fn change(call: Call<AccountWrite>) -> Answer {
    let chrome = frame::tenant(&call, "nav-account", Section::Account).await?;
    change_password(&call.app, &call.input, &call.grant, chrome).await
}

async fn platform_change(call: PlatformCall<PlatformAccountWrite>) -> Answer {
    let chrome = frame::platform(&call, "nav-account", Section::PlatformAccount).await?;
    change_password(&call.app, &call.input, &call.grant, chrome).await
}

fn form() -> PasswordForm {
    PasswordForm { min: PASSWORD_MIN, ..PasswordForm::default() }
}

async fn page<P: Permission>(
    app: &App,
    grant: &Grant<P>,
    chrome: Chrome,
    password: PasswordForm,
    status: StatusCode,
) -> Answer {
    let own = users::own(&app.tenants, grant).await?;
    let users::Own { id, name, email, role, has_password, .. } = own;
    let is_member = matches!(grant.realm(), Realm::Tenant(_));
    // Another address takes the password.
    let may_change_email = is_member && has_password && app.mailer.is_configured();
    let by = sso::confirming(&app.tenants, &grant.caller().principal).await?;
    let provider = by.map(|by| by.provider.name);
    let password = has_password.then_some(password);
    let page = AccountPage { chrome, name, email, role, id, may_change_email, provider, password };
    respond::page_with(status, &page)
}

#[derive(Deserialize)]
struct Form {
    current: SecretString,
    password: SecretString,
    password_again: SecretString,
}

async fn change_password<P: Writes>(
    app: &App,
    input: &Input,
    grant: &Grant<P>,
    chrome: Chrome,
) -> Answer {
    let Form { current, password, password_again } = input.form()?;
    let mut form = form();
    if password.expose_secret() != password_again.expose_secret() {
        form.password_again.error = Some(FieldError::PasswordsDiffer);
        return page(app, grant, chrome, form, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let done = users::change_password(&app.tenants, &app.hasher, grant, current, password).await;
    match done {
        Ok(()) => {
            let here = format!("{}/account", chrome.base());
            return Ok(respond::see_other(&with_notice(&here, Notice::PasswordChanged)));
        }
        Err(UserError::WrongPassword) => form.current.error = Some(FieldError::PasswordWrong),
        Err(UserError::Password(error)) => form.password.error = Some(problems::password(error)),
        Err(error) => return Err(error.into()),
    }
    page(app, grant, chrome, form, StatusCode::UNPROCESSABLE_ENTITY).await
}
