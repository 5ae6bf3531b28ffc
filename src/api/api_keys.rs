//! `/api/v1/keys/{tenant}…`

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::api_keys::{self, ApiKey, ChangeApiKey, NewApiKey, OVERLAP_DEFAULT};
use crate::audit::catalogue;
use crate::authz::permission::{ApiKeyCreate, ApiKeyRead, ApiKeyRevoke, ApiKeyUpdate};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};

const ALL: &str = "/api/v1/keys/{tenant}";
const ONE: &str = "/api/v1/keys/{tenant}/{id}";
const ROTATE: &str = "/api/v1/keys/{tenant}/{id}/rotate";

pub fn routes() -> Vec<Route> {
    let seen = Audit::Nothing("says which keys there are, nothing that opens anything");
    let created = Audit::Events(&[catalogue::API_KEY_CREATED]);
    let changed = Audit::Events(&[catalogue::API_KEY_UPDATED]);
    let rotated = Audit::Events(&[catalogue::API_KEY_ROTATED]);
    let revoked = Audit::Events(&[catalogue::API_KEY_REVOKED]);
    vec![
        Route::api(Method::Get, ALL, seen, list)
            .says("The API keys, newest first, without their secrets")
            .gives::<ApiKeyList>(200),
        Route::api(Method::Post, ALL, created, create)
            .says("Make an API key; the answer shows its token, once")
            .sensitive()
            .takes::<NewApiKey>()
            .gives::<WithToken>(201)
            .sensitive(),
        Route::api(Method::Get, ONE, seen, find).says("One API key").gives::<ApiKey>(200),
        Route::api(Method::Patch, ONE, changed, change)
            .says("Change what a key may do, from where, until when; effective on the next request")
            .sensitive()
            .takes::<ChangeApiKey>()
            .gives::<ApiKey>(200)
            .sensitive(),
        Route::api(Method::Delete, ONE, revoked, revoke)
            .says("Revoke an API key; effective on the next request")
            .gives_nothing(),
        Route::api(Method::Post, ROTATE, rotated, rotate)
            .says("Give a key a new secret; the former one works until the overlap ends")
            .sensitive()
            .takes::<Rotate>()
            .gives::<WithToken>(200)
            .sensitive(),
    ]
}

/// All keys: there are never many.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApiKeyList {
    items: Vec<ApiKey>,
    next_cursor: Option<String>,
}

/// A key with its token, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WithToken<'a> {
    #[serde(flatten)]
    key: &'a ApiKey,
    token: &'a str,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rotate {
    /// For how long the former secret goes on working: up to 604800 (7 days), 86400 when absent.
    overlap_seconds: Option<u64>,
}

async fn list(call: Call<ApiKeyRead>) -> Answer {
    let items = api_keys::list(&call.app.tenants, &call.grant).await?;
    reply::ok(&ApiKeyList { items, next_cursor: None })
}

async fn create(call: Call<ApiKeyCreate>) -> Answer {
    let (once, new) = (call.input.idempotency_key()?, call.input.json()?);
    let made = api_keys::create_once(&call.app.tenants, &call.grant, new, once).await?;
    reply::created(&WithToken { key: &made.key, token: &made.token })
}

async fn find(call: Call<ApiKeyRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&api_keys::find(&call.app.tenants, &call.grant, id).await?)
}

async fn change(call: Call<ApiKeyUpdate>) -> Answer {
    let (id, change) = (call.input.id("id")?, call.input.json()?);
    reply::ok(&api_keys::change(&call.app.tenants, &call.grant, id, change).await?)
}

async fn revoke(call: Call<ApiKeyRevoke>) -> Answer {
    api_keys::revoke(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    reply::nothing()
}

async fn rotate(call: Call<ApiKeyUpdate>) -> Answer {
    let (id, once) = (call.input.id("id")?, call.input.idempotency_key()?);
    let asked = match call.input.body.is_empty() {
        true => Rotate { overlap_seconds: None },
        false => call.input.json()?,
    };
    let overlap = asked.overlap_seconds.map_or(OVERLAP_DEFAULT, Duration::from_secs);
    let made = api_keys::rotate(&call.app.tenants, &call.grant, id, overlap, once).await?;
    reply::ok(&WithToken { key: &made.key, token: &made.token })
}
