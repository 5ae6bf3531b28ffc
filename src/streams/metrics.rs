//! Metrics of running streams, by stream id.

use std::time::Duration;

use super::live::Snapshot;
use crate::kernel::Timestamp;
use crate::kernel::id::StreamId;

pub fn delivered(id: StreamId, entries: u64) {
    metrics::counter!("strongroom_stream_sent_entries_total", "stream" => id.to_string())
        .increment(entries);
}

pub fn failed(id: StreamId) {
    metrics::counter!("strongroom_stream_errors_total", "stream" => id.to_string()).increment(1);
}

pub fn skipped(id: StreamId, entries: u64) {
    metrics::counter!("strongroom_stream_skipped_entries_total", "stream" => id.to_string())
        .increment(entries);
}

/// What changes by itself as time passes.
pub fn level(id: StreamId, live: &Snapshot, now: Timestamp) {
    let lag = live.head.saturating_sub(live.cursor.through);
    let age = live.oldest.filter(|_| lag > 0).map_or(Duration::ZERO, |time| now.since(time));
    gauges(id, lag as f64, age.as_secs_f64(), live.cursor.alarmed.is_some());
}

/// A stream that does not run has no lag to speak of.
pub fn gone(id: StreamId) {
    gauges(id, 0.0, 0.0, false);
}

fn gauges(id: StreamId, lag: f64, age: f64, failing: bool) {
    let id = id.to_string();
    metrics::gauge!("strongroom_stream_lag_entries", "stream" => id.clone()).set(lag);
    metrics::gauge!("strongroom_stream_lag_seconds", "stream" => id.clone()).set(age);
    metrics::gauge!("strongroom_stream_failing", "stream" => id).set(u8::from(failing));
}
