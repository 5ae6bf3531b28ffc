//! Runs one pump for each active stream.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::handle::Look;
use super::live::Live;
use super::model::StreamState;
use super::pump::Pump;
use super::reader::Pass;
use super::repo::{self, Stored};
use super::{StreamError, Streams, metrics};
use crate::audit::read;
use crate::authz::Realm;
use crate::kernel::id::StreamId;
use crate::tenants::{DoorError, SystemWrite};

/// Gauges are set, and pumps that broke off are started again, this often.
const ROUND: Duration = Duration::from_secs(10);
/// Tenants looked at after a start between two looks at how many files are open.
const STEP: usize = 64;
/// How long a pump may take to write its cursor down at its end.
const END: Duration = Duration::from_secs(5);

/// The running supervisor.
pub struct Supervisor {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Stops sending and writes the cursors down.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if self.task.await.is_err() {
            tracing::warn!("the streams did not stop cleanly");
        }
    }
}

pub fn start(streams: Streams, inbox: mpsc::UnboundedReceiver<Look>) -> Supervisor {
    let stop = watch::Sender::new(false);
    let stopped = stop.subscribe();
    let crew = Crew {
        streams,
        pumps: HashMap::new(),
        waiting: VecDeque::new(),
        again: Vec::new(),
        looked: 0,
    };
    Supervisor { task: tokio::spawn(crew.work(inbox, stopped)), stop }
}

struct Crew {
    streams: Streams,
    pumps: HashMap<StreamId, Running>,
    /// Realms to be looked at.
    waiting: VecDeque<Realm>,
    /// Those that could not be read, for the next round.
    again: Vec<Realm>,
    looked: usize,
}

struct Running {
    realm: Realm,
    revision: u64,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Crew {
    async fn work(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Look>,
        mut stop: watch::Receiver<bool>,
    ) {
        self.waiting = self.realms().await;
        let mut round = tokio::time::interval(ROUND);
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => break,
                order = inbox.recv() => {
                    let Some(Look { realm, done }) = order else { break };
                    if self.look(realm).await {
                        self.strike(realm).await;
                    }
                    let _ = done.send(()); // whoever asked may have gone away
                }
                _ = round.tick() => self.round(),
                () = std::future::ready(()), if !self.waiting.is_empty() => self.survey().await,
            }
        }
        let ids: Vec<_> = self.pumps.keys().copied().collect();
        for running in self.pumps.values() {
            running.stop.send_replace(true);
        }
        for id in ids {
            self.end(id).await;
        }
    }

    /// The platform, and the tenants that may have streams. No other tenant is opened.
    async fn realms(&self) -> VecDeque<Realm> {
        let tenants = self.streams.tenants();
        let mut realms = VecDeque::from([Realm::Platform]);
        let listed = async {
            let pass = Pass::get(tenants, Realm::Platform)?;
            pass.read(tenants, |tx| Ok::<_, DoorError>(repo::tenants(tx)?)).await
        };
        match listed.await {
            Ok(listed) => realms.extend(listed.into_iter().map(Realm::Tenant)),
            Err(error) => tracing::error!(%error, "which tenants have streams cannot be read"),
        }
        realms
    }

    /// Looks at one of the realms that wait.
    async fn survey(&mut self) {
        let Some(realm) = self.waiting.pop_front() else { return };
        self.look(realm).await;
        self.looked += 1;
        if self.looked.is_multiple_of(STEP) {
            let tenants = self.streams.tenants().clone();
            let _ = tokio::task::spawn_blocking(move || tenants.close_idle()).await;
        }
    }

    fn round(&mut self) {
        let now = self.streams.tenants().runtime().now();
        for (id, live) in self.streams.board().all() {
            metrics::level(id, &live.snapshot(), now);
        }
        let broken = self.pumps.values().filter(|running| running.task.is_finished());
        self.again.extend(broken.map(|running| running.realm));
        for realm in self.again.drain(..) {
            if !self.waiting.contains(&realm) {
                self.waiting.push_back(realm);
            }
        }
    }

    /// Starts, restarts and ends pumps, so that a realm's active streams run as they are stored.
    /// Says whether there are none.
    async fn look(&mut self, realm: Realm) -> bool {
        let (active, head) = match self.stored(realm).await {
            Ok(stored) => stored,
            Err(StreamError::Door(DoorError::Denied(_))) => (Vec::new(), 0),
            Err(error) => {
                tracing::error!(?realm, %error, "a log's streams cannot be read");
                self.again.push(realm);
                return false;
            }
        };
        let is_unused = active.is_empty();
        self.arrange(realm, active, head).await;
        is_unused
    }

    async fn stored(&self, realm: Realm) -> Result<(Vec<Stored>, u64), StreamError> {
        let tenants = self.streams.tenants();
        let pass = Pass::get(tenants, realm)?;
        pass.read(tenants, |tx| {
            let mut active = repo::all(tx)?;
            active.retain(|stored| stored.state == StreamState::Active);
            Ok((active, read::size(tx)?))
        })
        .await
    }

    async fn arrange(&mut self, realm: Realm, active: Vec<Stored>, head: u64) {
        let wanted: HashMap<_, _> =
            active.iter().map(|stored| (stored.id, stored.revision)).collect();
        let ending: Vec<_> = self
            .pumps
            .iter()
            .filter(|(id, running)| {
                let same = wanted.get(id) == Some(&running.revision);
                running.realm == realm && (!same || running.task.is_finished())
            })
            .map(|(id, _)| *id)
            .collect();
        for id in ending {
            self.end(id).await;
        }
        for stored in active {
            if !self.pumps.contains_key(&stored.id) {
                self.begin(realm, stored, head);
            }
        }
    }

    fn begin(&mut self, realm: Realm, stored: Stored, head: u64) {
        let growth = self.streams.tenants().watch_growth(realm);
        let live = Arc::new(Live::new(stored.cursor, head, growth.clone()));
        self.streams.board().put(stored.id, live.clone());
        let stop = watch::Sender::new(false);
        let (id, revision) = (stored.id, stored.revision);
        let pump = Pump::new(self.streams.clone(), realm, stored, live, growth);
        let task = tokio::spawn(pump.run(stop.subscribe()));
        self.pumps.insert(id, Running { realm, revision, stop, task });
    }

    async fn end(&mut self, id: StreamId) {
        let Some(mut running) = self.pumps.remove(&id) else { return };
        running.stop.send_replace(true);
        if tokio::time::timeout(END, &mut running.task).await.is_err() {
            running.task.abort();
        }
        self.streams.board().remove(id);
        metrics::gone(id);
    }

    /// A tenant without active streams need not be opened at the next start. Nobody sets one up
    /// meanwhile: whoever ordered the look that found none holds the lock for changes.
    async fn strike(&self, realm: Realm) {
        let Realm::Tenant(id) = realm else { return };
        let (tenants, what) = (self.streams.tenants(), SystemWrite::StreamCursor);
        let struck =
            tenants.system_write(Realm::Platform, what, move |tx| Ok(repo::strike(tx, id)?));
        if let Err(error) = struck.await {
            tracing::warn!(%error, "a tenant stays on the list of those with streams");
        }
    }
}

/// Returns once `true` is sent, or nobody can send it any more.
pub async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
