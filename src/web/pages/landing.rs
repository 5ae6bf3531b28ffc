//! `/`: which organisation does somebody want to sign in to?

use serde::Deserialize;

use crate::authn;
use crate::http::call::OpenCall;
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::tenants::Slug;
use crate::web::view::form::{Field, FieldError};
use crate::web::view::public::LandingPage;
use crate::web::{frame, respond};

const QUIET: Audit = Audit::Nothing("nobody's data is touched");
const WHY: &str = "the way to sign-in";

pub fn routes() -> Vec<Route> {
    vec![
        Route::open(Method::Get, "/", Surface::Console, WHY, QUIET, show).says("Start page"),
        Route::open(Method::Post, "/", Surface::Console, WHY, QUIET, choose)
            .says("Go to an organisation's sign-in"),
    ]
}

async fn show(call: OpenCall) -> Answer {
    // Somebody who is signed in wants their console.
    if let Some(cookie) = call.input.cookie(crate::http::call::TENANT_COOKIE)
        && let Ok(principal) =
            authn::session(&call.app.tenants, call.app.session_policy(), &cookie).await
        && let Some(tenant) = principal.tenant().and_then(|id| call.app.tenants.tenant_by_id(id))
    {
        return Ok(respond::see_other(&format!("/t/{}/", tenant.slug)));
    }
    let slug = Field::default();
    frame::open_page(&call, "landing-title", |chrome| LandingPage { chrome, slug }, respond::page)
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
            let make = |chrome| LandingPage { chrome, slug };
            frame::open_page(&call, "landing-title", make, respond::refused)
        }
    }
}
