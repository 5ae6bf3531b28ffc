//! Keys that nothing names any more because a restore has taken their persons away, but which the
//! state before it or newer backups need.

use std::time::Duration;

use super::model::{Restore, RestoreState};
use super::repo;
use crate::authz::Realm;
use crate::config::{self, Ageing};
use crate::kernel::Timestamp;
use crate::kernel::id::TenantId;
use crate::tenants::{DoorError, ReadTx, SystemWrite, Tenants};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which keys of a tenant are kept although nothing names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// All: a restore may still be undone.
    All,
    /// Those made after the first and until the second of each.
    Made(Vec<(Timestamp, Timestamp)>),
}

impl Spared {
    fn after(restores: &[Restore], days: u32, now: Timestamp) -> Self {
        let is_open =
            |one: &Restore| matches!(one.state, RestoreState::Running | RestoreState::Restored);
        if restores.iter().any(is_open) {
            return Self::All;
        }
        let made = restores.iter().filter_map(|one| {
            let until = one.finished.filter(|_| one.state != RestoreState::Failed)?;
            // A key is made before the data that names it.
            let after = one.moment.min(one.started).minus(DAY);
            (now.since(until) <= DAY * days).then_some((after, until))
        });
        Self::Made(made.collect())
    }

    pub fn holds(&self, made: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Made(spans) => {
                spans.iter().any(|(after, until)| *after <= made && made <= *until)
            }
        }
    }
}

/// Which keys of a tenant are spared at `now`: until the last backup is gone that was made between
/// the moment that was restored and the restore's end.
///
/// # Errors
/// What the platform's file answers.
pub async fn spared(
    tenants: &Tenants,
    tenant: TenantId,
    settings: &config::Backup,
    now: Timestamp,
) -> Result<Spared, DoorError> {
    let read = move |tx: &ReadTx<'_>| Ok::<_, DoorError>(repo::of_tenant(tx, tenant)?);
    let restores = tenants.credentials(Realm::Platform, read).await?;
    let days = settings.ageing().map_or(settings.days, Ageing::data_days).max(settings.key_days);
    Ok(Spared::after(&restores, days, now))
}

/// Deletes the states from before a tenant's restores, for a tenant that is destroyed.
///
/// # Errors
/// What the platform's file and the data disk answer.
pub async fn forget(tenants: &Tenants, tenant: TenantId) -> Result<(), DoorError> {
    let read = move |tx: &ReadTx<'_>| Ok::<_, DoorError>(repo::of_tenant(tx, tenant)?);
    for restore in tenants.credentials(Realm::Platform, read).await? {
        tenants.forget_before(restore.id).await?;
    }
    let end = tenants.system_write(Realm::Platform, SystemWrite::JobProgress, move |tx| {
        Ok(repo::close(tx, tenant)?)
    });
    end.await
}
