//! Ranges of whole tiles, shared out among all cores.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Task;
use crate::store::{RawReadTx, StoreError};

/// Entries in a range: 64 tiles, a few milliseconds of work.
const RANGE: u64 = 64 * 256;
/// Threads at most: beyond that the disk is what is waited for.
const THREADS: usize = 16;

/// Entries from `first` to `last`, both included; `first` begins a tile.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub first: u64,
    pub last: u64,
}

/// What a range said, and whether the ranges after it need not be looked at.
pub trait Found: Send {
    fn is_break(&self) -> bool;
}

/// Runs `check` on every range of the first `size` entries, in transactions of their own; answers
/// in order up to the first break.
pub fn run<T: Found>(
    task: &Task<'_>,
    size: u64,
    check: &(dyn Fn(&RawReadTx<'_>, Span) -> Result<T, StoreError> + Sync),
) -> Result<Vec<T>, StoreError> {
    let ranges = size.div_ceil(RANGE);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get).min(THREADS);
    let threads =
        cores.saturating_sub(task.busy).min(usize::try_from(ranges).unwrap_or(THREADS)).max(1);
    let shared = Shared {
        next: AtomicU64::new(0),
        end: AtomicU64::new(ranges),
        done: AtomicU64::new(0),
        found: Mutex::new(Vec::new()),
    };
    let work = || -> Result<(), StoreError> {
        let reader = task.readers.own()?;
        loop {
            let at = shared.next.fetch_add(1, Ordering::Relaxed);
            if at >= shared.end.load(Ordering::Relaxed) {
                return Ok(());
            }
            let span = Span { first: at * RANGE + 1, last: ((at + 1) * RANGE).min(size) };
            let found = reader.read(|tx| check(tx, span))??;
            if found.is_break() {
                shared.end.fetch_min(at + 1, Ordering::Relaxed);
            }
            shared.found.lock().unwrap_or_else(PoisonError::into_inner).push((at, found));
            let entries = span.last - span.first + 1;
            let done = shared.done.fetch_add(entries, Ordering::Relaxed) + entries;
            (task.progress)(done, size);
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut result = work();
        if result.is_err() {
            shared.end.store(0, Ordering::Relaxed);
        }
        for other in others {
            result = result.and(other.join().unwrap_or(Err(StoreError::Panicked)));
        }
        result
    })?;
    let mut found = shared.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|(at, _)| *at);
    let end = shared.end.into_inner();
    Ok(found.into_iter().take_while(|(at, _)| *at < end).map(|(_, found)| found).collect())
}

struct Shared<T> {
    next: AtomicU64,
    /// Ranges from here on are not looked at.
    end: AtomicU64,
    /// Entries checked.
    done: AtomicU64,
    found: Mutex<Vec<(u64, T)>>,
}
