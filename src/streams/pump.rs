//! One stream at work: reads entries above its cursor, has them sent, moves the cursor when they
//! are delivered. Whatever fails, it begins again at the cursor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::live::Live;
use super::reader::{self, Pass, Taken, Wanted};
use super::repo::{self, Cursor, Stored};
use super::senders::{SendError, Sender};
use super::supervisor::told_to_stop;
use super::{Streams, backoff, metrics, report};
use crate::audit::catalogue;
use crate::audit::event::Outcome;
use crate::audit::export::SourceTenant;
use crate::authz::Realm;
use crate::kernel::{Timestamp, limits};
use crate::tenants::{DoorError, SystemWrite};

/// A suspended tenant is looked at again after this long, should it grow or not.
const REST: Duration = Duration::from_secs(30);

/// A batch may have this many entries more than the one before: a receiver that found one too
/// large is not asked about that again at once.
const GROWTH: u64 = 8;

pub struct Pump {
    streams: Streams,
    realm: Realm,
    stored: Stored,
    wanted: Wanted,
    live: Arc<Live>,
    growth: watch::Receiver<u64>,
    cursor: Cursor,
    /// Up to where entries were handed to the sender.
    reached: u64,
    /// Size of the log, as far as it is known.
    head: u64,
    sender: Option<Sender>,
    flight: VecDeque<Flying>,
    failures: u32,
    /// When the cursor was last written down, and what it said.
    saved: (Duration, Cursor),
}

/// A batch that is not delivered yet.
struct Flying {
    last: u64,
    count: u64,
    oldest: Timestamp,
}

/// Why a round ended early.
enum Trouble {
    Send(SendError),
    Store(DoorError),
}

impl From<SendError> for Trouble {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<DoorError> for Trouble {
    fn from(error: DoorError) -> Self {
        Self::Store(error)
    }
}

impl Pump {
    pub fn new(
        streams: Streams,
        realm: Realm,
        stored: Stored,
        live: Arc<Live>,
        growth: watch::Receiver<u64>,
    ) -> Self {
        let cursor = stored.cursor;
        let wanted = Wanted {
            settings: Arc::new(stored.settings.clone()),
            tenant: None,
            enterprise: streams.settings().enterprise_number,
            log: cursor.log,
            after: 0,
            most: limits::STREAM_BATCH_ENTRIES,
        };
        let head = live.snapshot().head;
        let now = streams.tenants().runtime().clock.monotonic();
        Self {
            streams,
            realm,
            stored,
            wanted,
            live,
            growth,
            cursor,
            reached: cursor.through,
            head,
            sender: None,
            flight: VecDeque::new(),
            failures: 0,
            saved: (now, cursor),
        }
    }

