//! Asking for a large export.

use std::sync::Arc;

use super::model::resource;
use super::repo::{self, NewExport};
use super::task::{self, Task};
use super::writer::needed;
use super::{Export, ExportError, ExportRequest, Exporting, Exports, find};
use crate::approvals::{self, Approved};
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::crypto::Key32;
use crate::kernel::id::ExportId;
use crate::tenants::{SystemWrite, Tenants};

/// Begins an export that is written to a file. What was asked for is recorded before anything else
/// is done.
///
/// # Errors
/// [`ExportError::Busy`] when this log has enough of them under way; [`ExportError::Approval`] when
/// a second person has to approve it.
pub async fn start<P: Exporting>(
    exports: &Arc<Exports>,
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
) -> Result<Export, ExportError> {
    let everything = request.query(tenants.runtime().now())?.root.is_none();
    // What a search leaves out is known only later.
    if everything && tenants.read(grant, |tx| Ok::<_, ExportError>(approvals::is_on(tx)?)).await? {
        return Err(needed(&request));
    }
    begin(exports, tenants, grant, request, None).await
}

/// The same for what somebody else has asked for and the caller has approved.
pub async fn start_approved<P: Exporting>(
    exports: &Arc<Exports>,
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
    approved: &Approved,
) -> Result<Export, ExportError> {
    begin(exports, tenants, grant, request, Some(approved)).await
}

async fn begin<P: Exporting>(
    exports: &Arc<Exports>,
    tenants: &Tenants,
    grant: &Grant<P>,
    request: ExportRequest,
    approved: Option<&Approved>,
) -> Result<Export, ExportError> {
    let (runtime, realm) = (tenants.runtime(), grant.realm());
    let query = request.query(runtime.now())?;
    let id: ExportId = runtime.id();
    let place = exports.enter(realm, id)?;
    let mut requested = request.event(catalogue::AUDIT_EXPORT_REQUESTED, resource(id));
    approved.iter().for_each(|approved| approved.mark(&mut requested));
    let approved = approved.is_some();
    tenants.disclose(grant, move |_| Ok::<_, ExportError>(((), requested))).await?;
    let key = Key32::generate(runtime.random.as_ref());
    let actor = grant.caller().principal.actor();
    let new = NewExport {
        id,
        request: request.clone(),
        requester: format!("{}:{}", actor.kind, actor.id),
        key: key.clone(),
        created: runtime.now(),
    };
    let insert =
        tenants.system_write(realm, SystemWrite::ExportState, move |tx| repo::insert(tx, &new));
    insert.await?;
    let task =
        Task { tenants: tenants.clone(), grant: grant.clone(), request, query, key, approved };
    let turns = exports.turns.clone();
    tokio::spawn(task::run(task, place, turns));
    find(exports, tenants, grant, id).await
}
