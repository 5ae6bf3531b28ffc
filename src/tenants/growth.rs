//! Who wants to know is told when a log grows, without asking the disk and without keeping the
//! log's file open.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use super::Tenants;
use crate::authz::Realm;

/// The logs that somebody watches, with the largest size seen.
#[derive(Default)]
pub struct Growth {
    watched: RwLock<HashMap<Realm, watch::Sender<u64>>>,
}

impl Growth {
    /// Sizes of a log from now on; 0 until it first grows.
    pub fn watch(&self, realm: Realm) -> watch::Receiver<u64> {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|other, sender| *other == realm || sender.receiver_count() > 0);
        watched.entry(realm).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }

    /// Called for every commit: cheap when nobody watches.
    pub fn tell(&self, realm: Realm, size: u64) {
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&realm) {
            sender.send_if_modified(|known| {
                let grew = size > *known;
                *known = size.max(*known);
                grew
            });
        }
    }
}

impl Tenants {
    /// Sizes of the realm's log, as commits make it grow; 0 until the first one.
    pub(crate) fn watch_growth(&self, realm: Realm) -> watch::Receiver<u64> {
        self.inner.ground.growth.watch(realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::TenantId;

    #[test]
    fn who_watches_a_log_hears_of_that_log_alone() {
        let growth = Growth::default();
        let (one, other) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
        let mut watcher = growth.watch(Realm::Tenant(one));
        growth.tell(Realm::Tenant(other), 9);
        growth.tell(Realm::Platform, 9);
        assert!(!watcher.has_changed().unwrap());
        growth.tell(Realm::Tenant(one), 7);
        growth.tell(Realm::Tenant(one), 5);
        assert_eq!(*watcher.borrow_and_update(), 7);
        drop(watcher);
        drop(growth.watch(Realm::Platform));
        assert_eq!(growth.watched.read().unwrap().len(), 1, "nobody watches the tenant any more");
    }
}
