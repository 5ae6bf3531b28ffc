//! Stopping an export, or throwing away one that is ready.

use super::model::resource;
use super::{ExportError, ExportState, Exporting, Exports, find, repo, task};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::kernel::id::ExportId;
use crate::tenants::{SystemWrite, Tenants};

/// # Errors
/// [`ExportError::Over`] when there is nothing left to stop or to throw away.
pub async fn cancel<P: Exporting>(
    exports: &Exports,
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ExportId,
) -> Result<(), ExportError> {
    let export = find(exports, tenants, grant, id).await?;
    if !export.state.is_active() && export.state != ExportState::Ready {
        return Err(ExportError::Over(export.state.name()));
    }
    let mut cancelled = Event::new(catalogue::AUDIT_EXPORT_CANCELLED);
    cancelled.resource = Some(resource(id));
    cancelled.custom_fields.insert("was".into(), export.state.name().into());
    tenants.disclose(grant, move |_| Ok::<_, ExportError>(((), cancelled))).await?;
    let (realm, now) = (grant.realm(), tenants.runtime().now());
    let write = tenants.system_write(realm, SystemWrite::ExportState, move |tx| {
        Ok(repo::end(tx, id, ExportState::Cancelled, None, now)?)
    });
    write.await?;
    match exports.progress(id) {
        // Whoever writes the file takes it away.
        Some(progress) => progress.cancel(),
        None => task::discard(task::path(tenants, realm, id)).await,
    }
    Ok(())
}
