//! `/api/v1/audit/{tenant}/streams…`

use schemars::JsonSchema;
use serde::Serialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{AuditStream, AuditStreamRead};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::streams::{self, ChangeStream, NewStream, Stream, TryOut};

const ALL: &str = "/api/v1/audit/{tenant}/streams";
const ONE: &str = "/api/v1/audit/{tenant}/streams/{id}";

pub fn routes() -> Vec<Route> {
    let seen = Audit::Nothing("says where entries go and how far they have come, nothing of them");
    let changed = Audit::Events(&[catalogue::STREAM_CHANGED]);
    vec![
        Route::api(Method::Get, ALL, seen, list)
            .says("The streams to other systems, with how far each has come")
            .gives::<StreamList>(200),
        Route::api(Method::Post, ALL, Audit::Events(&[catalogue::STREAM_CREATED]), create)
            .says("Set up a stream; secrets are taken in and never shown again")
            .sensitive()
            .takes::<NewStream>()
            .gives::<Stream>(201),
        Route::api(Method::Get, ONE, seen, find).says("One stream").gives::<Stream>(200),
        Route::api(Method::Patch, ONE, changed, change)
            .says("Change a stream; members that are absent stay as they are")
            .sensitive()
            .takes::<ChangeStream>()
            .gives::<Stream>(200),
        Route::api(Method::Delete, ONE, Audit::Events(&[catalogue::STREAM_DELETED]), delete)
            .says("Remove a stream with its secrets")
            .sensitive()
            .gives_nothing(),
        Route::api(
            Method::Post,
            "/api/v1/audit/{tenant}/streams/{id}/test",
            Audit::Events(&[catalogue::STREAM_TESTED]),
            try_out,
        )
        .says("Send a test message and say what happened")
        .gives::<TryOut>(200),
        Route::api(Method::Post, "/api/v1/audit/{tenant}/streams/{id}/pause", changed, pause)
            .says("Stop sending; the place in the log is kept")
            .sensitive()
            .gives::<Stream>(200),
        Route::api(Method::Post, "/api/v1/audit/{tenant}/streams/{id}/resume", changed, resume)
            .says("Go on where the stream was paused")
            .gives::<Stream>(200),
    ]
}

/// All streams of the log: there are never many.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StreamList {
    items: Vec<Stream>,
    next_cursor: Option<String>,
}

async fn list(call: Call<AuditStreamRead>) -> Answer {
    let items = streams::list(&call.app.streams, &call.grant).await?;
    reply::ok(&StreamList { items, next_cursor: None })
}

async fn create(call: Call<AuditStream>) -> Answer {
    let (key, new) = (call.input.idempotency_key()?, call.input.json()?);
    reply::created(&streams::create(&call.app.streams, &call.grant, new, key).await?)
}

async fn find(call: Call<AuditStreamRead>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&streams::find(&call.app.streams, &call.grant, id).await?)
}

async fn change(call: Call<AuditStream>) -> Answer {
    let (id, change) = (call.input.id("id")?, call.input.json()?);
    reply::ok(&streams::change(&call.app.streams, &call.grant, id, change).await?)
}

async fn delete(call: Call<AuditStream>) -> Answer {
    let id = call.input.id("id")?;
    streams::delete(&call.app.streams, &call.grant, id).await?;
    reply::nothing()
}

async fn try_out(call: Call<AuditStream>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&streams::try_out(&call.app.streams, &call.grant, id).await?)
}

async fn pause(call: Call<AuditStream>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&streams::pause(&call.app.streams, &call.grant, id).await?)
}

async fn resume(call: Call<AuditStream>) -> Answer {
    let id = call.input.id("id")?;
    reply::ok(&streams::resume(&call.app.streams, &call.grant, id).await?)
}
