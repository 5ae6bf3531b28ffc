//! The exports of a realm.

use super::repo;
use super::{Export, ExportError, ExportState, Exporting, Exports};
use crate::authz::Grant;
use crate::kernel::Timestamp;
use crate::kernel::id::ExportId;
use crate::tenants::Tenants;

/// The latest, newest first. No content of the log, so no entry.
pub async fn list<P: Exporting>(
    exports: &Exports,
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<Export>, ExportError> {
    let mut found = tenants.read(grant, |tx| repo::newest(tx)).await?;
    let now = tenants.runtime().now();
    for export in &mut found {
        bring_up_to_date(exports, export, now);
    }
    Ok(found)
}

pub async fn find<P: Exporting>(
    exports: &Exports,
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ExportId,
) -> Result<Export, ExportError> {
    let found = tenants.read(grant, move |tx| repo::one(tx, id)).await?;
    let mut export = found.ok_or(ExportError::NotFound)?;
    bring_up_to_date(exports, &mut export, tenants.runtime().now());
    Ok(export)
}

/// What the row does not say yet: progress, and what the next sweep will write down.
fn bring_up_to_date(exports: &Exports, export: &mut Export, now: Timestamp) {
    match (export.state, exports.progress(export.id)) {
        (ExportState::Waiting | ExportState::Writing, Some(progress)) => {
            (export.done, export.total) = progress.get();
        }
        (ExportState::Waiting | ExportState::Writing, None) => {
            export.state = ExportState::Interrupted;
        }
        (ExportState::Ready, _) if export.expires.is_some_and(|expires| expires <= now) => {
            export.state = ExportState::Expired;
        }
        _ => {}
    }
}
