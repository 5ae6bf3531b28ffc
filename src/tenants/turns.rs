//! Turns at heavy work: so many at one time, and fewer of them for one realm, so that no tenant
//! keeps the others waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::authz::Realm;

#[derive(Clone)]
pub struct Turns {
    all: Arc<Semaphore>,
    /// Of one realm.
    share: usize,
    /// Of realms that have a turn or wait for one.
    realms: Arc<Mutex<HashMap<Realm, Arc<Semaphore>>>>,
}

/// A turn, until it is dropped.
#[must_use]
pub struct Turn {
    /// None once the semaphores are closed, which nobody does.
    _held: [Option<OwnedSemaphorePermit>; 2],
}

impl Turns {
    pub fn new(all: usize, share: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), share, realms: Arc::default() }
    }

    /// Waits for a turn. Whoever waits for another one's of the same realm is in nobody's way.
    pub async fn take(&self, realm: Realm) -> Turn {
        let own = self.of(realm).acquire_owned().await.ok();
        Turn { _held: [own, self.all.clone().acquire_owned().await.ok()] }
    }

    /// A turn now, or none.
    pub fn try_take(&self, realm: Realm) -> Option<Turn> {
        let own = self.of(realm).try_acquire_owned().ok()?;
        Some(Turn { _held: [Some(own), Some(self.all.clone().try_acquire_owned().ok()?)] })
    }

    fn of(&self, realm: Realm) -> Arc<Semaphore> {
        let mut realms = self.realms.lock().unwrap_or_else(PoisonError::into_inner);
        realms.retain(|_, turns| Arc::strong_count(turns) > 1);
        realms.entry(realm).or_insert_with(|| Arc::new(Semaphore::new(self.share))).clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::kernel::id::TenantId;

    #[tokio::test]
    async fn a_realm_has_no_more_than_its_share_and_all_together_no_more_than_there_are() {
        let turns = Turns::new(3, 2);
        let [a, b] = [1, 2].map(|n| Realm::Tenant(TenantId::from_bytes([n; 16])));
        let (first, _second) = (turns.take(a).await, turns.take(a).await);
        assert!(turns.try_take(a).is_none() && turns.take(a).now_or_never().is_none());
        let _third = turns.try_take(b).expect("another realm's share is untouched");
        assert!(turns.try_take(Realm::Platform).is_none(), "there are three");
        drop(first);
        assert!(turns.take(a).now_or_never().is_some());
        let one = turns.try_take(Realm::Platform);
        assert!(one.is_some(), "a turn that was given back, or never taken, is free again");
        assert!(turns.realms.lock().unwrap().len() <= 3);
    }
}
