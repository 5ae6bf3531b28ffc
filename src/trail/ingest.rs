//! Appending an application's own events.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::TrailError;
use crate::audit::event::ReportedBy;
use crate::audit::ingest;
use crate::authz::Grant;
use crate::authz::permission::AuditIngest;
use crate::tenants::{AuditEvents, IdempotencyKey, Tenant, Tenants};

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
    body: &[u8],
    key: Option<IdempotencyKey>,
) -> Result<Appended, TrailError> {
    let actor = grant.caller().principal.actor();
    let reporter = ReportedBy { id: actor.id, name: actor.kind.to_owned() };
    let mut events = ingest::parse(body, tenant.id, tenant.slug.as_str())?;
    let payloads: Arc<[Vec<u8>]> = events
        .iter_mut()
        .map(|event| {
            event.reported_by = Some(reporter.clone());
            event.payload(&[])
        })
        .collect();
    let count = payloads.len() as u64;
    let written = tenants.write_once(grant, key, move |_| {
        Ok::<_, TrailError>(((), AuditEvents::reported(payloads.clone())))
    });
    let written = written.await?;
    Ok(Appended { first_seq: written.first_entry, last_seq: written.last_entry, count })
}
