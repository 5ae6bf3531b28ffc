//! Building a search index anew.

use std::time::Duration;

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue, read};
use crate::authz::permission::{AuditReindex, PlatformAuditReindex};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// How far an index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub indexed_through: u64,
    /// Entries in the log.
    pub size: u64,
}

/// Throws a tenant's search index away, and records it. It is fed from then on: by whoever asks
/// with [`feed`], by searches, by the job.
pub async fn reindex(
    tenants: &Tenants,
    grant: &Grant<AuditReindex>,
) -> Result<Progress, TrailError> {
    run(tenants, grant).await
}

/// The same with the index of the platform's own log.
pub async fn reindex_platform(
    tenants: &Tenants,
    grant: &Grant<PlatformAuditReindex>,
) -> Result<Progress, TrailError> {
    run(tenants, grant).await
}

async fn run<P: Permission>(tenants: &Tenants, grant: &Grant<P>) -> Result<Progress, TrailError> {
    let disclosed = tenants.disclose(grant, move |tx| {
        tx.drop_index();
        let size = read::size(tx)?;
        let mut event = Event::new(catalogue::INDEX_REBUILT);
        event.resource = Some(Resource::new("audit_index", size.to_string()));
        event.custom_fields.insert("cause".into(), "requested".into());
        Ok::<_, TrailError>((Progress { indexed_through: 0, size }, event))
    });
    Ok(disclosed.await?.value)
}

/// Feeds the index for `budget` at the most. `P` is a permission to build it anew.
pub async fn feed<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    budget: Duration,
) -> Result<Progress, TrailError> {
    tenants
        .read(grant, move |tx| {
            let indexed_through = tx.catch_up_index(budget)?;
            Ok(Progress { indexed_through, size: read::size(tx)? })
        })
        .await
}
