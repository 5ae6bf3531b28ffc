//! One range of a log: entry by entry along the chain, and tile by tile.

use super::ranges::{Found, Span};
use super::{Break, FORM, MISSING, Task, stored_tile};
use crate::args;
use crate::audit::leaf::{Hash, Leaf};
use crate::audit::tree::{TILE, full_root, tile_hashes};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::{RawReadTx, Row, Sql, StoreError};

const CHANGED: &str = "the entry was changed, or does not follow the one before it";
const OLDER: &str = "the entry is older than the one before it";
pub const FOREIGN: &str = "the entry is not the one that the tree was built from";
const PRUNED: &str = "the tile of the pruned entries is missing";

/// How far a range is whole.
pub struct Walked {
    /// Roots of its full tiles.
    pub roots: Vec<Hash>,
    /// Hashes of the entries after the last full tile.
    pub edge: Vec<Hash>,
    /// Hash of its last good entry, or of the one before it.
    pub head: Hash,
    pub broken: Option<Break>,
}

impl Found for Walked {
    fn is_break(&self) -> bool {
        self.broken.is_some()
    }
}

pub fn walk(
    task: &Task<'_>,
    tx: &RawReadTx<'_>,
    log: LogId,
    span: Span,
) -> Result<Walked, StoreError> {
    let pruned = (task.pruned_through)(tx)?.min(span.last);
    let start = match pruned < span.first {
        true => span.first,
        false => pruned - pruned % TILE as u64 + 1,
    };
    let (mut roots, mut broken) = pruned_roots(tx, span.first, start)?;
    let before = match broken {
        Some(_) => Hash::ZERO,
        None => hash_before(tx, start)?,
    };
    let mut chain = Chain::new(tx, log, start, before)?;
    if broken.is_none() && pruned >= start {
        match pruned_hashes(tx, start, pruned)? {
            Some(hashes) => chain.go_on_after(hashes),
            None => broken = Some((start, PRUNED)),
        }
    }
    if broken.is_none() {
        let sql = "SELECT seq, time, envelope, hash FROM audit_entries
                   WHERE seq >= $1 AND seq <= $2 ORDER BY seq";
        let args = args![chain.next().cast_signed(), span.last.cast_signed()];
        tx.for_each(sql, args, |row| {
            chain.entry(row);
            Ok(())
        })?;
        broken = chain.end(span.last);
        broken = chain.compare_tiles(tx)?.into_iter().chain(broken).min();
    }
    if let Some((seq, _)) = broken {
        let good = seq.saturating_sub(start).min(chain.hashes.len() as u64);
        chain.hashes.truncate(usize::try_from(good).unwrap_or(0));
    }
    let (tiles, edge) = chain.hashes.as_chunks::<TILE>();
    roots.extend(tiles.iter().map(|tile| full_root(tile.to_vec())));
    let missed = missed_subtree(tx, (span.first - 1) / TILE as u64, &roots)?;
    if let Some(at) = missed {
        // The entries are good, the tree that proofs are made from is not.
        let first = span.first + at * TILE as u64;
        broken = broken.into_iter().chain([(first, FOREIGN)]).min();
    }
    let head = chain.hashes.last().copied().unwrap_or(before);
    Ok(Walked { roots, edge: edge.to_vec(), head, broken })
}

/// Roots of the tiles whose entries were pruned: they stand in for the entries.
fn pruned_roots(
    tx: &RawReadTx<'_>,
    first: u64,
    start: u64,
) -> Result<(Vec<Hash>, Option<Break>), StoreError> {
    let mut roots = Vec::new();
    for index in (first - 1) / TILE as u64..(start - 1) / TILE as u64 {
        match tile_hashes(&stored_tile(tx, 0, index)?) {
            Some(tile) if tile.len() == TILE => roots.push(full_root(tile)),
            _ => return Ok((roots, Some((index * TILE as u64 + 1, PRUNED)))),
        }
    }
    Ok((roots, None))
}

/// Hashes of the pruned entries from the beginning of their tile on: they stand in for the entries.
fn pruned_hashes(
    tx: &RawReadTx<'_>,
    start: u64,
    pruned: u64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let tile = tile_hashes(&stored_tile(tx, 0, (start - 1) / TILE as u64)?);
    let count = usize::try_from(pruned + 1 - start).unwrap_or(TILE);
    Ok(tile.filter(|tile| tile.len() == TILE).and_then(|tile| Some(tile.get(..count)?.to_vec())))
}

