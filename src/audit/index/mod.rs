//! The search index of one log: a file of its own, fed from the log, dropped and rebuilt at will.
//!
//! Entries are numbered without gaps and their times never decrease, so that a range of time is a
//! range of numbers and nothing has to be sorted. They are indexed in chunks of 65,536: for each
//! chunk and each value of a field there is one row with the set of entries that have it
//! (`postings`). Feeding touches the newest chunk alone; a search goes from chunk to chunk and
//! combines sets, and stops when it has its page. Text is found by FTS5, in tables of eight chunks.

mod bits;
mod buckets;
mod eval;
mod feed;
mod fields;
mod file;
mod forget;
#[cfg(test)]
mod forget_tests;
mod plan;
#[cfg(test)]
mod search_tests;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

pub use feed::Deadline;
pub use plan::seq_from;
pub use summary::{Bucket, Facet, Summary, SummaryRequest};

use bits::CHUNK;
use eval::Eval;
use file::Taken;
use plan::Plan;

use super::pruning;
use super::query::{Field, Query};
use super::read::Opener;
use crate::args;
use crate::crypto::{Key32, TenantKeys};
use crate::store::{IndexFile, RawReadTx, Sql, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "this search takes too long: narrow it by time, or add an action, an actor or another field"
    )]
    TooBroad,
}

pub struct AuditIndex {
    file: IndexFile,
    /// Held by whoever feeds the index or takes something out of it.
    feeding: Mutex<()>,
}

/// Where a page begins, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Newest first, entries below this number.
    Below(u64),
    /// Oldest first, entries above this number.
    Above(u64),
}

impl Default for Cursor {
    fn default() -> Self {
        Self::Below(u64::MAX)
    }
}

/// One page of a search.
#[derive(Debug)]
pub struct Found {
    pub seqs: Vec<u64>,
    /// Whether there are more after the last one.
    pub more: bool,
    /// How far the index had caught up with the log.
    pub indexed_through: u64,
}

/// Entries looked at first when words are looked for; each further step takes twice as many.
const STEP: u64 = 4096;
/// While a feed of somebody else's is waited for.
const PATIENCE: Duration = Duration::from_millis(2);
/// With less time than this the index is fed in small transactions, so that it ends in time.
const HURRY: Duration = Duration::from_millis(1500);
const HURRIED: u64 = 512;

impl AuditIndex {
    pub fn new(path: PathBuf, key: Key32) -> Self {
        Self { file: IndexFile::new(path, key), feeding: Mutex::default() }
    }

    /// Gives back the memory that makes searches fast where nobody searches now.
    pub fn rest(&self) {
        self.file.rest();
    }

    /// Reads what the log has beyond the index, until the deadline at the most; how far it came.
    pub fn catch_up(
        &self,
        log: &impl Sql,
        keys: &Arc<TenantKeys>,
        deadline: &Deadline<'_>,
    ) -> Result<u64, StoreError> {
        let mut opener = Opener::new(log, keys.clone())?;
        let head = super::read::size(log)?;
        self.check_history(log, &opener, head)?;
        loop {
            let through = self.through(&opener)?;
            if deadline.is_over() || (through >= head && deadline.left() < HURRY) {
                return Ok(through);
            }
            if through >= head && !self.word(log, &mut opener, deadline)? {
                return Ok(through);
            }
            if let Some(_feeding) = self.try_feed(deadline) {
                self.step(log, &mut opener, head, deadline)?;
            }
        }
    }

    fn through(&self, opener: &Opener) -> Result<u64, StoreError> {
        let taken = self.file.read(|index| file::cursor(index, opener.log()))?;
        Ok(taken.map_or(0, |taken| taken.through))
    }

