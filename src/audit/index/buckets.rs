//! Bars of a histogram: spans of time that a person would choose.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};

use super::bits::{Bits, CHUNK};
use super::plan::{seq_from, time_of};
use super::summary::Bucket;
use crate::kernel::Timestamp;
use crate::store::{Sql, StoreError};

/// A bar and the entries that fall into it.
pub struct Bar {
    pub bucket: Bucket,
    /// First number, and the one after the last.
    seqs: (u64, u64),
}

#[derive(Clone, Copy)]
enum Span {
    Seconds(i64),
    Months(u32),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const SPANS: [Span; 15] = [
    Span::Seconds(MINUTE),
    Span::Seconds(5 * MINUTE),
    Span::Seconds(15 * MINUTE),
    Span::Seconds(30 * MINUTE),
    Span::Seconds(HOUR),
    Span::Seconds(3 * HOUR),
    Span::Seconds(6 * HOUR),
    Span::Seconds(12 * HOUR),
    Span::Seconds(DAY),
    Span::Seconds(7 * DAY),
    Span::Months(1),
    Span::Months(3),
    Span::Months(12),
    Span::Months(60),
    Span::Months(1200),
];

/// The bars for entries `first` to `last`, none where there are no entries.
pub fn bars(
    log: &impl Sql,
    (first, last): (u64, u64),
    most: usize,
) -> Result<Vec<Bar>, StoreError> {
    let (first, last) = (first.max(1), last.min(crate::audit::read::size(log)?));
    let ends = (time_of(log, first)?, time_of(log, last)?);
    let (Some(begin), Some(end)) = ends else { return Ok(Vec::new()) };
    if first > last || most == 0 {
        return Ok(Vec::new());
    }
    let edges = edges(begin, end, most);
    let mut bars = Vec::with_capacity(edges.len());
    let mut from = first;
    for pair in edges.windows(2) {
        let to = if pair[1] > end { last + 1 } else { seq_from(log, pair[1])?.min(last + 1) };
        let bucket = Bucket { from: pair[0], to: pair[1], count: 0 };
        bars.push(Bar { bucket, seqs: (from, to) });
        from = to;
    }
    Ok(bars)
}

/// Counts a chunk's entries into their bars.
pub fn count(bars: &mut [Bar], chunk: u64, found: &Bits) {
    let start = chunk * CHUNK;
    for Bar { bucket, seqs: (from, to) } in bars {
        let (low, high) = ((*from).max(start), (*to).min(start + CHUNK));
        if low < high {
            bucket.count += found.count_between((low - start) as u16, (high - 1 - start) as u16);
        }
    }
}

/// Edges of at most `most` spans, from the one with `begin` to the end of the one with `end`.
fn edges(begin: Timestamp, end: Timestamp, most: usize) -> Vec<Timestamp> {
    // Two entries may lie on both sides of any edge.
    let most = most.max(2);
    let mut edges = Vec::new();
    for span in SPANS {
        edges.clear();
        let mut edge = floor(begin, span);
        edges.push(edge);
        while edge <= end && edges.len() <= most {
            edge = next(edge, span);
            edges.push(edge);
        }
        if edge > end {
            break;
        }
    }
    edges
}

fn floor(time: Timestamp, span: Span) -> Timestamp {
    match span {
        Span::Seconds(seconds) => {
            let length = seconds * 1_000_000;
            // Weeks begin on a Monday; 1970 began on a Thursday.
            let shift = if seconds == 7 * DAY { 3 * DAY * 1_000_000 } else { 0 };
            let micros = time.as_micros().saturating_add(shift);
            Timestamp::from_micros(micros.div_euclid(length) * length - shift)
        }
        Span::Months(months) => {
            let date = date(time);
            let count = date.year() * 12 + date.month0().cast_signed();
            let floor = count - count.rem_euclid(months.cast_signed());
            let month = (floor.rem_euclid(12) + 1).cast_unsigned();
            midnight(NaiveDate::from_ymd_opt(floor.div_euclid(12), month, 1).unwrap_or(date))
        }
    }
}

fn next(edge: Timestamp, span: Span) -> Timestamp {
    match span {
        Span::Seconds(seconds) => {
            Timestamp::from_micros(edge.as_micros().saturating_add(seconds * 1_000_000))
        }
        Span::Months(months) => {
            let next = date(edge).checked_add_months(Months::new(months));
            midnight(next.unwrap_or(NaiveDate::MAX))
        }
    }
}

fn date(time: Timestamp) -> NaiveDate {
    DateTime::<Utc>::from_timestamp_micros(time.as_micros()).unwrap_or_default().date_naive()
}

fn midnight(date: NaiveDate) -> Timestamp {
    let time = date.and_hms_opt(0, 0, 0).map_or(i64::MAX, |time| time.and_utc().timestamp_micros());
    Timestamp::from_micros(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn texts(begin: &str, end: &str, most: usize) -> Vec<String> {
        edges(time(begin), time(end), most).iter().map(Timestamp::to_string).collect()
    }

    #[test]
    fn bars_begin_and_end_where_a_calendar_does() {
        assert_eq!(
            texts("2026-01-31T10:17:40Z", "2026-01-31T10:19:00Z", 40),
            [
                "2026-01-31T10:17:00Z",
                "2026-01-31T10:18:00Z",
                "2026-01-31T10:19:00Z",
                "2026-01-31T10:20:00Z",
            ]
        );
        assert_eq!(
            texts("2025-11-15T10:00:00Z", "2026-01-31T10:19:00Z", 4),
            [
                "2025-11-01T00:00:00Z",
                "2025-12-01T00:00:00Z",
                "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
            ]
        );
        // A Monday.
        assert_eq!(
            texts("2026-01-01T10:00:00Z", "2026-01-31T10:19:00Z", 8)[0],
            "2025-12-29T00:00:00Z"
        );
    }

    proptest! {
        #[test]
        fn bars_hold_the_whole_range(begin in 0..4_000_000_000_i64, length in 0..2_000_000_000_i64, most in 1..200_usize) {
            let micros = |seconds| Timestamp::from_micros(seconds * 1_000_000);
            let (begin, end) = (micros(begin), micros(begin + length));
            let edges = edges(begin, end, most);
            prop_assert!(edges.len() <= most.max(2) + 1 && edges.len() >= 2);
            prop_assert!(edges[0] <= begin && edges[edges.len() - 1] > end);
            prop_assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
