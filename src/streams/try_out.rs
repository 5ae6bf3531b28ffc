//! Sending a test message, and saying what happened.

use std::time::Duration;

use super::model::{Manages, TryOut};
use super::repo::{self, Stored};
use super::senders::{Batch, Encoder, SendError, Sender};
use super::{StreamError, Streams, report};
use crate::audit::event::Outcome;
use crate::audit::export::{Source, SourceTenant};
use crate::audit::view::EntryView;
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Realm};
use crate::kernel::id::StreamId;

/// A receiver that does not like what it got closes the connection within this time.
const REACTION: Duration = Duration::from_secs(1);

/// Sends an entry of number 0, which no log has, by the stream's own way. The stream itself is
/// not touched. The log says that somebody tried, and how it ended.
pub async fn try_out<P: Manages>(
    streams: &Streams,
    grant: &Grant<P>,
    id: StreamId,
) -> Result<TryOut, StreamError> {
    let read = streams
        .tenants()
        .read(grant, move |tx| Ok::<_, StreamError>((repo::find(tx, id)?, repo::log(tx)?)));
    let (stored, log) = read.await?;
    let runtime = streams.tenants().runtime();
    let tenant = match grant.realm() {
        Realm::Platform => None,
        Realm::Tenant(id) => streams
            .tenants()
            .tenant_by_id(id)
            .map(|tenant| SourceTenant { id, slug: tenant.slug.to_string() }),
    };
    let begin = runtime.clock.monotonic();
    let result = send(streams, &stored, Source::new(log, tenant)).await;
    let took = runtime.clock.monotonic().saturating_sub(begin);
    let ok = result.is_ok();
    let detail = result.unwrap_or_else(|error| error.to_string());
    let said = detail.clone();
    let record = streams.tenants().write(grant, move |_| {
        let mut event = report::about(catalogue::STREAM_TESTED, id);
        event.outcome = if ok { Outcome::Success } else { Outcome::Failure };
        event.custom_fields.insert("detail".into(), said.as_str().into());
        Ok::<_, StreamError>(((), event.into()))
    });
    record.await?;
    Ok(TryOut { ok, detail, took_millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
}

async fn send(streams: &Streams, stored: &Stored, source: Source) -> Result<String, SendError> {
    let (destination, format) = (&stored.settings.destination, stored.settings.format);
    let circumstances = streams.circumstances();
    let mut sender = Sender::open(destination, &stored.secrets, &circumstances).await?;
    let now = streams.tenants().runtime().now();
    let entry = EntryView::new(0, now, Event::new(catalogue::STREAM_TESTED));
    let encoder = Encoder::new(destination, format, source, streams.settings().enterprise_number);
    let mut body = Vec::new();
    encoder.add(&entry, &mut body);
    encoder.end(&mut body);
    sender.send(Batch { body, last: 0, count: 1, oldest: now }).await?;
    if sender.look_again().is_some()
        && let Ok(error) = tokio::time::timeout(REACTION, sender.broken()).await
    {
        return Err(error);
    }
    Ok(sender.describe())
}
