//! The streams of an installation: what operations, pages and the supervisor share.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{MutexGuard, Semaphore, mpsc, oneshot};

use super::live::Board;
use super::model::Secrets;
use super::senders::Circumstances;
use super::supervisor::{self, Supervisor};
use super::{Destination, StreamError, check, repo};
use crate::authz::Realm;
use crate::config;
use crate::outgoing::Allowed;
use crate::store::StoreError;
use crate::tenants::{DoorError, SystemWrite, Tenants};

#[derive(Clone)]
pub struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    tenants: Tenants,
    settings: config::Streams,
    board: Board,
    lanes: Lanes,
    /// Held by who changes streams, and by the supervisor while it strikes a tenant off its list.
    changing: tokio::sync::Mutex<()>,
    supervisor: Mutex<Option<mpsc::UnboundedSender<Look>>>,
}

/// Somebody changed a realm's streams: look at them, and say when that is done.
pub struct Look {
    pub realm: Realm,
    pub done: oneshot::Sender<()>,
}

/// Streams that send at the same time. Those that are trying to get through have a lane of their
/// own, so that receivers that hang take nothing away from the others.
pub struct Lanes {
    pub steady: Semaphore,
    pub struggling: Semaphore,
}

impl Streams {
    pub fn new(tenants: &Tenants, settings: &config::Streams) -> Self {
        let lane = || Semaphore::new(settings.parallel as usize);
        Self {
            inner: Arc::new(Inner {
                tenants: tenants.clone(),
                settings: settings.clone(),
                board: Board::default(),
                lanes: Lanes { steady: lane(), struggling: lane() },
                changing: tokio::sync::Mutex::default(),
                supervisor: Mutex::default(),
            }),
        }
    }

    /// Begins to send. Until then, and without it, streams are only kept.
    pub fn start(&self) -> Supervisor {
        let (orders, inbox) = mpsc::unbounded_channel();
        *self.inner.supervisor.lock().unwrap_or_else(PoisonError::into_inner) = Some(orders);
        supervisor::start(self.clone(), inbox)
    }

    /// How many streams send, and how many of them have failed for as long as an alarm takes.
    pub fn standing(&self) -> (usize, usize) {
        let (now, all) = (self.inner.tenants.runtime().now(), self.board().all());
        let alarm = std::time::Duration::from_secs(self.inner.settings.alarm_seconds.into());
        let is_failing = |since: crate::kernel::Timestamp| now.since(since) >= alarm;
        let failing =
            all.iter().filter(|(_, live)| live.snapshot().failing_since.is_some_and(is_failing));
        (all.len(), failing.count())
    }

    pub(super) fn tenants(&self) -> &Tenants {
        &self.inner.tenants
    }

    pub(super) fn settings(&self) -> &config::Streams {
        &self.inner.settings
    }

    pub(super) fn board(&self) -> &Board {
        &self.inner.board
    }

    pub(super) fn lanes(&self) -> &Lanes {
        &self.inner.lanes
    }

    pub(super) async fn changing(&self) -> MutexGuard<'_, ()> {
        self.inner.changing.lock().await
    }

    pub(super) fn circumstances(&self) -> Circumstances {
        let settings = &self.inner.settings;
        Circumstances {
            allowed: Allowed::Also(settings.allowed_addresses.clone()),
            settle: std::time::Duration::from_secs(settings.settle_seconds.into()),
            clock: self.inner.tenants.runtime().clock.clone(),
        }
    }

    /// Whether a realm's streams wait for the end of its suspension.
    pub(super) fn rests(&self, realm: Realm) -> bool {
        let Realm::Tenant(id) = realm else { return false };
        self.inner.tenants.tenant_by_id(id).is_none_or(|tenant| !tenant.state.admits())
    }

    /// Remembers that a tenant has streams.
    pub(super) async fn enlist(&self, realm: Realm) -> Result<(), DoorError> {
        let Realm::Tenant(id) = realm else { return Ok(()) };
        let (tenants, what) = (&self.inner.tenants, SystemWrite::StreamCursor);
        tenants.system_write(Realm::Platform, what, move |tx| Ok(repo::enlist(tx, id)?)).await
    }

    /// Has the supervisor look at a realm's streams, and waits until it did.
    pub(super) async fn look(&self, realm: Realm) {
        let orders = {
            let supervisor = self.inner.supervisor.lock();
            supervisor.unwrap_or_else(PoisonError::into_inner).clone()
        };
        let (done, looked) = oneshot::channel();
        if orders.is_some_and(|orders| orders.send(Look { realm, done }).is_ok()) {
            let _ = looked.await; // the supervisor may stop first
        }
    }

    pub(super) async fn check(
        &self,
        destination: &Destination,
        secrets: &Secrets,
    ) -> Result<(), StreamError> {
        let (destination, secrets) = (destination.clone(), secrets.clone());
        let allowed = self.circumstances().allowed;
        let checked = tokio::task::spawn_blocking(move || {
            check::destination(&destination, &secrets, &allowed)
        });
        checked.await.map_err(|_| StreamError::from(StoreError::Panicked))?
    }
}
