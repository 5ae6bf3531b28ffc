//! Proofs about a log's tree: that an entry is in it (inclusion), and that a larger tree only adds
//! to a smaller one (consistency). RFC 6962, section 2.1; checked as in RFC 9162, section 2.1.
//!
//! A proof takes from the file what lies on its path: a few tiles, whatever the log's size.

use std::cell::RefCell;
use std::collections::HashMap;

use super::leaf::Hash;
use super::tree::{TILE, TILE_HEIGHT, full_root, node, tile_hashes};
use crate::args;
use crate::store::{Sql, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("the log has {size} entries: sizes are 1 to {size}, and nothing proves what is beyond")]
    Beyond { size: u64 },
    #[error("an entry is proved in a tree that it is in: seq is 1 to {size} here")]
    NotIn { size: u64 },
    #[error("a proof of consistency goes from a smaller size to a larger one")]
    Backwards,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where hashes of full subtrees come from.
pub trait Nodes {
    /// `count` hashes of a tile level from the `first` on; they do not leave one tile.
    fn hashes(&self, level: u8, first: u64, count: usize) -> Result<Vec<Hash>, StoreError>;
}

/// Makes proofs about a log's tree at any size that it had.
pub struct Prover<N> {
    nodes: N,
    size: u64,
}

impl<'a, S: Sql> Prover<StoredNodes<'a, S>> {
    /// Proofs about the log as this transaction sees it.
    pub fn of_log(tx: &'a S) -> Result<Self, StoreError> {
        Ok(Self::new(StoredNodes::new(tx), super::read::size(tx)?))
    }
}

impl<N: Nodes> Prover<N> {
    pub fn new(nodes: N, size: u64) -> Self {
        Self { nodes, size }
    }

    /// Entries in the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hash of entry `seq`, which a pruned log knows too.
    pub fn entry(&self, seq: u64) -> Result<Hash, ProofError> {
        if seq == 0 || seq > self.size {
            return Err(ProofError::NotIn { size: self.size });
        }
        self.subtree(0, seq - 1)
    }

    /// The root of the tree when it had `size` leaves.
    pub fn root(&self, size: u64) -> Result<Hash, ProofError> {
        self.check(size)?;
        self.range(0, size)
    }

