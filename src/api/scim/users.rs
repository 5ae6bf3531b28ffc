//! `/scim/v2/Users`

use actix_web::http::StatusCode;

use super::reply::{self, Parameters, SearchRequest};
use crate::audit::catalogue as c;
use crate::authz::permission::ScimProvision;
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::scim::{self, Asked};

const ALL: &str = "/scim/v2/Users";
const SEARCH: &str = "/scim/v2/Users/.search";
const ONE: &str = "/scim/v2/Users/{id}";

const READS: Audit = Audit::Nothing("only what provisioning itself has sent");
const MADE: Audit = Audit::Events(&[
    c::USER_CREATED,
    c::USER_UPDATED,
    c::EMAIL_CHANGED,
    c::ROLE_CHANGED,
    c::USER_DISABLED,
    c::USER_ENABLED,
]);
const REMOVED: Audit = Audit::Events(&[c::USER_DISABLED, c::USER_UPDATED]);

pub const LIST: &[(&str, &str)] = &[
    ("filter", "RFC 7644, 3.4.2.2, for example userName eq \"kim@example.org\""),
    ("startIndex", "1-based"),
    ("count", "up to 200"),
    ("attributes", "only these, separated by commas"),
    ("excludedAttributes", "all but these"),
];

pub fn routes() -> Vec<Route> {
    vec![
        Route::scim(Method::Get, ALL, READS, list)
            .says("Members that provisioning keeps")
            .parameters(LIST),
        Route::scim(Method::Post, ALL, MADE, create).says("Provision a member"),
        // Before an id, which takes any name.
        Route::scim(Method::Post, SEARCH, READS, search).says("Search provisioned members"),
        Route::scim(Method::Get, ONE, READS, find).says("One provisioned member"),
        Route::scim(Method::Put, ONE, MADE, replace).says("Replace a provisioned member"),
        Route::scim(Method::Patch, ONE, MADE, patch).says("Change a provisioned member"),
        Route::scim(Method::Delete, ONE, REMOVED, delete)
            .says("Disable a provisioned member and forget what the provider said about them")
            .gives_nothing(),
    ]
}

type ScimCall = Call<ScimProvision>;

async fn list(call: ScimCall) -> Answer {
    let asked = call.input.query::<Parameters>()?.asked();
    found(&call, asked).await
}

async fn search(call: ScimCall) -> Answer {
    let asked = call.input.json::<SearchRequest>()?.asked();
    found(&call, asked).await
}

async fn found(call: &ScimCall, asked: Asked) -> Answer {
    let app = &call.app;
    let _turn = match asked.filter {
        Some(_) => Some(app.scim_searches.take(call.grant.realm()).await),
        None => None,
    };
    reply::ok(&scim::list_users(&app.tenants, &call.grant, app.base_url(), asked).await?)
}

async fn create(call: ScimCall) -> Answer {
    let (app, view, body) = (&call.app, reply::view(&call.input)?, call.input.json()?);
    let made = scim::create_user(&app.tenants, &call.grant, app.base_url(), &body).await?;
    reply::resource(StatusCode::CREATED, made, &view)
}

async fn find(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let found = scim::find_user(&app.tenants, &call.grant, app.base_url(), id).await?;
    reply::fresh(&call.input, found, &view)
}

async fn replace(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let (condition, body) = (reply::if_match(&call.input), call.input.json()?);
    let base = app.base_url();
    let now = scim::replace_user(&app.tenants, &call.grant, base, id, condition, &body).await?;
    reply::resource(StatusCode::OK, now, &view)
}

async fn patch(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let (condition, body) = (reply::if_match(&call.input), call.input.json()?);
    let base = app.base_url();
    let now = scim::patch_user(&app.tenants, &call.grant, base, id, condition, &body).await?;
    reply::resource(StatusCode::OK, now, &view)
}

async fn delete(call: ScimCall) -> Answer {
    let (app, id, condition) = (&call.app, call.input.id("id")?, reply::if_match(&call.input));
    scim::delete_user(&app.tenants, &call.grant, app.base_url(), id, condition).await?;
    crate::api::reply::nothing()
}
