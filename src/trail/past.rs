//! The logs that a realm's log follows: what there is, without any content.

use serde::Serialize;

use super::TrailError;
use crate::audit::leaf::Hash;
use crate::audit::past::PastLog;
use crate::authz::{Grant, Permission};
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, RestoreId};
use crate::tenants::Tenants;

/// A log from before a restore, kept as it was.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastLogView {
    pub log_id: LogId,
    /// Entries that it has.
    pub size: u64,
    pub root: Hash,
    /// When the oldest entry that it still has was written; null when its file cannot be read.
    pub began: Option<Timestamp>,
    /// When the log that follows it began.
    pub ended: Timestamp,
    /// The restore that ended it.
    pub restore: RestoreId,
    /// Entries at its end that are known to have been and could not be brought back.
    pub lost: u64,
    /// When its file was removed, past its retention; null while it is kept.
    pub removed: Option<Timestamp>,
}

/// The latest first. Sizes and hashes, no contents: no entry. `P` is a permission to verify the
/// realm's log.
pub async fn past_logs<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<PastLogView>, TrailError> {
    let read = tenants.read(grant, |tx| Ok::<_, TrailError>(tx.past_logs()?));
    Ok(read.await?.into_iter().map(view).collect())
}

/// When the log began, if a restore ended the one before.
pub async fn follows_since<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Option<Timestamp>, TrailError> {
    tenants.read(grant, |tx| Ok::<_, TrailError>(tx.follows_since()?)).await
}

fn view((past, began): (PastLog, Option<Timestamp>)) -> PastLogView {
    PastLogView {
        log_id: past.id,
        size: past.size,
        root: past.root,
        began,
        ended: past.ended,
        restore: past.restore,
        lost: past.known.saturating_sub(past.size),
        removed: past.removed.map(|removal| removal.time),
    }
}
