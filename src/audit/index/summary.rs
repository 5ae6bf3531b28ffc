//! What a search found, in numbers: how many, when, by whom.

use std::collections::HashMap;
use std::time::Duration;

use super::bits::CHUNK;
use super::eval::{self, Eval};
use super::fields::Key;
use super::plan::Plan;
use super::{Deadline, IndexError, buckets, file};
use crate::audit::query::Field;
use crate::kernel::{Clock, Timestamp};
use crate::store::{Sql, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryRequest {
    /// Bars of the histogram, at the most.
    pub buckets: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub total: u64,
    /// Facets count entries from this number on; 1 when all were counted.
    pub counted_from: u64,
    /// Whether total and histogram are of everything. A search that is expensive to count is
    /// counted newest first for a while, and they are then a lower bound.
    pub complete: bool,
    pub facets: Vec<Facet>,
    pub histogram: Vec<Bucket>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// The field's name in the query language.
    pub field: &'static str,
    /// The most frequent values, most frequent first.
    pub values: Vec<(String, u64)>,
    /// Whether there are more values than these.
    pub more: bool,
}

/// Entries from `from` on and before `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub from: Timestamp,
    pub to: Timestamp,
    pub count: u64,
}

/// An actor counts under its name, where it has one; `actor:` finds both.
const FACETS: [(&str, Key); 5] = [
    ("action", Key::Action),
    ("actor", Key::ActorLabel),
    ("outcome", Key::Outcome),
    ("type", Key::Type),
    ("role", Key::Role),
];
/// Values shown of a facet.
const VALUES: usize = 10;
/// Facets are counted for so long,
const FACET_TIME: Duration = Duration::from_millis(200);
/// and everything else for so long at the most.
const TOTAL_TIME: Duration = Duration::from_millis(1500);

pub fn summarize(
    index: &impl Sql,
    log: &impl Sql,
    plan: &Plan,
    request: SummaryRequest,
    clock: &dyn Clock,
) -> Result<Summary, IndexError> {
    let (facet_end, end) = (Deadline::after(clock, FACET_TIME), Deadline::after(clock, TOTAL_TIME));
    let (first, last) = plan.bounds;
    let mut bars = buckets::bars(log, (first, last), request.buckets)?;
    let mut eval = Eval::new(index, plan, &end, true)?;
    let mut counts: [HashMap<Vec<u8>, u64>; FACETS.len()] = Default::default();
    let mut summary = Summary { complete: true, counted_from: last + 1, ..Summary::default() };
    let mut to = last;
    while first <= to {
        let (chunk, low) = (to / CHUNK, first.max(to / CHUNK * CHUNK));
        let within = eval::range(chunk, low, to);
        let found = match plan.is_all() {
            true => within,
            false => match eval.find(&plan.root, chunk, &within) {
                Ok(found) => found,
                Err(IndexError::TooBroad) => {
                    summary.complete = false;
                    break;
                }
                Err(error) => return Err(error),
            },
        };
        let count = found.count();
        summary.total += count;
        if count > 0 {
            buckets::count(&mut bars, chunk, &found);
        }
        // Once left out, older chunks would make the numbers of a facet hard to understand.
        if summary.counted_from == to + 1 && !facet_end.is_over() {
            if count > 0 {
                let whole = count == CHUNK;
                for ((_, key), counts) in FACETS.iter().zip(&mut counts) {
                    file::count_values(index, chunk, *key, (!whole).then_some(&found), counts)?;
                }
            }
            summary.counted_from = low;
        }
        to = low - 1;
    }
    if summary.counted_from <= first {
        summary.counted_from = 1;
    }
    summary.facets =
        FACETS.iter().zip(counts).map(|((field, _), counts)| facet(field, counts)).collect();
    summary.histogram = bars.into_iter().map(|bar| bar.bucket).collect();
    Ok(summary)
}

fn facet(field: &'static str, counts: HashMap<Vec<u8>, u64>) -> Facet {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    let more = counts.len() > VALUES;
    let text = |(value, count): (Vec<u8>, u64)| (String::from_utf8_lossy(&value).into(), count);
    Facet { field, values: counts.into_iter().take(VALUES).map(text).collect(), more }
}

/// Chunks that are looked at for suggestions.
const CHUNKS: u64 = 8;

/// Values that are looked at for each that is wanted: ids begin with digits and would take all the
/// places, and nobody knows them by heart.
const LOOKED_AT: usize = 8;

/// Values of a field that begin with `prefix`, names before ids (UUIDs).
pub fn suggest(
    index: &impl Sql,
    field: Field,
    prefix: &str,
    limit: usize,
    deadline: &Deadline<'_>,
) -> Result<Vec<String>, StoreError> {
    let mut values = Vec::new();
    for chunk in file::chunks(index)?.rev().take(usize::try_from(CHUNKS).unwrap_or(0)) {
        for key in Key::for_field(field).iter().rev() {
            for value in file::values(index, chunk, *key, prefix, limit * LOOKED_AT)? {
                let value = String::from_utf8_lossy(&value).into_owned();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        if values.iter().filter(|value| !is_id(value)).count() >= limit || deadline.is_over() {
            break;
        }
    }
    values.sort_by_key(|value| is_id(value));
    values.truncate(limit);
    Ok(values)
}

fn is_id(value: &str) -> bool {
    uuid::Uuid::try_parse(value).is_ok()
}
