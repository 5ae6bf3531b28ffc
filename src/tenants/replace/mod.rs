//! Putting a restored file in a tenant's place while everybody else goes on working.
//!
//! A restore prepares a file in `restoring/<id>/` ([`Stage`]), checks it, and then asks for the
//! swap: the tenant answers 503 for a moment, its files are closed, what of its log would be lost
//! goes into a file of its own, and renames that are written down first (`journal`) put the one in
//! the other's place. The state before is kept in `restored/<id>/before/` until somebody confirms.

mod carry;
#[cfg(test)]
mod carry_tests;
mod forget;
mod journal;
mod rollback;
mod scratch;
mod stage;
mod swap;
#[cfg(test)]
mod tests;
mod undo;
mod way_back;
mod whole;

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use journal::resume;
pub use rollback::roll_back;
pub(crate) use scratch::Scratch;
pub(crate) use stage::Checked;
pub(crate) use swap::Swapped;
pub use way_back::{Lost, Uncompared, WayBack};
pub(crate) use whole::{Empty, Whole};

use super::doors::write_realm;
use super::idle::Cell;
use super::{DoorError, Tenants, WriteTx};
use crate::audit::Event;
use crate::audit::past::{self, PastLog};
use crate::authz::Realm;
use crate::kernel::id::{LogId, RestoreId, TenantId};
use crate::store::StoreError;

/// Requests under way are given so long to end.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(10);

/// Tenants whose files are being replaced just now.
#[derive(Default)]
pub struct Restoring(Mutex<HashSet<TenantId>>);

impl Restoring {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<TenantId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn holds(&self, tenant: TenantId) -> bool {
        self.lock().contains(&tenant)
    }
}

/// A tenant whose files are closed; it answers again when this is dropped.
struct Closed {
    tenants: Tenants,
    tenant: TenantId,
    /// It does not: its files are neither the old ones nor the new ones.
    for_good: std::cell::Cell<bool>,
}

impl Drop for Closed {
    fn drop(&mut self) {
        if !self.for_good.get() {
            self.tenants.inner.restoring.lock().remove(&self.tenant);
        }
    }
}

impl Tenants {
    /// Lets nobody in any more, waits for who is inside, and closes the tenant's files.
    ///
    /// # Errors
    /// [`DoorError::Restoring`] when somebody else does; [`StoreError::Locked`] when requests do
    /// not end in time: then everything is as before.
    async fn close_for_restore(&self, tenant: TenantId) -> Result<Closed, DoorError> {
        let cell = {
            // In this order everywhere: whoever opens files looks here first.
            let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.inner.restoring.lock().insert(tenant) {
                return Err(DoorError::Restoring);
            }
            open.remove(&tenant)
        };
        let closed =
            Closed { tenants: self.clone(), tenant, for_good: std::cell::Cell::new(false) };
        // Live views and downloads look up, find the door shut and end.
        self.inner.ground.standing.stir(Realm::Tenant(tenant));
        let busy = |cell: &Cell| {
            Arc::strong_count(cell) > 1
                || cell.get().is_some_and(|realm| Arc::strong_count(realm) > 1)
        };
        let mut waited = Duration::ZERO;
        while cell.as_ref().is_some_and(busy) || self.inner.closing.holds(tenant) {
            if waited >= PATIENCE {
                let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
                open.extend(cell.map(|cell| (tenant, cell)));
                let who = format!("tenant {tenant} (requests do not end)");
                return Err(StoreError::Locked(who.into()).into());
            }
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
        let dropped = tokio::task::spawn_blocking(move || drop(cell));
        dropped.await.map_err(|_| StoreError::Panicked)?;
        Ok(closed)
    }

    /// The states that are kept from before restores.
    pub(crate) fn kept_restores(&self) -> Result<Vec<RestoreId>, DoorError> {
        let directory = self.inner.ground.directory.join(journal::KEPT);
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| StoreError::file(&directory, &error))?,
        };
        Ok(entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|id: &RestoreId| directory.join(id.to_string()).join("before").exists())
            .collect())
    }

    /// Deletes the state before a restore.
    pub(crate) async fn forget_before(&self, restore: RestoreId) -> Result<(), DoorError> {
        let path = self.inner.ground.directory.join(journal::kept(restore));
        let removed = tokio::task::spawn_blocking(move || journal::remove(&path));
        Ok(removed.await.map_err(|_| StoreError::Panicked)??)
    }

    /// Entries that a tenant's log is known to have; 0 when its file cannot be opened.
    pub(crate) async fn entries_known(&self, tenant: TenantId) -> u64 {
        let realm = self.realm(Realm::Tenant(tenant)).await;
        realm.map_or(0, |realm| realm.log_size.load(Ordering::Relaxed))
    }

    /// The log that a restore ended, as the one that followed it says.
    pub(crate) async fn log_before(
        &self,
        tenant: TenantId,
        restore: RestoreId,
    ) -> Result<Option<LogId>, DoorError> {
        let realm = self.realm(Realm::Tenant(tenant)).await?;
        let past = realm.database.read(|tx| past::list(tx)).await??;
        Ok(past.into_iter().find(|past| past.restore == restore).map(|past| past.id))
    }

    /// An entry in the log that goes on after a restore was undone; it names the one in between.
    pub(crate) async fn note_undone(
        &self,
        tenant: TenantId,
        event: Event,
        between: Option<PastLog>,
    ) -> Result<(), DoorError> {
        let realm = self.realm(Realm::Tenant(tenant)).await?;
        let write = move |tx: &mut WriteTx<'_, ()>| {
            if let Some(past) = &between {
                past::insert(tx, past)?;
            }
            Ok::<_, DoorError>(((), event.clone().into()))
        };
        write_realm(realm, None, || Ok(()), write).await.map(|_| ())
    }
}