    /// Throws away an index whose last entry is not the log's: its file was put back to an earlier
    /// state and went on from there, under the same numbers.
    fn check_history(&self, log: &impl Sql, opener: &Opener, head: u64) -> Result<(), StoreError> {
        let is_strange = || {
            let taken = self.file.read(|index| file::cursor(index, opener.log()))?;
            // One who reads a later moment of the log may have fed the index beyond ours.
            let Some(Taken { through, hash: Some(hash) }) = taken else { return Ok(false) };
            let found = if through <= head { feed::hash_of(log, through)? } else { None };
            Ok::<_, StoreError>(found.is_some_and(|found| found != hash))
        };
        if is_strange()? {
            let _feeding = self.lock();
            // Somebody else may have been faster.
            if is_strange()? {
                self.file.discard_as("it belongs to another history of its log");
            }
        }
        Ok(())
    }

    /// Gives the frequent words of one chunk their postings; whether there was one without.
    fn word(
        &self,
        log: &impl Sql,
        opener: &mut Opener,
        deadline: &Deadline<'_>,
    ) -> Result<bool, StoreError> {
        let Some(_feeding) = self.try_feed(deadline) else { return Ok(false) };
        let through = self.through(opener)?;
        let Some(chunk) = self.file.read(|index| file::unworded(index, through))? else {
            return Ok(false);
        };
        self.file.write(|index| feed::word(index, log, opener, chunk))?;
        Ok(true)
    }

    /// One transaction's worth.
    fn step(
        &self,
        log: &impl Sql,
        opener: &mut Opener,
        head: u64,
        deadline: &Deadline<'_>,
    ) -> Result<(), StoreError> {
        let through = match self.file.read(|index| file::cursor(index, opener.log()))? {
            // It fell so far behind that what comes next is removed: what it has is of no use.
            Some(taken) if taken.through + 1 < plan::first_seq(log)? => {
                self.file.delete();
                self.begin(log, opener)?
            }
            Some(taken) => taken.through,
            None => self.begin(log, opener)?,
        };
        if through >= head {
            return Ok(());
        }
        let most = if deadline.left() < HURRY { HURRIED } else { CHUNK };
        let head = head.min(through + most);
        self.file
            .write(|index| feed::run(index, log, opener, (through, head), deadline))
            .map(|_| ())
    }

    /// An empty index; another log's is thrown away, because its entries bear the same numbers.
    fn begin(&self, log: &impl Sql, opener: &Opener) -> Result<u64, StoreError> {
        if !self.file.read(|index| file::is_empty(index))? {
            self.file.delete();
        }
        // What was pruned is not there to be indexed.
        let taken = Taken { through: plan::first_seq(log)? - 1, hash: None };
        self.file.write(|index| file::set_cursor(index, opener.log(), &taken))?;
        Ok(taken.through)
    }

