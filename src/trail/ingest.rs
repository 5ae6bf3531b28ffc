//! Appending an application's own events.

use std::sync::Arc;

use actix_web::web::Bytes;
use serde::{Deserialize, Serialize};

use super::TrailError;
use crate::audit::Event;
use crate::audit::event::ReportedBy;
use crate::audit::ingest::{self, IngestError};
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
}

/// One event or thousands: all are durable when this returns, or none is there.
pub async fn ingest(
    tenants: &Tenants,
    grant: &Grant<AuditIngest>,
    tenant: &Tenant,
    body: Bytes,
    key: Option<IdempotencyKey>,
) -> Result<Appended, TrailError> {
    let payloads = match body.len() {
        0..PARSED_ON_THE_SPOT => payloads(&body, tenant, grant.caller())?,
        _ => {
            let (tenant, caller) = (tenant.clone(), grant.caller().clone());
            let parsed = tokio::task::spawn_blocking(move || payloads(&body, &tenant, &caller));
            parsed.await.map_err(|_| DoorError::from(StoreError::Panicked))??
        }
    };
    let count = payloads.len() as u64;
    let written = tenants.write_once(grant, key, move |_| {
        Ok::<_, TrailError>(((), AuditEvents::reported(payloads.clone())))
    });
    let written = written.await?;
    Ok(Appended { first_seq: written.first_entry, last_seq: written.last_entry, count })
}

/// Larger bodies are parsed off the threads that answer requests.
const PARSED_ON_THE_SPOT: usize = 16 * 1024;

/// What will be sealed: complete, but for the entry's number and time.
fn payloads(body: &[u8], tenant: &Tenant, caller: &Caller) -> Result<Arc<[Vec<u8>]>, IngestError> {
    let actor = caller.principal.actor();
    let name = actor.name.unwrap_or_else(|| actor.kind.to_owned());
    let reporter = ReportedBy { id: actor.id, name };
    let request = caller.request.id.to_string();
    let mut events = ingest::parse(body, tenant.id, tenant.slug.as_str())?;
    let complete = |event: &mut Event| {
        event.reported_by = Some(reporter.clone());
        event.request_id = Some(request.clone());
        event.payload(&[])
    };
    Ok(events.iter_mut().map(complete).collect())
}
