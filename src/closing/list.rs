//! Closings, and what became of them.

use super::repo::{self, Stored};
use super::{Closing, ClosingError};
use crate::authz::Grant;
use crate::authz::permission::TenantRead;
use crate::crypto::Field;
use crate::kernel::id::{ClosingId, TenantId};
use crate::tenants::{RealmTx, Tenants};

/// Closings that a list has: the latest.
const LISTED: u32 = 500;

/// The latest first.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
) -> Result<Vec<Closing>, ClosingError> {
    tenants
        .read(grant, |tx| {
            repo::list(tx, LISTED)?.into_iter().map(|stored| open(tx, stored)).collect()
        })
        .await
}

/// # Errors
/// [`ClosingError::NotFound`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
    id: ClosingId,
) -> Result<Closing, ClosingError> {
    tenants
        .read(grant, move |tx| open(tx, repo::find(tx, id)?.ok_or(ClosingError::NotFound)?))
        .await
}

/// That of a tenant in its time of grace.
pub async fn of_tenant(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
    tenant: TenantId,
) -> Result<Option<Closing>, ClosingError> {
    tenants
        .read(grant, move |tx| {
            repo::of_tenant(tx, tenant)?.map(|stored| open(tx, stored)).transpose()
        })
        .await
}

pub(super) fn open(tx: &impl RealmTx, stored: Stored) -> Result<Closing, ClosingError> {
    let reason = tx.open_text(Field::ClosingReason, stored.id.bytes(), &stored.reason)?;
    Ok(Closing {
        id: stored.id,
        tenant: stored.tenant,
        slug: stored.slug,
        name: stored.name,
        state: stored.state,
        closed_by: stored.actor,
        reason: reason.unwrap_or_default(),
        closed_at: stored.closed,
        due_at: stored.due,
        held: stored.held,
        reopened_at: stored.reopened,
        destroyed_at: stored.finished,
        keys_in_backups_until: stored.keys_until,
        data_in_backups_until: stored.data_until,
        certificate: stored.certificate,
    })
}
