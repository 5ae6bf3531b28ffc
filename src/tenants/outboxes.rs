//! Which realms have mail that waits to be sent, and since when. Told by commits, and by files that
//! are opened with some in them, so that nobody has to look into idle tenants.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Tenants;
use crate::authz::Realm;
use crate::kernel::Timestamp;

#[derive(Default)]
pub struct Outboxes {
    waiting: Mutex<HashMap<Realm, Timestamp>>,
    /// Whether a mail server is configured: without one nothing is queued.
    open: AtomicBool,
}

impl Outboxes {
    pub fn new(is_open: bool) -> Self {
        Self { waiting: Mutex::default(), open: AtomicBool::new(is_open) }
    }

    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// There is mail that may be sent from `due` on.
    pub fn note(&self, realm: Realm, due: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let known = waiting.entry(realm).or_insert(due);
        *known = due.min(*known);
    }

    /// Takes the realms off the list in which something is due.
    pub fn take(&self, now: Timestamp) -> Vec<Realm> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let due = waiting.extract_if(|_, due| *due <= now);
        due.map(|(realm, _)| realm).collect()
    }
}

impl Tenants {
    /// As if a mail server were configured.
    #[cfg(test)]
    pub(crate) fn open_outboxes(&self) {
        self.inner.ground.outboxes.open.store(true, Ordering::Relaxed);
    }

    /// The realms with mail that is due; whoever takes them sees to it, and says with
    /// [`note_mail`](Self::note_mail) what is left.
    pub(crate) fn mail_due(&self) -> Vec<Realm> {
        self.inner.ground.outboxes.take(self.now())
    }

    pub(crate) fn note_mail(&self, realm: Realm, due: Timestamp) {
        self.inner.ground.outboxes.note(realm, due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_looked_at_once_its_earliest_mail_is_due() {
        let (outboxes, at) = (Outboxes::default(), Timestamp::from_micros);
        outboxes.note(Realm::Platform, at(20));
        outboxes.note(Realm::Platform, at(10));
        outboxes.note(Realm::Platform, at(30));
        assert!(outboxes.take(at(9)).is_empty());
        assert_eq!(outboxes.take(at(10)), [Realm::Platform]);
        assert!(outboxes.take(at(40)).is_empty(), "taken");
    }
}
