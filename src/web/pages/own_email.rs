//! Changing one's own e-mail address.

use actix_web::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

use super::by_mail::{Here, Query, said};
use super::{also, with_notice};
use crate::audit::catalogue;
use crate::authn::{self, AuthnError};
use crate::authz::Permission;
use crate::authz::permission::{AccountRead, AccountWrite};
use crate::http::call::{Call, OpenCall};
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::users;
use crate::web::view::chrome::Section;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::links::{EmailPage, OpenLinkPage};
use crate::web::view::query::href;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const WHY: &str = "the one-time link is the credential";
const PAGE: &str = "/t/{tenant}/account/email";
const CONFIRM: &str = "/t/{tenant}/email";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("people see their own address, nobody else's");
    let opened = Audit::Nothing("a page; nothing is used up by opening it");
    let asked = Audit::Events(&[catalogue::EMAIL_VERIFICATION_REQUESTED]);
    let changed = Audit::Events(&[catalogue::EMAIL_CHANGED]);
    let console = Surface::Console;
    vec![
        Route::console(Method::Get, PAGE, quiet, show).says("Change one's own e-mail address"),
        Route::console(Method::Post, PAGE, asked, ask)
            .says("Send a link to one's new e-mail address")
            .sensitive()
            .rate(RateClass::SignIn),
        Route::open(Method::Get, CONFIRM, console, WHY, opened, show_confirm)
            .says("Look at the link that was sent to a new e-mail address"),
        Route::open(Method::Post, CONFIRM, console, WHY, changed, confirm)
            .says("Confirm a new e-mail address")
            .rate(RateClass::Mail),
    ]
}

async fn show(call: Call<AccountRead>) -> Answer {
    page(&call, Field::default(), Field::default()).await
}

async fn page<P: Permission>(call: &Call<P>, email: Field, current: Field) -> Answer {
    let me = users::own(&call.app.tenants, &also::<_, AccountRead>(call)?).await?;
    let wrong = email.error.is_some() || current.error.is_some();
    let mails = call.app.mailer.is_configured();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let chrome = frame::tenant(call, "account-email-title", Section::Account).await?;
    let now = me.email;
    respond::page_with(status, &EmailPage { chrome, mails, now, email, current })
}

#[derive(Deserialize)]
struct Form {
    email: String,
    current: SecretString,
}

async fn ask(call: Call<AccountWrite>) -> Answer {
    let Form { email, current } = call.input.form()?;
    let mails = call.app.mailer.is_configured();
    if !mails || users::check_email(email.trim()).is_err() {
        return page(&call, Field::wrong(email, FieldError::Email), Field::default()).await;
    }
    let (app, base) = (&call.app, format!("/t/{}", call.tenant.slug));
    let asked =
        authn::ask_for_address(&app.tenants, &app.hasher, &call.grant, &base, current, &email);
    match asked.await {
        Ok(()) => {
            let account = format!("{base}/account");
            Ok(respond::see_other(&with_notice(&account, Notice::EmailAsked)))
        }
        Err(AuthnError::WrongPassword) => {
            let current = Field::wrong(String::new(), FieldError::PasswordWrong);
            page(&call, Field::value(email), current).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn show_confirm(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let address = match here.realm {
        Some(realm) => authn::look_at_address_link(&call.app.tenants, realm, &token).await?,
        None => None,
    };
    let Some(address) = address else { return over(&call, &here) };
    let action = href(call.input.request.path(), &[("token", &token)]);
    let (title, text, submit) = ("email-open-title", "email-open-text", "email-open-submit");
    let about = Some(address);
    let make = |chrome| OpenLinkPage { chrome, title, text, submit, about, action };
    frame::open_page(&call, title, make, respond::page)
}

fn over(call: &OpenCall, here: &Here) -> Answer {
    said(call, StatusCode::NOT_FOUND, "link-over-title", "email-over-text", here.sign_in())
}

async fn confirm(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let Some(realm) = here.realm else { return over(&call, &here) };
    let request = call.input.context.clone();
    match authn::confirm_address(&call.app.tenants, realm, &token, request).await {
        Ok(()) => {
            let login = format!("{}/login", here.base);
            Ok(respond::see_other(&with_notice(&login, Notice::EmailChanged)))
        }
        Err(AuthnError::Link) => over(&call, &here),
        Err(error) => Err(error.into()),
    }
}