    /// Works until told to stop, then writes the cursor down.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            () = told_to_stop(&mut stop) => {}
            () = self.work() => {}
        }
        self.save().await;
    }

    async fn work(&mut self) {
        loop {
            let result = match self.streams.rests(self.realm) {
                true => {
                    self.rest().await;
                    Ok(())
                }
                false => self.round().await,
            };
            if let Err(trouble) = result {
                self.fail(trouble).await;
            }
        }
    }

    /// Sends a batch if there is something to send, else waits until something happens.
    async fn round(&mut self) -> Result<(), Trouble> {
        self.head = self.head.max(*self.growth.borrow_and_update());
        self.look_at_connection().await?;
        self.collect().await?;
        if self.reached < self.head {
            return self.send().await;
        }
        if self.cursor != self.saved.1 && (self.flight.is_empty() || self.may_save()) {
            self.save().await;
        }
        self.wait().await
    }

    /// Notices a connection that ended, without waiting for it.
    async fn look_at_connection(&mut self) -> Result<(), SendError> {
        let Some(sender) = &mut self.sender else { return Ok(()) };
        tokio::select! {
            biased;
            error = sender.broken() => self.lost(error),
            () = std::future::ready(()) => Ok(()),
        }
    }

    /// A receiver may close a connection on which nothing is under way.
    fn lost(&mut self, error: SendError) -> Result<(), SendError> {
        self.sender = None;
        if self.flight.is_empty() { Ok(()) } else { Err(error) }
    }

    /// Moves the cursor over what is delivered.
    async fn collect(&mut self) -> Result<(), SendError> {
        let Some(sender) = &mut self.sender else { return Ok(()) };
        let Some(last) = sender.delivered()? else { return Ok(()) };
        let mut count = 0;
        while let Some(batch) = self.flight.pop_front_if(|batch| batch.last <= last) {
            count += batch.count;
        }
        self.cursor.through = last;
        self.cursor.sent += count;
        self.cursor.moved = Some(self.now());
        metrics::delivered(self.stored.id, count);
        self.failures = 0;
        self.wanted.most = (self.wanted.most + GROWTH).min(limits::STREAM_BATCH_ENTRIES);
        self.publish();
        if self.cursor.alarmed.is_some() {
            self.all_clear().await;
        }
        if self.may_save() {
            self.save().await;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), Trouble> {
        let streams = self.streams.clone();
        let lanes = streams.lanes();
        let lane = if self.failures == 0 { &lanes.steady } else { &lanes.struggling };
        let _turn = lane.acquire().await;
        if self.sender.is_none() {
            let (settings, secrets) = (&self.wanted.settings, &self.stored.secrets);
            let circumstances = streams.circumstances();
            let opened = Sender::open(&settings.destination, secrets, &circumstances).await?;
            self.sender = Some(opened);
        }
        let taken = self.take().await?;
        self.adopt(&taken).await;
        let Some(batch) = taken.batch else {
            self.reached = self.head;
            return Ok(());
        };
        let (last, count, oldest) = (batch.last, batch.count, batch.oldest);
        self.flight.push_back(Flying { last, count, oldest });
        self.publish();
        if let Some(sender) = &mut self.sender {
            sender.send(batch).await?;
        }
        self.reached = last;
        self.collect().await?;
        Ok(())
    }

    async fn take(&self) -> Result<Taken, DoorError> {
        let tenants = self.streams.tenants();
        let tenant = match self.realm {
            Realm::Platform => None,
            Realm::Tenant(id) => tenants
                .tenant_by_id(id)
                .map(|tenant| SourceTenant { id, slug: tenant.slug.to_string() }),
        };
        let pass = Pass::get(tenants, self.realm)?;
        let (log, after) = (self.cursor.log, self.reached);
        reader::take(&pass, tenants, Wanted { tenant, log, after, ..self.wanted.clone() }).await
    }

    /// Takes over what the log says about itself: its size, its id, what is gone from it.
    async fn adopt(&mut self, taken: &Taken) {
        self.head = self.head.max(taken.head);
        if taken.log != self.cursor.log {
            tracing::warn!(stream = %self.stored.id, "another log is in place: sent from its beginning");
            (self.cursor.log, self.cursor.through) = (taken.log, 0);
            self.head = taken.head;
        }
        let Some(gap) = taken.gap else { return };
        tracing::warn!(
            stream = %self.stored.id,
            from = gap.from,
            through = gap.through,
            "retention removed entries before they were sent"
        );
        self.cursor.skipped += gap.entries();
        metrics::skipped(self.stored.id, gap.entries());
        self.record(gap.event(self.stored.id)).await;
        if self.flight.is_empty() {
            // Counted once: an attempt that fails does not come upon the gap again.
            (self.cursor.through, self.reached) = (gap.through, gap.through);
            self.save().await;
        }
    }

    /// Until the log grows, the connection ends, or something that was sent has settled.
    async fn wait(&mut self) -> Result<(), Trouble> {
        let settling = self.sender.as_ref().and_then(Sender::look_again);
        let unsaved = self.cursor != self.saved.1;
        let time = match settling {
            Some(time) => time,
            None if unsaved => limits::STREAM_CURSOR_STEP,
            None => limits::STREAM_IDLE,
        };
        let (growth, sender) = (&mut self.growth, &mut self.sender);
        let broken = async {
            match sender {
                Some(sender) => sender.broken().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = growth.changed() => self.notice(),
            error = broken => self.lost(error)?,
            () = tokio::time::sleep(time) => {
                if settling.is_none() && !unsaved {
                    self.sender = None; // idle: nothing to keep a connection for
                }
            }
        }
        Ok(())
    }

    /// There is more to send from this moment on.
    fn notice(&self) {
        let now = self.now();
        self.live.change(|live| {
            live.oldest.get_or_insert(now);
        });
    }

    async fn rest(&mut self) {
        self.sender = None;
        self.flight.clear();
        self.reached = self.cursor.through;
        let _ = tokio::time::timeout(REST, self.growth.changed()).await;
    }

    async fn fail(&mut self, trouble: Trouble) {
        let refused = self.flight.pop_back();
        self.flight.clear();
        self.reached = self.cursor.through;
        if let (Trouble::Send(error), Some(batch)) = (&trouble, refused)
            && error.is_too_large()
            && batch.count > 1
        {
            self.wanted.most = batch.count / 2;
            return;
        }
        self.sender = None;
        self.failures = self.failures.saturating_add(1);
        let runtime = self.streams.tenants().runtime().clone();
        let mut delay = backoff::delay(self.failures, &runtime);
        let error = match trouble {
            Trouble::Send(error) => {
                let asked = error.retry_after().unwrap_or_default();
                delay = delay.max(asked.min(limits::STREAM_BACKOFF));
                error.to_string()
            }
            // What is wrong inside is for the operating log.
            Trouble::Store(error) => {
                tracing::warn!(stream = %self.stored.id, %error, "entries to send cannot be read");
                "the log cannot be read; the operating log says why".to_owned()
            }
        };
        metrics::failed(self.stored.id);
        let now = runtime.now();
        tracing::debug!(stream = %self.stored.id, error, "a stream did not get through");
        self.live.change(|live| {
            live.cursor = self.cursor;
            live.failing_since.get_or_insert(now);
            (live.last_error, live.last_error_at) = (Some(error.clone()), Some(now));
            live.next_attempt = Some(now.plus(delay));
        });
        self.alarm(&error, now).await;
        tokio::time::sleep(delay).await;
    }

    /// Says once that a stream has failed for long.
    async fn alarm(&mut self, error: &str, now: Timestamp) {
        let since = self.live.snapshot().failing_since.unwrap_or(now);
        let patience = Duration::from_secs(self.streams.settings().alarm_seconds.into());
        if self.cursor.alarmed.is_some() || now.since(since) < patience {
            return;
        }
        let (id, name) = (self.stored.id, &self.stored.settings.name);
        tracing::warn!(stream = %id, error, "a stream has been failing since {since}");
        let mut event = report::about(catalogue::STREAM_FAILING, id);
        event.outcome = Outcome::Failure;
        event.custom_fields.insert("name".into(), name.as_str().into());
        event.custom_fields.insert("since".into(), since.to_string().into());
        event.custom_fields.insert("error".into(), error.into());
        event.custom_fields.insert("through".into(), self.cursor.through.into());
        if self.record(event).await {
            self.cursor.alarmed = Some(now);
            self.publish();
            self.save().await;
        }
    }

    async fn all_clear(&mut self) {
        let id = self.stored.id;
        tracing::info!(stream = %id, "a stream gets through again");
        let mut event = report::about(catalogue::STREAM_RECOVERED, id);
        event.custom_fields.insert("through".into(), self.cursor.through.into());
        if self.record(event).await {
            self.cursor.alarmed = None;
            self.publish();
            self.save().await;
        }
    }

    async fn record(&self, event: crate::audit::Event) -> bool {
        let tenants = self.streams.tenants();
        let recorded = async { Pass::get(tenants, self.realm)?.record(tenants, event).await };
        let result: Result<(), DoorError> = recorded.await;
        result
            .inspect_err(|error| tracing::error!(%error, "what became of a stream is not recorded"))
            .is_ok()
    }

    /// Shows others how far it has come.
    fn publish(&self) {
        let oldest = self.flight.front().map(|batch| batch.oldest);
        let behind = self.cursor.through < self.head;
        let (cursor, head, is_well) = (self.cursor, self.head, self.failures == 0);
        self.live.change(|live| {
            (live.cursor, live.head) = (cursor, live.head.max(head));
            live.oldest = if behind { oldest.or(live.oldest) } else { None };
            if is_well {
                (live.failing_since, live.next_attempt) = (None, None);
            }
        });
    }

    fn may_save(&self) -> bool {
        let now = self.streams.tenants().runtime().clock.monotonic();
        now.saturating_sub(self.saved.0) >= limits::STREAM_CURSOR_STEP
    }

    /// Writes the cursor down. When that fails, more is sent twice after a crash, and nothing lost.
    async fn save(&mut self) {
        if self.cursor == self.saved.1 {
            return;
        }
        let tenants = self.streams.tenants();
        let (id, cursor) = (self.stored.id, self.cursor);
        let write = tenants.system_write(self.realm, SystemWrite::StreamCursor, move |tx| {
            Ok(repo::advance(tx, id, &cursor)?)
        });
        let saved = write.await.is_ok();
        let kept = if saved { cursor } else { self.saved.1 };
        self.saved = (tenants.runtime().clock.monotonic(), kept);
    }

    fn now(&self) -> Timestamp {
        self.streams.tenants().runtime().now()
    }
}