/// Hash of the entry before `start`, which ends a tile. That tile is checked with its own range.
fn hash_before(tx: &RawReadTx<'_>, start: u64) -> Result<Hash, StoreError> {
    let Some(before) = start.checked_sub(2) else { return Ok(Hash::ZERO) };
    let tile = tile_hashes(&stored_tile(tx, 0, before / TILE as u64)?);
    if let Some(last) = tile.filter(|tile| tile.len() == TILE).and_then(|tile| tile.last().copied())
    {
        return Ok(last);
    }
    let sql = "SELECT hash FROM audit_entries WHERE seq = $1";
    let hash = tx.query_one(sql, args![before.cast_signed() + 1], |row| Ok(row.get(0).ok()))?;
    Ok(hash.flatten().map_or(Hash::ZERO, Hash::from_bytes))
}

/// The first of these roots that is not stored as a subtree, counted from 0.
fn missed_subtree(
    tx: &RawReadTx<'_>,
    first: u64,
    roots: &[Hash],
) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT idx, hash FROM audit_subtrees WHERE level = 1 AND idx >= $1 AND idx < $2
               ORDER BY idx";
    let end = first + roots.len() as u64;
    let stored = tx.query(sql, args![first.cast_signed(), end.cast_signed()], |row| {
        Ok((row.get::<u64>(0)?, row.get(1).map_or(Hash::ZERO, Hash::from_bytes)))
    })?;
    let expected = (first..).zip(roots.iter().copied());
    let mut stored = stored.into_iter();
    let missed = expected.zip(0..).find(|(root, _)| stored.next() != Some(*root));
    Ok(missed.map(|(_, at)| at))
}

/// Follows the chain from entry to entry.
struct Chain {
    log: LogId,
    start: u64,
    /// Hashes of the entries that follow from those before them.
    hashes: Vec<Hash>,
    prev: Hash,
    time: Timestamp,
    broken: Option<Break>,
}

impl Chain {
    fn new(tx: &RawReadTx<'_>, log: LogId, start: u64, prev: Hash) -> Result<Self, StoreError> {
        let sql = "SELECT time FROM audit_entries WHERE seq = $1";
        let time = tx.query_one(sql, args![start.cast_signed() - 1], |row| Ok(row.get(0).ok()))?;
        let time = time.flatten().unwrap_or(Timestamp::from_micros(i64::MIN));
        Ok(Self { log, start, hashes: Vec::new(), prev, time, broken: None })
    }

    /// Begins after entries of which only the hashes are left.
    fn go_on_after(&mut self, hashes: Vec<Hash>) {
        self.prev = hashes.last().copied().unwrap_or(self.prev);
        self.hashes = hashes;
    }

    fn next(&self) -> u64 {
        self.start + self.hashes.len() as u64
    }

    fn entry(&mut self, row: &Row<'_>) {
        if self.broken.is_none()
            && let Err(reason) = self.follow(row)
        {
            self.broken = Some((self.next(), reason));
        }
    }

    fn follow(&mut self, row: &Row<'_>) -> Result<(), &'static str> {
        let form = |_| FORM;
        let seq: u64 = row.get(0).map_err(form)?;
        if seq != self.next() {
            return Err(MISSING);
        }
        let (time, hash) = (row.get(1).map_err(form)?, row.get(3).map_err(form)?);
        let payload_hash = Hash::of(row.blob(2).map_err(form)?);
        let leaf = Leaf { log: self.log, seq, time, payload_hash, prev_hash: self.prev };
        let computed = leaf.hash();
        if computed != Hash::from_bytes(hash) {
            return Err(CHANGED);
        }
        if time < self.time {
            return Err(OLDER);
        }
        (self.prev, self.time) = (computed, time);
        self.hashes.push(computed);
        Ok(())
    }

    /// What is wrong when the last entry should have been `last`.
    fn end(&self, last: u64) -> Option<Break> {
        let missing = (self.next() <= last).then(|| (self.next(), MISSING));
        self.broken.or(missing)
    }

    /// A chain that was recomputed after a change is given away by the first stored leaf that
    /// differs.
    fn compare_tiles(&self, tx: &RawReadTx<'_>) -> Result<Option<Break>, StoreError> {
        let (tiles, _) = self.hashes.as_chunks::<TILE>();
        for (index, tile) in ((self.start - 1) / TILE as u64..).zip(tiles) {
            let (stored, _) = (stored_tile(tx, 0, index)?, ());
            let (stored, rest) = stored.as_chunks::<32>();
            let differs = tile
                .iter()
                .zip(stored.iter().map(Some).chain(std::iter::repeat(None)))
                .position(|(hash, stored)| stored != Some(hash.bytes()));
            let longer = (stored.len() > TILE || !rest.is_empty()).then_some(0);
            if let Some(at) = differs.or(longer) {
                return Ok(Some((index * TILE as u64 + at as u64 + 1, FOREIGN)));
            }
        }
        Ok(None)
    }
}
