//! Becoming a member: behind an invitation, or by registering.

use actix_web::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::by_mail::{Here, Query, in_the_background, said};
use super::with_notice;
use crate::audit::catalogue;
use crate::authz::{Denied, TenantState};
use crate::http::call::OpenCall;
use crate::http::limits::RateClass;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::tenants::Tenant;
use crate::users::{self, Newcomer, Registration, UserError};
use crate::web::problems::{PASSWORD_MIN, PersonFields, sentence};
use crate::web::view::form::{Field, FieldError};
use crate::web::view::links::{JoinPage, RegisterPage};
use crate::web::view::query::href;
use crate::web::view::state::Notice;
use crate::web::{frame, respond};

const WHY: &str = "the one-time link is the credential";
const WHY_REGISTER: &str = "whoever registers is not a member yet";
const JOIN: &str = "/t/{tenant}/join";
const REGISTER: &str = "/t/{tenant}/register";
const CONFIRM: &str = "/t/{tenant}/register/confirm";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("a page; nothing is used up by opening it");
    let asked = Audit::Events(&[catalogue::EMAIL_VERIFICATION_REQUESTED]);
    let created = Audit::Events(&[catalogue::USER_CREATED]);
    let (get, post, console) = (Method::Get, Method::Post, Surface::Console);
    vec![
        Route::open(get, JOIN, console, WHY, quiet, show_join).says("Look at an invitation"),
        Route::open(post, JOIN, console, WHY, created, join)
            .says("Accept an invitation")
            .rate(RateClass::Mail),
        Route::open(get, REGISTER, console, WHY_REGISTER, quiet, show_register)
            .says("Registration page of a tenant"),
        Route::open(post, REGISTER, console, WHY_REGISTER, asked, register)
            .says("Send a link to somebody who registers")
            .rate(RateClass::Registration),
        Route::open(get, CONFIRM, console, WHY, quiet, show_confirm)
            .says("Choose a password after registering"),
        Route::open(post, CONFIRM, console, WHY, created, confirm)
            .says("Become a member after registering")
            .rate(RateClass::Mail),
    ]
}

/// What is known of somebody behind a link, before they say more.
struct Known {
    email: String,
    name: String,
    role: Option<String>,
}

async fn invited(
    call: &OpenCall,
    tenant: &Tenant,
    token: &str,
) -> Result<Option<Known>, UserError> {
    let found = users::look_at_invitation(&call.app.tenants, tenant, token).await?;
    Ok(found.map(|found| Known {
        email: found.email,
        name: found.name.unwrap_or_default(),
        role: Some(found.role),
    }))
}

fn over(call: &OpenCall, here: &Here) -> Answer {
    said(call, StatusCode::NOT_FOUND, "link-over-title", "join-over-text", here.sign_in())
}

async fn show_join(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let Some(tenant) = &here.tenant else { return over(&call, &here) };
    match invited(&call, tenant, &token).await? {
        Some(known) => {
            let person = PersonFields::new(&known.name, &known.email);
            page(&call, tenant, &token, known, person, Field::default())
        }
        None => over(&call, &here),
    }
}

fn page(
    call: &OpenCall,
    tenant: &Tenant,
    token: &str,
    known: Known,
    person: PersonFields,
    password_again: Field,
) -> Answer {
    let action = href(call.input.request.path(), &[("token", token)]);
    let PersonFields { name, password, .. } = person;
    let fields = [&name, &password, &password_again];
    let wrong = fields.iter().any(|field| field.error.is_some());
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (place, email, role) = (tenant.name.clone(), known.email, known.role);
    let make = |chrome| JoinPage {
        chrome,
        place,
        email,
        role,
        action,
        name,
        password,
        password_again,
        password_min: PASSWORD_MIN,
    };
    frame::open_page(call, "join-title", make, |page| respond::page_with(status, page))
}

#[derive(Deserialize)]
struct Form {
    name: String,
    password: SecretString,
    password_again: SecretString,
}

async fn join(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let Some(tenant) = &here.tenant else { return over(&call, &here) };
    let Some(known) = invited(&call, tenant, &token).await? else { return over(&call, &here) };
    become_member(&call, &here, tenant, &token, known).await
}

