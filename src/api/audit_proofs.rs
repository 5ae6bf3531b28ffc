//! `/api/v1/audit/{tenant}/checkpoint…` and `/proof/…`: what an auditor checks the log with.

use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply;
use crate::authz::permission::AuditVerify;
use crate::http::call::{Call, OpenCall};
use crate::http::route::{Answer, Audit, Method, Route, Surface};
use crate::trail::{self, CheckpointView, ConsistencyProof, InclusionProof, TrailError};

const TEXT: &str = "text/plain; charset=utf-8";
const QUIET: Audit = Audit::Nothing("sizes, hashes and signatures: no contents are shown");

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(Method::Get, "/api/v1/audit/{tenant}/checkpoint", QUIET, checkpoint)
            .says("The latest checkpoint: a signed note (C2SP tlog-checkpoint), as text"),
        Route::api(Method::Get, "/api/v1/audit/{tenant}/checkpoints", QUIET, checkpoints)
            .says("Checkpoints and who witnessed them, the largest first")
            .parameters(&[
                ("limit", "1 to 1000, 50 when absent"),
                ("cursor", "nextCursor of the page before"),
            ])
            .gives::<Checkpoints>(200),
        Route::api(Method::Get, "/api/v1/audit/{tenant}/proof/inclusion", QUIET, inclusion)
            .says("Prove that an entry is in the log (RFC 6962)")
            .parameters(&[
                ("seq", "the entry's number"),
                ("size", "entries of the tree; the latest checkpoint's when absent"),
            ])
            .gives::<InclusionProof>(200),
        Route::api(Method::Get, "/api/v1/audit/{tenant}/proof/consistency", QUIET, consistency)
            .says("Prove that the log only grew from one size to another (RFC 6962)")
            .parameters(&[
                ("from", "the smaller size"),
                ("to", "the larger size; the latest checkpoint's when absent"),
            ])
            .gives::<ConsistencyProof>(200),
        Route::open(
            Method::Get,
            "/.well-known/strongroom-audit-key",
            Surface::Operations,
            "a public key is for everybody",
            Audit::Nothing("nobody's data is touched"),
            public_key,
        )
        .says("The public key of this installation's checkpoints (C2SP signed-note)"),
    ]
}

async fn checkpoint(call: Call<AuditVerify>) -> Answer {
    let latest = trail::checkpoint(&call.app.tenants, &call.grant).await?;
    Ok(HttpResponse::Ok().content_type(TEXT).body(latest.note))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Checkpoints {
    items: Vec<CheckpointView>,
    next_cursor: Option<String>,
}

async fn checkpoints(call: Call<AuditVerify>) -> Answer {
    let query: ListQuery = call.input.query()?;
    let below = query.cursor.map(|cursor| cursor.parse().map_err(|_| TrailError::Cursor));
    let (tenants, limit) = (&call.app.tenants, query.limit);
    let (items, next) = trail::checkpoints(tenants, &call.grant, below.transpose()?, limit).await?;
    reply::ok(&Checkpoints { items, next_cursor: next.map(|size| size.to_string()) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InclusionQuery {
    seq: u64,
    size: Option<u64>,
}

async fn inclusion(call: Call<AuditVerify>) -> Answer {
    let InclusionQuery { seq, size } = call.input.query()?;
    reply::ok(&trail::inclusion_proof(&call.app.tenants, &call.grant, seq, size).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsistencyQuery {
    from: u64,
    to: Option<u64>,
}

async fn consistency(call: Call<AuditVerify>) -> Answer {
    let ConsistencyQuery { from, to } = call.input.query()?;
    reply::ok(&trail::consistency_proof(&call.app.tenants, &call.grant, from, to).await?)
}

async fn public_key(call: OpenCall) -> Answer {
    let key = trail::public_key(&call.app.tenants);
    Ok(HttpResponse::Ok().content_type(TEXT).body(format!("{key}\n")))
}
