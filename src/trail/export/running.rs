//! The exports that this process is writing. One that a file says is being written and that is not
//! here was interrupted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::ExportError;
use crate::authz::Realm;
use crate::kernel::id::ExportId;
use crate::kernel::limits;
use crate::tenants::Turns;

pub struct Exports {
    running: Mutex<HashMap<ExportId, (Realm, Arc<Progress>)>>,
    pub(super) turns: Turns,
}

/// How far an export has come.
#[derive(Default)]
pub struct Progress {
    cancelled: AtomicBool,
    done: AtomicU64,
    /// And one more; 0 while it is not known.
    total: AtomicU64,
}

/// An export's place among the running ones, given up when it ends however it ends.
pub struct Place {
    exports: Arc<Exports>,
    pub id: ExportId,
    pub progress: Arc<Progress>,
}

impl Default for Exports {
    fn default() -> Self {
        let turns = Turns::new(limits::EXPORTS_WRITING, limits::EXPORTS_WRITING_PER_LOG);
        Self { running: Mutex::default(), turns }
    }
}

impl Exports {
    pub(super) fn enter(
        self: &Arc<Self>,
        realm: Realm,
        id: ExportId,
    ) -> Result<Place, ExportError> {
        let progress = Arc::<Progress>::default();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = |of: &Realm, progress: &Progress| *of == realm && progress.go_on().is_ok();
        let active = running.values().filter(|(of, progress)| counts(of, progress)).count();
        if active >= limits::EXPORTS_ACTIVE {
            return Err(ExportError::Busy);
        }
        running.insert(id, (realm, progress.clone()));
        Ok(Place { exports: self.clone(), id, progress })
    }

    pub(super) fn progress(&self, id: ExportId) -> Option<Arc<Progress>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&id).map(|(_, progress)| progress.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.exports.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Progress {
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`ExportError::Cancelled`] when it was.
    pub fn go_on(&self) -> Result<(), ExportError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(ExportError::Cancelled) } else { Ok(()) }
    }

    pub fn set(&self, done: u64, total: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.total.store(total.saturating_add(1), Ordering::Relaxed);
    }

    pub fn get(&self) -> (u64, Option<u64>) {
        let total = self.total.load(Ordering::Relaxed).checked_sub(1);
        (self.done.load(Ordering::Relaxed), total)
    }
}
