//! `/api/v1/single-sign-on/{tenant}/…`: this tenant as a service.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Serialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{SsoManage, SsoRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::sso::keys::{self, SsoKey};

const KEYS: &str = "/api/v1/single-sign-on/{tenant}/keys";
const ONE: &str = "/api/v1/single-sign-on/{tenant}/keys/{id}";
const USE: &str = "/api/v1/single-sign-on/{tenant}/keys/{id}/use";

pub fn routes() -> Vec<Route> {
    let quiet = Audit::Nothing("certificates, which the metadata shows to anybody");
    let changed = Audit::Events(&[catalogue::SSO_KEY_CHANGED]);
    vec![
        Route::api(Method::Get, KEYS, quiet, list)
            .says("The certificates with which the tenant signs, and is encrypted for")
            .gives::<KeyList>(200),
        Route::api(Method::Post, KEYS, changed, make)
            .says("Make the next key: published at once, used when it is put to use")
            .gives::<SsoKey>(201)
            .sensitive(),
        Route::api(Method::Post, USE, changed, put_to_use)
            .says("Sign with the next key from now on")
            .gives::<SsoKey>(200)
            .sensitive(),
        Route::api(Method::Delete, ONE, changed, remove)
            .says("Remove a key that is not in use")
            .gives_nothing()
            .sensitive(),
    ]
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct KeyList {
    items: Vec<SsoKey>,
    next_cursor: Option<String>,
}

async fn list(call: Call<SsoRead>) -> Answer {
    let items = keys::list(&call.app.tenants, &call.grant).await?;
    reply::ok(&KeyList { items, next_cursor: None })
}

async fn make(call: Call<SsoManage>) -> Answer {
    let (app, tenant) = (&call.app, &call.tenant);
    let key = keys::make_next(&app.tenants, &call.grant, app.base_url(), tenant).await?;
    let location = format!("/api/v1/single-sign-on/{}/keys/{}", tenant.slug, key.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(key))
}

async fn put_to_use(call: Call<SsoManage>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&keys::put_to_use(&call.app.tenants, &call.grant, id).await?)
}

async fn remove(call: Call<SsoManage>) -> Answer {
    keys::remove(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    reply::nothing()
}
