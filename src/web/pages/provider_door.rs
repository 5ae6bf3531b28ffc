//! The ways in by an identity provider, before anybody is known.

use serde::Deserialize;

use super::by_mail::Here;
use super::sign_in;
use crate::http::call::OpenCall;
use crate::http::failure::Failure;
use crate::http::headers::put;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::sso::{self, Offered};
use crate::web::messages::Messages;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::public_sso::{ProviderButton, ProviderDoor, ToProviderPage};
use crate::web::{frame, respond};

const FIND: &str = "/t/{tenant}/login/find";
const WHY: &str = "signing in is how one becomes known";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("a list of domains; nobody's data is touched");
    vec![
        Route::open(Method::Post, FIND, Surface::Console, WHY, quiet, find)
            .says("Find the identity provider that answers for an e-mail address"),
    ]
}

/// What a sign-in page offers; nothing on the platform's, and on that of a tenant that is not there.
pub async fn of(
    call: &OpenCall,
    here: &Here,
    only: bool,
    has_problem: bool,
) -> Result<ProviderDoor, Failure> {
    let Some(tenant) = &here.tenant else { return Ok(ProviderDoor::default()) };
    let offered = sso::offered(&call.app.tenants, tenant).await?;
    let asked: Vec<(String, String)> =
        serde_urlencoded::from_str(call.input.request.query_string()).unwrap_or_default();
    // What was wrong was sent with the form.
    let emergency = only && (has_problem || asked.iter().any(|(name, _)| name == "emergency"));
    let find = (offered.len() > 1).then(Field::default);
    let providers = offered.into_iter().map(|offered| button(here, offered)).collect();
    Ok(ProviderDoor { providers, only, emergency, find })
}

fn button(here: &Here, offered: Offered) -> ProviderButton {
    ProviderButton { href: format!("{}/sso/{}", here.base, offered.id), name: offered.name }
}

#[derive(Deserialize)]
struct Form {
    work_email: String,
}

/// Where somebody with this address signs in. Its domain alone decides: members and others are
/// answered alike.
async fn find(call: OpenCall) -> Answer {
    let Form { work_email } = call.input.form()?;
    let here = Here::of(&call);
    let found = match &here.tenant {
        Some(tenant) => sso::for_address(&call.app.tenants, tenant, &work_email).await?,
        None => None,
    };
    let Some(offered) = found else {
        let none = FieldError::Other(Messages::english().text("find-provider-none").into_owned());
        return sign_in::show_not_found(&call, Field::wrong(work_email, none)).await;
    };
    let provider = button(&here, offered);
    let (next, back) = (provider.href.clone(), here.sign_in().href);
    let make = |chrome| ToProviderPage { chrome, provider, back };
    let mut answer = frame::open_page(&call, "to-provider-title", make, respond::page)?;
    put(answer.headers_mut(), "refresh", &format!("0; url={next}"));
    Ok(answer)
}
