//! Roots of full subtrees, from the tiles and the last entries of a log's file.

use super::BundleError;
use super::span::Subtree;
use crate::args;
use crate::audit::leaf::Hash;
use crate::audit::tree::{TILE, node, tile_hashes};
use crate::store::{Sql, StoreError};

/// log2 of a tile's hashes.
const TILE_HEIGHT: u32 = TILE.ilog2();

/// Remembers the last tile of each level: neighbouring gaps are in the same ones.
#[derive(Default)]
pub struct Subtrees {
    tiles: Vec<Option<CachedTile>>,
}

struct CachedTile {
    index: u64,
    hashes: Vec<Option<Hash>>,
}

impl Subtrees {
    pub fn root(&mut self, tx: &impl Sql, subtree: Subtree) -> Result<Hash, BundleError> {
        let level = (subtree.height / TILE_HEIGHT) as usize;
        let count = 1 << (subtree.height % TILE_HEIGHT);
        self.fold(tx, level, subtree.index * count, count)
    }

    /// Root over `count` hashes of a level, a power of two.
    fn fold(
        &mut self,
        tx: &impl Sql,
        level: usize,
        first: u64,
        count: u64,
    ) -> Result<Hash, BundleError> {
        let mut hashes = Vec::with_capacity(count as usize);
        for index in first..first + count {
            hashes.push(self.hash(tx, level, index)?);
        }
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
        }
        hashes.pop().ok_or(BundleError::Tree(first))
    }

    /// Hash `index` of a level: an entry's, or the root of a full tile of the level below.
    fn hash(&mut self, tx: &impl Sql, level: usize, index: u64) -> Result<Hash, BundleError> {
        let (tile, at) = (index / TILE as u64, (index % TILE as u64) as usize);
        if self.tiles.len() <= level {
            self.tiles.resize_with(level + 1, || None);
        }
        if self.tiles[level].as_ref().is_none_or(|cached| cached.index != tile) {
            let hashes = load(tx, level, tile)?;
            self.tiles[level] = Some(CachedTile { index: tile, hashes });
        }
        if let Some(hash) = self.tiles[level].as_ref().and_then(|cached| cached.hashes[at]) {
            return Ok(hash);
        }
        // A tile that is not full yet is not stored; what is below it is.
        let below = level.checked_sub(1).ok_or(BundleError::Tree(index + 1))?;
        let hash = self.fold(tx, below, index * TILE as u64, TILE as u64)?;
        if let Some(cached) = &mut self.tiles[level] {
            cached.hashes[at] = Some(hash);
        }
        Ok(hash)
    }
}

/// A stored tile; of level 0 also one that is not full, from the entries themselves.
fn load(tx: &impl Sql, level: usize, tile: u64) -> Result<Vec<Option<Hash>>, StoreError> {
    let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
    let key = args![level as i64, tile.cast_signed()];
    let stored: Option<Vec<u8>> = tx.query_one(sql, key, |row| row.get(0))?;
    let stored = stored.and_then(|bytes| tile_hashes(&bytes)).filter(|all| all.len() == TILE);
    if let Some(hashes) = stored {
        return Ok(hashes.into_iter().map(Some).collect());
    }
    let mut hashes = vec![None; TILE];
    if level == 0 {
        let first = tile * TILE as u64;
        let sql = "SELECT seq, hash FROM audit_entries WHERE seq > $1 AND seq <= $2";
        let range = args![first.cast_signed(), (first + TILE as u64).cast_signed()];
        tx.for_each(sql, range, |row| {
            let seq: u64 = row.get(0)?;
            hashes[(seq - first - 1) as usize] = Some(Hash::from_bytes(row.get(1)?));
            Ok(())
        })?;
    }
    Ok(hashes)
}
