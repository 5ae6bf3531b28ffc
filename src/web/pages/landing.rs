//! `/`: which organisation does somebody want to sign in to?

use serde::Deserialize;

use crate::http::call::OpenCall;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::tenants::Slug;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::public::LandingPage;
use crate::web::{frame, respond};
use crate::{admins, authn};

const QUIET: Audit = Audit::Nothing("nobody's data is touched");
const WHY: &str = "the way to sign-in";

pub fn routes() -> Vec<Route> {
    vec![
        Route::open(Method::Get, "/", Surface::Console, WHY, QUIET, show).says("Start page"),
        Route::open(Method::Post, "/", Surface::Console, WHY, QUIET, choose)
            .says("Go to an organisation's sign-in"),
        Route::open(Method::Get, "/t/{tenant}", Surface::Console, WHY, QUIET, add_slash)
            .says("To a tenant's home page"),
        Route::open(Method::Get, "/platform", Surface::Platform, WHY, QUIET, add_slash)
            .says("To the platform's home page"),
    ]
}

async fn show(call: OpenCall) -> Answer {
    // Somebody who is signed in wants their console.
    if let Some(cookie) = call.input.cookie(crate::http::call::TENANT_COOKIE)
        && let Ok(principal) =
            authn::session_holder(&call.app.tenants, call.app.session_policy(), &cookie).await
        && let Some(tenant) = principal.tenant().and_then(|id| call.app.tenants.tenant_by_id(id))
    {
        return Ok(respond::see_other(&format!("/t/{}/", tenant.slug)));
    }
    let needs_setup = !admins::any(&call.app.tenants).await?;
    let title = if needs_setup { "landing-setup-title" } else { "landing-title" };
    let make = |chrome| LandingPage { chrome, needs_setup, slug: Field::default() };
    frame::open_page(&call, title, make, respond::page)
}

/// `/t/acme` and `/platform`: people leave out the slash at the end.
async fn add_slash(call: OpenCall) -> Answer {
    Ok(respond::see_other(&format!("{}/", call.input.request.path())))
}

#[derive(Deserialize)]
struct Form {
    slug: String,
}

async fn choose(call: OpenCall) -> Answer {
    let form: Form = call.input.form()?;
    let wanted = form.slug.trim().to_ascii_lowercase();
    match wanted.parse::<Slug>() {
        Ok(slug) => Ok(respond::see_other(&format!("/t/{slug}/login"))),
        Err(_) => {
            let slug = Field::wrong(wanted, FieldError::SlugFormat);
            let make = |chrome| LandingPage { chrome, needs_setup: false, slug };
            frame::open_page(&call, "landing-title", make, respond::refused)
        }
    }
}
