//! Erasures that were asked for, with their certificates.

use super::repo::{self, Stored};
use super::{Erasure, ErasureState, PrivacyError, erase};
use crate::authz::{Grant, Permission};
use crate::kernel::id::ErasureId;
use crate::tenants::{RealmTx, Tenants};

/// Erasures that a list has: the latest.
const LISTED: u32 = 200;

/// The latest first. `P` is a permission to see them.
pub async fn list<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<Erasure>, PrivacyError> {
    tenants
        .read(grant, |tx| {
            repo::list(tx, LISTED)?.into_iter().map(|stored| open(tx, stored)).collect()
        })
        .await
}

/// # Errors
/// [`PrivacyError::NotFound`]
pub async fn find<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    id: ErasureId,
) -> Result<Erasure, PrivacyError> {
    tenants
        .read(grant, move |tx| open(tx, repo::find(tx, id)?.ok_or(PrivacyError::NotFound)?))
        .await
}

fn open(tx: &impl RealmTx, stored: Stored) -> Result<Erasure, PrivacyError> {
    let details = erase::open(tx, &stored)?;
    let (finished_at, certificate) = stored.finished.unzip();
    Ok(Erasure {
        id: stored.id,
        state: if finished_at.is_some() { ErasureState::Done } else { ErasureState::Running },
        kind: stored.kind,
        subject: stored.subject,
        requested_by: stored.actor,
        requested_at: stored.begun,
        finished_at,
        reason: details.reason,
        request: details.request,
        counts: details.counts,
        keys_in_backups_until: details.keys_until,
        data_in_backups_until: details.data_until,
        certificate,
    })
}
