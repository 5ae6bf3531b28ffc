//! `/scim/v2/Groups`

use actix_web::http::StatusCode;

use super::reply::{self, Parameters, SearchRequest};
use super::users::LIST;
use crate::audit::catalogue as c;
use crate::authz::permission::ScimProvision;
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::scim::{self, Asked};

const ALL: &str = "/scim/v2/Groups";
const SEARCH: &str = "/scim/v2/Groups/.search";
const ONE: &str = "/scim/v2/Groups/{id}";

const READS: Audit = Audit::Nothing("only what provisioning itself has sent");
/// Roles follow groups.
const MADE: Audit =
    Audit::Events(&[c::GROUP_CREATED, c::ROLE_CHANGED, c::USER_DISABLED, c::USER_ENABLED]);
const CHANGED: Audit =
    Audit::Events(&[c::GROUP_CHANGED, c::ROLE_CHANGED, c::USER_DISABLED, c::USER_ENABLED]);
const REMOVED: Audit =
    Audit::Events(&[c::GROUP_DELETED, c::ROLE_CHANGED, c::USER_DISABLED, c::USER_ENABLED]);

pub fn routes() -> Vec<Route> {
    vec![
        Route::scim(Method::Get, ALL, READS, list)
            .says("Groups that provisioning keeps")
            .parameters(LIST),
        Route::scim(Method::Post, ALL, MADE, create).says("Provision a group"),
        // Before an id, which takes any name.
        Route::scim(Method::Post, SEARCH, READS, search).says("Search provisioned groups"),
        Route::scim(Method::Get, ONE, READS, find).says("One provisioned group"),
        Route::scim(Method::Put, ONE, CHANGED, replace).says("Replace a group and who is in it"),
        Route::scim(Method::Patch, ONE, CHANGED, patch).says("Change a group or who is in it"),
        Route::scim(Method::Delete, ONE, REMOVED, delete)
            .says("Delete a group; roles follow")
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
    reply::ok(&scim::list_groups(&app.tenants, &call.grant, app.base_url(), asked).await?)
}

async fn create(call: ScimCall) -> Answer {
    let (app, view, body) = (&call.app, reply::view(&call.input)?, call.input.json()?);
    let made = scim::create_group(&app.tenants, &call.grant, app.base_url(), &body).await?;
    reply::resource(StatusCode::CREATED, made, &view)
}

async fn find(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let found = scim::find_group(&app.tenants, &call.grant, app.base_url(), id, &view).await?;
    reply::fresh(&call.input, found, &view)
}

async fn replace(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let (condition, body) = (reply::if_match(&call.input), call.input.json()?);
    let base = app.base_url();
    let now = scim::replace_group(&app.tenants, &call.grant, base, id, condition, &body).await?;
    reply::resource(StatusCode::OK, now, &view)
}

/// Without attributes asked for there is no body (RFC 7644, 3.5.2): a group may be large.
async fn patch(call: ScimCall) -> Answer {
    let (app, view, id) = (&call.app, reply::view(&call.input)?, call.input.id("id")?);
    let (condition, body) = (reply::if_match(&call.input), call.input.json()?);
    let (base, quiet) = (app.base_url(), view.is_everything());
    let with_members = !quiet && view.shows("members");
    let (tenants, grant) = (&app.tenants, &call.grant);
    let now = scim::patch_group(tenants, grant, base, id, condition, with_members, &body).await?;
    if !quiet {
        return reply::resource(StatusCode::OK, now, &view);
    }
    let mut response = crate::api::reply::nothing()?;
    crate::http::headers::put(response.headers_mut(), "etag", &now.version);
    Ok(response)
}

async fn delete(call: ScimCall) -> Answer {
    let (id, condition) = (call.input.id("id")?, reply::if_match(&call.input));
    scim::delete_group(&call.app.tenants, &call.grant, id, condition).await?;
    crate::api::reply::nothing()
}
