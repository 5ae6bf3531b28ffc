//! How many tenants have their files open at one time: whoever opens one beyond the limit closes
//! the longest unused one first, and what nobody uses closes by itself.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::Tenants;
use super::doors::Inner;
use super::realm::OpenRealm;
use crate::kernel::Timestamp;
use crate::kernel::id::TenantId;
use crate::store::StoreError;

/// A tenant that nobody used for so long gives back its memory; it answers as before.
pub(super) const QUIET: Duration = Duration::from_secs(30);
/// Whoever opens what is being closed waits so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Tenants that are closed before another one is opened: more than one, so that what was beyond the
/// limit for a moment, because everybody was at work, goes again.
const AT_ONCE: usize = 4;

/// A tenant's files, open or about to be.
pub(super) type Cell = Arc<OnceCell<Arc<OpenRealm>>>;
type Open = HashMap<TenantId, Cell>;

/// Tenants whose files are being closed by now: a last checkpoint is signed, the WAL is written back
/// and handed to the archive. Nobody opens or replaces them before that is over.
#[derive(Default)]
pub(super) struct Closing {
    tenants: Mutex<Vec<TenantId>>,
    changed: Condvar,
}

impl Closing {
    fn lock(&self) -> MutexGuard<'_, Vec<TenantId>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn holds(&self, tenant: TenantId) -> bool {
        self.lock().contains(&tenant)
    }

    /// Waits for its end, on a thread that may.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when the disk takes too long over it.
    pub fn wait(&self, tenant: TenantId) -> Result<(), StoreError> {
        let is_closing = |closing: &mut Vec<TenantId>| closing.contains(&tenant);
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, is_closing);
        match waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            true => Err(StoreError::Locked(format!("tenant {tenant} (it is being closed)").into())),
            false => Ok(()),
        }
    }

    fn ended(&self, tenant: TenantId) {
        let mut closing = self.lock();
        if let Some(at) = closing.iter().position(|one| *one == tenant) {
            closing.swap_remove(at);
        }
        drop(closing);
        self.changed.notify_all();
    }
}

/// Those that are open or that somebody is opening.
fn in_use(open: &Open) -> usize {
    open.values().filter(|cell| cell.initialized() || Arc::strong_count(cell) > 1).count()
}

/// A tenant that is being closed; over when this is dropped, however that ended.
struct Leaving<'a>(&'a Closing, TenantId);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.ended(self.1);
    }
}

impl Inner {
    /// To be called by who is about to open one, on a thread that may wait for the disk; `more` for
    /// one that is not among the cells yet. Tenants that are at work stay open, however many they are.
    pub(super) fn make_room(&self, more: usize) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = (in_use(&open) + more).saturating_sub(self.ground.open_most).min(AT_ONCE);
        let closing = match excess {
            0 => return,
            _ => self.take_out(&mut open, |nth, _| nth < excess),
        };
        drop(open);
        self.close(closing);
    }

    /// Takes out unused tenants, of which the longest unused comes first.
    fn take_out(
        &self,
        open: &mut Open,
        close: impl Fn(usize, Timestamp) -> bool,
    ) -> Vec<(TenantId, Cell)> {
        let mut idle: Vec<_> = open
            .iter()
            .filter_map(|(id, cell)| {
                let realm = cell.get()?;
                let unused = Arc::strong_count(cell) == 1 && Arc::strong_count(realm) == 1;
                (unused && realm.database.is_idle()).then(|| (realm.last_used(), *id))
            })
            .collect();
        idle.sort_unstable();
        let close = idle.into_iter().enumerate().filter(|(nth, (used, _))| close(*nth, *used));
        let out: Vec<_> = close.filter_map(|(_, (_, id))| Some((id, open.remove(&id)?))).collect();
        self.closing.lock().extend(out.iter().map(|(id, _)| *id));
        out
    }

    /// Writes WALs back, which nobody else should wait for.
    fn close(&self, closing: Vec<(TenantId, Cell)>) {
        let leaving: Vec<_> =
            closing.into_iter().map(|(id, cell)| (cell, Leaving(&self.closing, id))).collect();
        leaving.into_iter().for_each(drop); // the cell before what says so
    }
}

impl Tenants {
    /// Closes tenants that nobody used for a while, and the longest unused ones beyond the limit.
    /// What stays open without being used gives back its memory.
    pub fn close_idle(&self) {
        let inner = &self.inner;
        let mut open = inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        // What could not be opened is no longer tried.
        open.retain(|_, cell| cell.initialized() || Arc::strong_count(cell) > 1);
        let excess = in_use(&open).saturating_sub(inner.ground.open_most);
        let now = self.now();
        let closing = inner.take_out(&mut open, |nth, used| {
            nth < excess || now.since(used) >= inner.ground.idle_close
        });
        let is_quiet =
            |cell: &Cell| cell.get().is_some_and(|realm| now.since(realm.last_used()) >= QUIET);
        let quiet: Vec<_> =
            open.iter().filter(|(_, cell)| is_quiet(cell)).map(|(id, _)| *id).collect();
        drop(open);
        inner.close(closing);
        for id in quiet {
            // One at a time, and taken where whoever closes looks: what is held is not closed, and
            // what is closed is not held.
            let open = inner.open.lock().unwrap_or_else(PoisonError::into_inner);
            let realm = open.get(&id).and_then(|cell| cell.get().cloned());
            drop(open);
            if let Some(realm) = realm {
                realm.rest();
            }
        }
    }

    /// Tenants whose files are open.
    #[cfg(test)]
    pub(crate) fn open_count(&self) -> usize {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn whoever_opens_a_tenant_waits_until_its_last_checkpoint_is_signed() {
        let server = TestServer::start();
        let tenant = server.tenant("acme").await;
        let inner = &server.tenants.inner;
        let cell = inner.open.lock().unwrap().remove(&tenant.id);
        inner.closing.lock().push(tenant.id);
        let tenants = server.tenants.clone();
        let opened = tokio::spawn(async move { tenants.open(tenant.id).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!opened.is_finished(), "two wrote to one file");
        inner.close(vec![(tenant.id, cell.unwrap())]);
        opened.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_restore_waits_for_files_that_are_being_closed() {
        let server = Arc::new(TestServer::start());
        let tenant = server.tenant("acme").await;
        let closing = &server.tenants.inner.closing;
        closing.lock().push(tenant.id);
        let (behind, of, copy) = (server.clone(), tenant.clone(), server.data_dir().join("copy"));
        let copied = tokio::spawn(async move { behind.copy_tenant(&of, &copy).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!copied.is_finished(), "the files were replaced under who writes them back");
        closing.ended(tenant.id);
        copied.await.unwrap();
    }
}
