//! `/api/v1/audit/{tenant}/searches`: searches of the log that are kept under a name.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Serialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{AuditRead, AuditSearchSave};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::trail::searches::{self, NewSearch, SavedSearch};

const ALL: &str = "/api/v1/audit/{tenant}/searches";

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(
            Method::Get,
            ALL,
            Audit::Nothing("what the tenant itself keeps; the log is not looked at"),
            list,
        )
        .says("The saved searches, by name")
        .gives::<SavedSearches>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::SEARCH_SAVED]), save)
            .says("Save a search of the audit log for the whole tenant")
            .takes::<NewSearch>()
            .gives::<SavedSearch>(201),
        Route::api(
            Method::Delete,
            "/api/v1/audit/{tenant}/searches/{id}",
            Audit::Events(&[catalogue::SEARCH_DELETED]),
            delete,
        )
        .says("Delete a saved search")
        .gives_nothing(),
    ]
}

/// All saved searches; there are 200 at the most, so they are one page.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SavedSearches {
    items: Vec<SavedSearch>,
    /// Always null.
    next_cursor: Option<String>,
}

async fn list(call: Call<AuditRead>) -> Answer {
    let items = searches::list(&call.app.tenants, &call.grant).await?;
    reply::ok(&SavedSearches { items, next_cursor: None })
}

async fn save(call: Call<AuditSearchSave>) -> Answer {
    let (new, key) = (call.input.json()?, call.input.idempotency_key()?);
    let saved = searches::save(&call.app.tenants, &call.grant, new, key).await?;
    let location = format!("/api/v1/audit/{}/searches/{}", call.tenant.slug, saved.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(saved))
}

async fn delete(call: Call<AuditSearchSave>) -> Answer {
    searches::delete(&call.app.tenants, &call.grant, call.input.id("id")?).await?;
    reply::nothing()
}
