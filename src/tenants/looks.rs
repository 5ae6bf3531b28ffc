//! What the careful clock said at the last look at it in this process, and what it says since: the
//! clock that nobody sets carries it on. What the careful clock is, is for `retention` to say.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Tenants;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::clock::{Clock, ClockGuard};

pub(super) struct Looks {
    /// Since the start of the process, like the one of each log.
    guard: ClockGuard,
    last: Mutex<HashMap<Realm, (Timestamp, Duration)>>,
}

impl Looks {
    pub fn new(clock: &dyn Clock) -> Self {
        Self { guard: ClockGuard::new(clock), last: Mutex::default() }
    }
}

impl Tenants {
    /// Whether nobody has set the clock since the process began.
    pub(crate) fn is_clock_steady(&self) -> bool {
        self.inner.looks.guard.check(self.runtime().clock.as_ref()).is_some()
    }

    /// The time of the last look and all that went by since; nothing before the first look.
    pub(crate) fn carried(&self, realm: Realm) -> Option<Timestamp> {
        let last = self.inner.looks.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, monotonic) = last.get(&realm)?;
        Some(at.plus(self.runtime().clock.monotonic().saturating_sub(*monotonic)))
    }

    /// Remembers a look at `monotonic`.
    pub(crate) fn looked(&self, realm: Realm, at: Timestamp, monotonic: Duration) {
        let mut last = self.inner.looks.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(realm, (at, monotonic));
    }

    /// What a start of the process forgets.
    #[cfg(test)]
    pub(crate) fn forget_looks(&self) {
        self.inner.looks.last.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
