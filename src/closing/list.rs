//! Closings, and what became of them.

use super::repo::{self, Stored};
use super::{Closing, ClosingError, ClosingState};
use crate::authz::permission::TenantRead;
use crate::authz::{Grant, Realm};
use crate::crypto::Field;
use crate::kernel::id::{ClosingId, TenantId};
use crate::retention::holds;
use crate::tenants::{RealmTx, Tenants};

/// Closings that a list has: the latest.
const LISTED: u32 = 500;

/// The latest first.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
) -> Result<Vec<Closing>, ClosingError> {
    let all = tenants.read(grant, |tx| {
        let all = repo::list(tx, LISTED)?.into_iter().map(|stored| open(tx, stored));
        all.collect::<Result<Vec<_>, ClosingError>>()
    });
    let mut all = all.await?;
    for closing in &mut all {
        look(tenants, closing).await;
    }
    Ok(all)
}

/// Says whether a hold is in force now; as it was found last when the tenant cannot be read.
pub(super) async fn look(tenants: &Tenants, closing: &mut Closing) {
    if closing.state != ClosingState::Closed {
        return;
    }
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, ClosingError>(holds::any(tx)?.is_some());
    match tenants.credentials(Realm::Tenant(closing.tenant), read).await {
        Ok(held) => closing.held = held,
        Err(error) => tracing::warn!(tenant = closing.slug, %error, "its holds cannot be read"),
    }
}

/// # Errors
/// [`ClosingError::NotFound`]
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
    id: ClosingId,
) -> Result<Closing, ClosingError> {
    let found =
        tenants.read(grant, move |tx| open(tx, repo::find(tx, id)?.ok_or(ClosingError::NotFound)?));
    let mut closing = found.await?;
    look(tenants, &mut closing).await;
    Ok(closing)
}

/// That of a tenant in its time of grace.
pub async fn of_tenant(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
    tenant: TenantId,
) -> Result<Option<Closing>, ClosingError> {
    let found = tenants.read(grant, move |tx| {
        repo::of_tenant(tx, tenant)?.map(|stored| open(tx, stored)).transpose()
    });
    let mut found: Option<Closing> = found.await?;
    if let Some(closing) = &mut found {
        look(tenants, closing).await;
    }
    Ok(found)
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
        held: stored.held && stored.state == ClosingState::Closed,
        reopened_at: stored.reopened,
        destroyed_at: stored.finished,
        keys_in_backups_until: stored.keys_until,
        data_in_backups_until: stored.data_until,
        certificate: stored.certificate,
    })
}
