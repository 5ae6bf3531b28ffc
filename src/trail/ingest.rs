//! Appending an application's own events.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};

use super::TrailError;
use crate::audit::Event;
use crate::audit::event::ReportedBy;
use crate::audit::ingest::{self, IngestError};
use crate::audit::partial::{self, Sorted};
use crate::authz::permission::AuditIngest;
use crate::authz::{Caller, Grant};
use crate::store::StoreError;
use crate::tenants::{AuditEvents, DoorError, IdempotencyKey, Tenant, Tenants};

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Appended {
    pub first_seq: u64,
    pub last_seq: u64,
    pub count: u64,
    /// With `partial=true`: what was not appended, in the order of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Vec<Refused>>,
}

/// An event that was not appended.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Refused {
    /// Its place in the call, from 0.
    pub index: usize,
    /// As in the problem of a call that is refused whole.
    pub code: String,
    pub detail: String,
}

/// What is to become of a call with a bad event in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Nothing of it is appended.
    All,
    /// The good events are.
    Good,
}

/// One event or thousands: all are durable when this returns, or none is there.
pub async fn ingest(
    tenants: &Tenants,
    grant: &Grant<AuditIngest>,
    tenant: &Tenant,
    body: Bytes,
    key: Option<IdempotencyKey>,
) -> Result<Appended, TrailError> {
    run(tenants, grant, tenant, body, Wanted::All, key).await
}

/// The good ones of many events: all of them are durable when this returns, the others are named.
pub async fn ingest_partial(
    tenants: &Tenants,
    grant: &Grant<AuditIngest>,
    tenant: &Tenant,
    body: Bytes,
    key: Option<IdempotencyKey>,
) -> Result<Appended, TrailError> {
    run(tenants, grant, tenant, body, Wanted::Good, key).await
}

async fn run(
    tenants: &Tenants,
    grant: &Grant<AuditIngest>,
    tenant: &Tenant,
    body: Bytes,
    wanted: Wanted,
    key: Option<IdempotencyKey>,
) -> Result<Appended, TrailError> {
    let (payloads, refused) = match body.len() {
        0..PARSED_ON_THE_SPOT => payloads(&body, tenant, wanted, grant.caller())?,
        _ => {
            let (tenant, caller) = (tenant.clone(), grant.caller().clone());
            let parsed =
                tokio::task::spawn_blocking(move || payloads(&body, &tenant, wanted, &caller));
            parsed.await.map_err(|_| DoorError::from(StoreError::Panicked))??
        }
    };
    let count = payloads.len() as u64;
    let written = tenants.write_once(grant, key, move |_| {
        Ok::<_, TrailError>(((), AuditEvents::reported(payloads.clone())))
    });
    let written = written.await?;
    let refused = (wanted == Wanted::Good).then_some(refused);
    Ok(Appended { first_seq: written.first_entry, last_seq: written.last_entry, count, refused })
}

/// Larger bodies are parsed off the threads that answer requests.
const PARSED_ON_THE_SPOT: usize = 16 * 1024;

type Payloads = Arc<[Vec<u8>]>;

/// What will be sealed: complete, but for the entry's number and time.
fn payloads(
    body: &[u8],
    tenant: &Tenant,
    wanted: Wanted,
    caller: &Caller,
) -> Result<(Payloads, Vec<Refused>), IngestError> {
    let actor = caller.principal.actor();
    let name = actor.name.unwrap_or_else(|| actor.kind.to_owned());
    let reporter = ReportedBy { id: actor.id, name };
    let request = caller.request.id.to_string();
    let Sorted { mut events, refused } = match wanted {
        Wanted::All => {
            let events = ingest::parse(body, tenant.id, tenant.slug.as_str())?;
            Sorted { events, refused: Vec::new() }
        }
        Wanted::Good => partial::sort(body, tenant.id, tenant.slug.as_str())?,
    };
    let complete = |event: &mut Event| {
        event.reported_by = Some(reporter.clone());
        event.request_id = Some(request.clone());
        event.payload(&[])
    };
    let refused = refused.into_iter().map(|error| Refused {
        index: error.index.unwrap_or_default(),
        code: error.fault.code().to_owned(),
        detail: error.to_string(),
    });
    Ok((events.iter_mut().map(complete).collect(), refused.collect()))
}
