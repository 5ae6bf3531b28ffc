//! What this server says about itself: `ServiceProviderConfig`, `ResourceTypes`, `Schemas`.

use serde_json::{Value, json};

use super::reply;
use crate::authz::permission::ScimProvision;
use crate::http::call::Call;
use crate::http::failure::Failure;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::scim::{Found, schema};

const READS: Audit = Audit::Nothing("what every server of this release says");

pub fn routes() -> Vec<Route> {
    vec![
        Route::scim(Method::Get, "/scim/v2/ServiceProviderConfig", READS, config)
            .says("What provisioning here can do"),
        Route::scim(Method::Get, "/scim/v2/ResourceTypes", READS, resource_types)
            .says("The types of resources"),
        Route::scim(Method::Get, "/scim/v2/ResourceTypes/{id}", READS, resource_type)
            .says("One type of resources"),
        Route::scim(Method::Get, "/scim/v2/Schemas", READS, schemas).says("The schemas"),
        Route::scim(Method::Get, "/scim/v2/Schemas/{id}", READS, one_schema).says("One schema"),
    ]
}

async fn config(call: Call<ScimProvision>) -> Answer {
    reply::ok(&schema::config(call.app.base_url()))
}

async fn resource_types(call: Call<ScimProvision>) -> Answer {
    all(schema::resource_types(call.app.base_url()))
}

async fn resource_type(call: Call<ScimProvision>) -> Answer {
    one(schema::resource_types(call.app.base_url()), call.input.path("id"))
}

async fn schemas(call: Call<ScimProvision>) -> Answer {
    all(schema::schemas(call.app.base_url()))
}

async fn one_schema(call: Call<ScimProvision>) -> Answer {
    one(schema::schemas(call.app.base_url()), call.input.path("id"))
}

fn all(resources: Vec<Value>) -> Answer {
    reply::ok(&Found { total: resources.len(), start: 1, resources }.value())
}

fn one(resources: Vec<Value>, id: &str) -> Answer {
    let found = resources.into_iter().find(|resource| resource["id"] == json!(id));
    reply::ok(&found.ok_or_else(Failure::not_found)?)
}
