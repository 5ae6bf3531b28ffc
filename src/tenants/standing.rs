//! Whoever goes on after a request was answered is told when a credential of its realm has changed,
//! or the tenant's state: signing out, a disabled account and a role taken away end live views and
//! downloads at once, not when they next look.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use tokio::sync::watch;

use super::Tenants;
use crate::authz::Realm;

/// The realms that somebody watches. Files may be closed and opened again meanwhile.
#[derive(Default)]
pub struct Standing {
    watched: RwLock<HashMap<Realm, watch::Sender<()>>>,
}

impl Standing {
    pub fn watch(&self, realm: Realm) -> watch::Receiver<()> {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|other, sender| *other == realm || sender.receiver_count() > 0);
        watched.entry(realm).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Cheap when nobody watches.
    pub fn stir(&self, realm: Realm) {
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&realm) {
            sender.send_replace(());
        }
    }
}

impl Tenants {
    /// Wakes when somebody's standing in the realm may have changed, from now on.
    pub(crate) fn watch_standing(&self, realm: Realm) -> watch::Receiver<()> {
        self.inner.ground.standing.watch(realm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::id::TenantId;

    #[test]
    fn who_watches_a_realm_is_woken_for_that_realm_alone() {
        let standing = Standing::default();
        let (one, other) = (TenantId::from_bytes([1; 16]), TenantId::from_bytes([2; 16]));
        let mut watcher = standing.watch(Realm::Tenant(one));
        standing.stir(Realm::Tenant(other));
        standing.stir(Realm::Platform);
        assert!(!watcher.has_changed().unwrap());
        standing.stir(Realm::Tenant(one));
        assert!(watcher.has_changed().unwrap());
        watcher.mark_unchanged();
        assert!(!watcher.has_changed().unwrap());
        drop(watcher);
        drop(standing.watch(Realm::Platform));
        assert_eq!(standing.watched.read().unwrap().len(), 1, "nobody watches the tenant any more");
    }
}