    /// The right to feed; nothing when somebody else has it until the deadline.
    fn try_feed(&self, deadline: &Deadline<'_>) -> Option<MutexGuard<'_, ()>> {
        loop {
            match self.feeding.try_lock() {
                Ok(guard) => return Some(guard),
                Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) if deadline.is_over() => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.feeding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries on the far side of the cursor that the query finds, up to `through`.
    ///
    /// # Errors
    /// [`IndexError::TooBroad`] when the deadline comes first.
    pub fn search(
        &self,
        log: &impl Sql,
        query: &Query,
        cursor: Cursor,
        limit: usize,
        through: u64,
        deadline: &Deadline<'_>,
    ) -> Result<Found, IndexError> {
        let plan = Plan::new(query.root.as_ref(), log, through)?;
        let mut seqs = self.reading(|index| page(index, &plan, cursor, limit, deadline))?;
        let more = seqs.len() > limit;
        seqs.truncate(limit);
        Ok(Found { seqs, more, indexed_through: through })
    }

    /// Counts what the query finds up to `through`.
    pub fn summary(
        &self,
        log: &impl Sql,
        query: &Query,
        request: SummaryRequest,
        through: u64,
        clock: &dyn crate::kernel::Clock,
    ) -> Result<Summary, IndexError> {
        let plan = Plan::new(query.root.as_ref(), log, through)?;
        self.reading(|index| summary::summarize(index, log, &plan, request, clock))
    }

    /// Values of a field that begin with `prefix`, of the newest entries that have any.
    pub fn suggest(
        &self,
        field: Field,
        prefix: &str,
        limit: usize,
        deadline: &Deadline<'_>,
    ) -> Result<Vec<String>, StoreError> {
        self.file.read(|index| summary::suggest(index, field, prefix, limit, deadline))
    }

    /// Drops the index; it is fed from the beginning when it is used next.
    pub fn drop_file(&self) {
        let _feeding = self.lock();
        self.file.delete();
    }

    /// Drops the index of contents whose key is destroyed; the next one is sealed under another.
    ///
    /// Entries are opened while the file is being written, so what was opened before the keys were
    /// replaced is in the file that goes, and what is opened after says that it is destroyed.
    pub fn begin_anew(&self, key: Key32) {
        let _feeding = self.lock();
        self.file.begin_anew(key);
    }

    /// Why the index had to be thrown away since somebody asked, if it had.
    pub fn take_lost(&self) -> Option<String> {
        self.file.take_lost()
    }

    fn reading<T>(
        &self,
        f: impl FnOnce(&RawReadTx<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let mut too_broad = false;
        let result = self.file.read(|index| match f(index) {
            Ok(value) => Ok(Some(value)),
            Err(IndexError::Store(error)) => Err(error),
            Err(IndexError::TooBroad) => {
                too_broad = true;
                Ok(None)
            }
        });
        result?.ok_or(IndexError::TooBroad)
    }
}

/// The words that the full text has of an entry.
pub fn words_of(entry: &super::view::EntryView) -> String {
    fields::Extract::new(entry, &[]).text
}

/// One page of everything, as the log itself has it.
pub fn in_order(log: &impl Sql, cursor: Cursor, limit: usize) -> Result<Found, StoreError> {
    let (n, comparison, order) = match cursor {
        Cursor::Below(below) => (below, "<", "DESC"),
        Cursor::Above(above) => (above, ">", "ASC"),
    };
    let (size, pruned) = (super::read::size(log)?, pruning::through(log)?);
    let sql = format!(
        "SELECT seq FROM audit_entries
         WHERE seq {comparison} $1 AND seq > $2 ORDER BY seq {order} LIMIT $3"
    );
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let n = n.min(size + 1).cast_signed();
    let mut seqs: Vec<u64> =
        log.query(&sql, args![n, pruned.cast_signed(), most], |row| row.get(0))?;
    let more = seqs.len() > limit;
    seqs.truncate(limit);
    Ok(Found { seqs, more, indexed_through: size })
}

/// One more than `limit`, so that it shows whether there are more.
fn page(
    index: &impl Sql,
    plan: &Plan,
    cursor: Cursor,
    limit: usize,
    deadline: &Deadline<'_>,
) -> Result<Vec<u64>, IndexError> {
    let (mut from, mut to) = plan.bounds;
    let descending = matches!(cursor, Cursor::Below(_));
    match cursor {
        Cursor::Below(below) => to = to.min(below.saturating_sub(1)),
        Cursor::Above(above) => from = from.max(above.saturating_add(1)),
    }
    let mut eval = Eval::new(index, plan, deadline, descending)?;
    let mut step = if plan.has_words { STEP } else { CHUNK };
    let mut seqs = Vec::new();
    while from <= to && seqs.len() <= limit {
        let chunk = if descending { to } else { from } / CHUNK;
        let start = chunk * CHUNK;
        let (low, high) = match descending {
            true => (from.max(start).max((to + 1).saturating_sub(step)), to),
            false => (from, to.min(start + CHUNK - 1).min(from + step - 1)),
        };
        let found = eval.find(&plan.root, chunk, &eval::range(chunk, low, high))?;
        let room = limit + 1 - seqs.len();
        let seq = |low: u16| start + u64::from(low);
        match descending {
            true => seqs.extend(found.iter_down().take(room).map(seq)),
            false => seqs.extend(found.iter().take(room).map(seq)),
        }
        (from, to) = if descending { (from, low - 1) } else { (high + 1, to) };
        step = (2 * step).min(CHUNK);
    }
    Ok(seqs)
}
