//! The streams of a log, with how far each has come.

use super::model::{Delivery, DeliveryState, SecretsSet, Sees, StreamState};
use super::repo::{self, Stored};
use super::{Stream, StreamError, Streams};
use crate::audit::read;
use crate::authz::permission::{AuditStream, PlatformAuditStream};
use crate::authz::{Grant, Permission, Realm};
use crate::kernel::Timestamp;
use crate::kernel::id::StreamId;
use crate::store::Sql;

/// All streams of the log, oldest first.
pub async fn list<P: Sees>(
    streams: &Streams,
    grant: &Grant<P>,
) -> Result<Vec<Stream>, StreamError> {
    let read = streams.tenants().read(grant, |tx| {
        let mut found = Vec::new();
        for stored in repo::all(tx)? {
            found.push((Position::of(tx, &stored)?, stored));
        }
        Ok::<_, StreamError>(found)
    });
    let found = read.await?;
    let view = |(at, stored)| view(streams, grant, at, stored);
    Ok(found.into_iter().map(view).collect())
}

/// One stream.
pub async fn find<P: Sees>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
) -> Result<Stream, StreamError> {
    let stored = streams.tenants().read(grant, move |tx| repo::find(tx, id)).await?;
    streams.view(grant, stored).await
}

impl Streams {
    /// A stream as callers see it.
    pub(super) async fn view<P: Permission>(
        &self,
        grant: &Grant<P>,
        stored: Stored,
    ) -> Result<Stream, StreamError> {
        let read = self
            .tenants()
            .read(grant, move |tx| Ok::<_, StreamError>((Position::of(tx, &stored)?, stored)));
        let (at, stored) = read.await?;
        Ok(view(self, grant, at, stored))
    }
}

/// What only the log knows.
struct Position {
    size: u64,
    /// When the first entry behind the stored cursor was written down.
    next: Option<Timestamp>,
}

impl Position {
    fn of(tx: &impl Sql, stored: &Stored) -> Result<Self, StreamError> {
        let next = repo::time_of(tx, stored.cursor.through + 1)?;
        Ok(Self { size: read::size(tx)?, next })
    }
}

/// Whether whoever looks could change the stream as well.
fn manages<P>(grant: &Grant<P>) -> bool {
    let flag = match grant.realm() {
        Realm::Platform => PlatformAuditStream::FLAG,
        Realm::Tenant(_) => AuditStream::FLAG,
    };
    grant.caller().principal.permissions().has(flag)
}

fn view<P: Permission>(
    streams: &Streams,
    grant: &Grant<P>,
    at: Position,
    stored: Stored,
) -> Stream {
    let realm = grant.realm();
    let live = streams.board().get(stored.id).map(|live| live.snapshot());
    let cursor = live.as_ref().map_or(stored.cursor, |live| live.cursor);
    let lag = at.size.saturating_sub(cursor.through);
    let now = streams.tenants().runtime().now();
    let oldest = live.as_ref().map_or(at.next, |live| live.oldest.or(at.next));
    let failing_since = live.as_ref().and_then(|live| live.failing_since);
    let state = match (stored.state, &live) {
        (StreamState::Paused, _) => DeliveryState::Paused,
        _ if streams.rests(realm) => DeliveryState::Resting,
        _ if cursor.alarmed.is_some() => DeliveryState::Failing,
        _ if failing_since.is_some() => DeliveryState::Retrying,
        _ if lag == 0 => DeliveryState::Current,
        _ => DeliveryState::Sending,
    };
    Stream {
        id: stored.id,
        name: stored.settings.name,
        state: stored.state,
        destination: match manages(grant) {
            true => stored.settings.destination,
            // The rest of an address may be a secret, with which others could write there.
            false => stored.settings.destination.without_path(),
        },
        format: stored.settings.format,
        secrets: SecretsSet {
            credential: stored.secrets.credential.is_some(),
            client_key: stored.secrets.client_key.is_some(),
        },
        created_at: stored.created,
        changed_at: stored.changed,
        delivery: Delivery {
            state,
            through: cursor.through,
            lag_entries: lag,
            lag_seconds: oldest.filter(|_| lag > 0).map_or(0, |time| now.since(time).as_secs()),
            sent_entries: cursor.sent,
            skipped_entries: cursor.skipped,
            last_delivery_at: cursor.moved,
            failing_since,
            last_error: live.as_ref().and_then(|live| live.last_error.clone()),
            last_error_at: live.as_ref().and_then(|live| live.last_error_at),
            next_attempt_at: live.and_then(|live| live.next_attempt),
        },
    }
}