    /// The hashes that lead from entry `seq` to the root of the tree with `size` leaves, the
    /// entry's neighbour first.
    pub fn inclusion(&self, seq: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
        self.check(size)?;
        if seq == 0 || seq > size {
            return Err(ProofError::NotIn { size });
        }
        let (index, mut start, mut end) = (seq - 1, 0, size);
        let mut path = Vec::new();
        while end - start > 1 {
            let split = start + left_of(end - start);
            if index < split {
                path.push(self.range(split, end)?);
                end = split;
            } else {
                path.push(self.range(start, split)?);
                start = split;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The hashes that show that the tree with `to` leaves begins with the one with `from`.
    pub fn consistency(&self, from: u64, to: u64) -> Result<Vec<Hash>, ProofError> {
        self.check(from)?;
        self.check(to)?;
        if from > to {
            return Err(ProofError::Backwards);
        }
        let (mut start, mut end) = (0, to);
        let mut path = Vec::new();
        while from < end {
            let split = start + left_of(end - start);
            if from <= split {
                path.push(self.range(split, end)?);
                end = split;
            } else {
                path.push(self.range(start, split)?);
                start = split;
            }
        }
        if start > 0 {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(path)
    }

    fn check(&self, size: u64) -> Result<(), ProofError> {
        match (1..=self.size).contains(&size) {
            true => Ok(()),
            false => Err(ProofError::Beyond { size: self.size }),
        }
    }

    /// Root over the leaves from `start` to before `end`, a part that the tree is made of: it is
    /// its full subtrees, widest first, joined from the right.
    fn range(&self, start: u64, end: u64) -> Result<Hash, ProofError> {
        let (mut at, mut peaks) = (start, Vec::new());
        while at < end {
            let height = (end - at).ilog2();
            peaks.push(self.subtree(height, at >> height)?);
            at += 1 << height;
        }
        let last = peaks.pop().unwrap_or_else(|| Hash::of(&[]));
        Ok(peaks.iter().rev().fold(last, |right, left| node(left, &right)))
    }

    /// Root of the `index`-th full subtree with 2^height leaves.
    pub(super) fn subtree(&self, height: u32, index: u64) -> Result<Hash, ProofError> {
        let (level, within) = ((height / TILE_HEIGHT) as u8, height % TILE_HEIGHT);
        Ok(full_root(self.nodes.hashes(level, index << within, 1 << within)?))
    }
}

/// Leaves on the left side of a tree with `size` leaves, two at least: the largest power of two
/// below.
fn left_of(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// Whether `path` proves that the entry with this hash is number `seq` in the tree of `size` leaves
/// with this root. RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(seq: u64, entry: Hash, size: u64, root: Hash, path: &[Hash]) -> bool {
    if seq == 0 || seq > size {
        return false;
    }
    let (mut at, mut last, mut hash) = (seq - 1, size - 1, entry);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            up_to_right_child(&mut at, &mut last);
        } else {
            hash = node(&hash, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Whether `path` proves that the tree of `to` leaves begins with that of `from` leaves. RFC 9162,
/// section 2.1.4.2.
pub fn verify_consistency(
    (from, from_root): (u64, Hash),
    (to, to_root): (u64, Hash),
    path: &[Hash],
) -> bool {
    if from == 0 || from > to {
        return false;
    }
    if from == to {
        return path.is_empty() && from_root == to_root;
    }
    // A smaller tree that is a full subtree is where the path starts; no need to repeat it.
    let (first, rest) = match (from.is_power_of_two(), path) {
        (true, path) => (&from_root, path),
        (false, [first, rest @ ..]) => (first, rest),
        (false, []) => return false,
    };
    let (mut at, mut last) = (from - 1, to - 1);
    let shift = at.trailing_ones();
    (at, last) = (at >> shift, last >> shift);
    let (mut smaller, mut larger) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            (smaller, larger) = (node(hash, &smaller), node(hash, &larger));
            up_to_right_child(&mut at, &mut last);
        } else {
            larger = node(&larger, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && smaller == from_root && larger == to_root
}

/// On the right edge a node without sibling is its own parent: goes up to where it has one.
fn up_to_right_child(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        (*at, *last) = (*at >> 1, *last >> 1);
    }
}

/// The tiles of a log's file, and its right edge.
pub struct StoredNodes<'a, S> {
    tx: &'a S,
    tiles: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
}

/// Tiles kept while proofs are made; a proof needs few.
const TILES_CACHED: usize = 64;

impl<'a, S: Sql> StoredNodes<'a, S> {
    pub fn new(tx: &'a S) -> Self {
        Self { tx, tiles: RefCell::default() }
    }

    /// The hashes of a tile, as many as there are.
    fn tile(&self, level: u8, index: u64) -> Result<Vec<Hash>, StoreError> {
        if let Some(tile) = full_tile(self.tx, level, index)? {
            return Ok(tile);
        }
        match level {
            0 => entry_hashes(self.tx, index * TILE as u64),
            _ => subtrees(self.tx, level, index * TILE as u64),
        }
    }
}

impl<S: Sql> Nodes for StoredNodes<'_, S> {
    fn hashes(&self, level: u8, first: u64, count: usize) -> Result<Vec<Hash>, StoreError> {
        let (index, at) = (first / TILE as u64, (first % TILE as u64) as usize);
        let mut tiles = self.tiles.borrow_mut();
        if !tiles.contains_key(&(level, index)) {
            if tiles.len() == TILES_CACHED {
                tiles.clear();
            }
            tiles.insert((level, index), self.tile(level, index)?);
        }
        let hashes = tiles.get(&(level, index)).and_then(|tile| tile.get(at..at + count));
        hashes.map(<[Hash]>::to_vec).ok_or_else(|| {
            let tile = format!("the audit log's tree: tile {index} of level {level} is not whole");
            StoreError::Corrupt(tile.into())
        })
    }
}

/// A stored tile; none while it is not full.
pub fn full_tile(tx: &impl Sql, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
    let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
    let bytes: Option<Vec<u8>> =
        tx.query_one(sql, args![i64::from(level), index.cast_signed()], |row| row.get(0))?;
    Ok(bytes.map(|bytes| tile_hashes(&bytes).unwrap_or_default()))
}

/// Hashes of the entries after `seq`: those that fill no tile yet.
pub fn entry_hashes(tx: &impl Sql, after: u64) -> Result<Vec<Hash>, StoreError> {
    let sql = "SELECT hash FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT 256";
    tx.query(sql, args![after.cast_signed()], |row| row.get(0).map(Hash::from_bytes))
}

/// Roots of full subtrees with 256^level leaves, from the `first` on: those that fill no tile yet.
pub fn subtrees(tx: &impl Sql, level: u8, first: u64) -> Result<Vec<Hash>, StoreError> {
    let sql =
        "SELECT hash FROM audit_subtrees WHERE level = $1 AND idx >= $2 ORDER BY idx LIMIT 256";
    let args = args![i64::from(level), first.cast_signed()];
    tx.query(sql, args, |row| row.get(0).map(Hash::from_bytes))
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