/// Both ways end alike: a member, who signs in next.
async fn become_member(
    call: &OpenCall,
    here: &Here,
    tenant: &Tenant,
    token: &str,
    known: Known,
) -> Answer {
    let Form { name, password, password_again } = call.input.form()?;
    let mut person = PersonFields::new(&name, &known.email);
    if password.expose_secret() != password_again.expose_secret() {
        let again = Field::wrong(String::new(), FieldError::PasswordsDiffer);
        return page(call, tenant, token, known, person, again);
    }
    let (app, request, who) = (&call.app, call.input.context.clone(), Newcomer { name, password });
    let (tenants, hasher) = (&app.tenants, &app.hasher);
    let done = match known.role {
        Some(_) => users::join(tenants, hasher, tenant, token, who, request).await,
        None => users::confirm_registration(tenants, hasher, tenant, token, who, request).await,
    };
    match done {
        Ok(_) => {
            let login = with_notice(&format!("{}/login", here.base), Notice::Joined);
            Ok(respond::see_other(&login))
        }
        Err(UserError::Link | UserError::Taken | UserError::Domain | UserError::Role(_)) => {
            over(call, here)
        }
        Err(error) if person.mark(&error) => {
            page(call, tenant, token, known, person, Field::default())
        }
        Err(error) => Err(error.into()),
    }
}

async fn show_register(call: OpenCall) -> Answer {
    register_page(&call, PersonFields::default()).await
}

async fn register_page(call: &OpenCall, person: PersonFields) -> Answer {
    let here = Here::of(call);
    // What a tenant does not offer, and a tenant that is not there, look the same.
    let ways = here.ways(call).await?;
    if !ways.register || here.tenant.is_none() {
        let (title, text) = ("register-off-title", "register-off-text");
        return said(call, StatusCode::NOT_FOUND, title, text, here.sign_in());
    }
    let PersonFields { name, email, .. } = person;
    let wrong = name.error.is_some() || email.error.is_some();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (slug, back) = (call.input.path("tenant").to_owned(), here.sign_in().href);
    let action = call.input.request.path().to_owned();
    let make = |chrome| RegisterPage { chrome, slug, action, name, email, back };
    frame::open_page(call, "register-title", make, |page| respond::page_with(status, page))
}

#[derive(Deserialize)]
struct RegisterForm {
    name: String,
    email: String,
}

async fn register(call: OpenCall) -> Answer {
    let RegisterForm { name, email } = call.input.form()?;
    let (here, mut person) = (Here::of(&call), PersonFields::new(&name, &email));
    let ways = here.ways(&call).await?;
    let Some(tenant) = here.tenant.as_ref().filter(|_| ways.register) else {
        return register_page(&call, person).await;
    };
    if tenant.state == TenantState::Frozen {
        return Err(Denied::Frozen.into());
    }
    match users::check_registration(&call.app.tenants, tenant, &name, &email).await {
        Ok(()) => {
            let (app, tenant) = (call.app.clone(), tenant.clone());
            let request = call.input.context.clone();
            in_the_background(async move {
                Ok(users::register(&app.tenants, &tenant, &name, &email, request).await?)
            });
            let (title, text) = ("link-sent-title", "register-sent-text");
            said(&call, StatusCode::OK, title, text, here.sign_in())
        }
        Err(error @ UserError::Domain) => {
            person.email.error = Some(sentence(&error.to_string()));
            register_page(&call, person).await
        }
        Err(error) if person.mark(&error) => register_page(&call, person).await,
        Err(error) => Err(error.into()),
    }
}

async fn show_confirm(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let Some(tenant) = &here.tenant else { return over(&call, &here) };
    match users::look_at_registration(&call.app.tenants, tenant, &token).await? {
        Registration::New { email, name } => {
            let person = PersonFields::new(&name, &email);
            let known = Known { email, name, role: None };
            page(&call, tenant, &token, known, person, Field::default())
        }
        Registration::Member => {
            let (title, text) = ("register-member-title", "register-member-text");
            said(&call, StatusCode::OK, title, text, here.sign_in())
        }
        Registration::Over => over(&call, &here),
    }
}

async fn confirm(call: OpenCall) -> Answer {
    let Query { token } = call.input.query()?;
    let here = Here::of(&call);
    let Some(tenant) = &here.tenant else { return over(&call, &here) };
    match users::look_at_registration(&call.app.tenants, tenant, &token).await? {
        Registration::New { email, name } => {
            let known = Known { email, name, role: None };
            become_member(&call, &here, tenant, &token, known).await
        }
        Registration::Member | Registration::Over => over(&call, &here),
    }
}
