//! `/api/v1/audit/{tenant}/witnesses…` and `/cosignatures`: somebody outside signs checkpoints.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Deserialize;

use super::reply;
use crate::audit::catalogue;
use crate::authz::permission::{AuditVerify, AuditWitness};
use crate::http::call::Call;
use crate::http::route::{Answer, Audit, Method, Route};
use crate::trail::witness::{self, Cosigned, NewWitness, Witness, Witnesses};

const WITNESSES: &str = "/api/v1/audit/{tenant}/witnesses";
const QUIET: Audit = Audit::Nothing("keys, sizes, hashes and signatures: no contents are shown");

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(Method::Get, WITNESSES, QUIET, list)
            .says("Witnesses of the log, what they signed, and what contradicts it")
            .gives::<Witnesses>(200),
        Route::api(Method::Post, WITNESSES, Audit::Events(&[catalogue::WITNESS_ADDED]), add)
            .says("Name a witness: from now on its signatures are taken")
            .sensitive()
            .takes::<NewWitness>()
            .gives::<Witness>(201),
        Route::api(Method::Get, "/api/v1/audit/{tenant}/witnesses/request", QUIET, request)
            .says("What a witness is to sign (C2SP tlog-witness add-checkpoint), as text")
            .parameters(&[
                ("witness", "name or id, where there are several"),
                ("from", "prove growth from this size; the witness's last one when absent"),
            ]),
        Route::api(
            Method::Delete,
            "/api/v1/audit/{tenant}/witnesses/{id}",
            Audit::Events(&[catalogue::WITNESS_REMOVED]),
            remove,
        )
        .says("Take no more signatures of a witness; what it signed stays")
        .sensitive(),
        Route::api(
            Method::Post,
            "/api/v1/audit/{tenant}/cosignatures",
            Audit::Events(&[catalogue::CHECKPOINT_WITNESSED, catalogue::CHECKPOINT_CONTRADICTED]),
            import,
        )
        .says("Store what witnesses signed; a checkpoint that the log contradicts raises the alarm")
        .takes::<SignedNote>()
        .gives::<Cosigned>(201),
    ]
}

async fn list(call: Call<AuditVerify>) -> Answer {
    reply::ok(&witness::witnesses(&call.app.tenants, &call.grant).await?)
}

async fn add(call: Call<AuditWitness>) -> Answer {
    let new: NewWitness = call.input.json()?;
    reply::created(&witness::add(&call.app.tenants, &call.grant, new).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestQuery {
    witness: Option<String>,
    from: Option<u64>,
}

async fn request(call: Call<AuditVerify>) -> Answer {
    let RequestQuery { witness, from } = call.input.query()?;
    let request = witness::request(&call.app.tenants, &call.grant, witness, from).await?;
    let text = "text/plain; charset=utf-8";
    Ok(HttpResponse::Ok().content_type(text).body(request.to_string()))
}

async fn remove(call: Call<AuditWitness>) -> Answer {
    let which: String = call.input.id("id")?;
    witness::remove(&call.app.tenants, &call.grant, which).await?;
    reply::nothing()
}

/// A checkpoint with the signatures of witnesses.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignedNote {
    /// The signed note (C2SP), as a witness wrote it.
    note: String,
}

async fn import(call: Call<AuditWitness>) -> Answer {
    let SignedNote { note } = call.input.json()?;
    reply::created(&witness::import(&call.app.tenants, &call.grant, &note).await?)
}
