//! The tree above the ranges.

use super::range::{FOREIGN, Walked};
use super::{Break, stored_tile};
use crate::args;
use crate::audit::leaf::Hash;
use crate::audit::tree::{LoadError, TILE, Tree, full_root};
use crate::store::{RawReadTx, Sql, StoreError};

/// The tree over the entries up to the first that is bad.
pub struct Grown {
    /// Roots of full subtrees by tile level; of level 0 only those that fill no tile.
    levels: Vec<Vec<Hash>>,
    pub head: Hash,
    pub broken: Option<Break>,
}

impl From<Vec<Walked>> for Grown {
    /// Takes ranges in order, of which only the last can be broken.
    fn from(ranges: Vec<Walked>) -> Self {
        let (mut roots, mut edge, mut head, mut broken) =
            (Vec::new(), Vec::new(), Hash::ZERO, None);
        for range in ranges {
            roots.extend(range.roots);
            (edge, head, broken) = (range.edge, range.head, range.broken);
        }
        Self { levels: vec![edge, roots], head, broken }
    }
}

impl Grown {
    /// Entries that follow from each other.
    pub fn good(&self) -> u64 {
        (self.levels[1].len() * TILE + self.levels[0].len()) as u64
    }

    /// Compares what is stored of the levels above the entries.
    pub fn check_upper(&mut self, tx: &RawReadTx<'_>) -> Result<(), StoreError> {
        let mut level = 1;
        while self.levels[level].len() >= TILE {
            let mut above = Vec::new();
            for (index, tile) in (0..).zip(self.levels[level].as_chunks::<TILE>().0) {
                let (number, root) = (level as u8, full_root(tile.to_vec()));
                let same = is_stored(tx, number, index, tile)?
                    && subtree(tx, number + 1, index)? == Some(*root.bytes());
                if !same {
                    let first = index * (TILE as u64).pow(u32::from(number) + 1) + 1;
                    self.broken = self.broken.into_iter().chain([(first, FOREIGN)]).min();
                }
                above.push(root);
            }
            self.levels.push(above);
            level += 1;
        }
        Ok(())
    }

    pub fn root(&self) -> Result<Hash, StoreError> {
        let edge = |level: u8| {
            let hashes = &self.levels[usize::from(level)];
            Ok::<_, StoreError>(hashes[hashes.len() - hashes.len() % TILE..].to_vec())
        };
        match Tree::load(self.good(), edge) {
            Ok(tree) => Ok(tree.root()),
            Err(LoadError::Source(error)) => Err(error),
            Err(error) => Err(StoreError::Corrupt(error.to_string().into())),
        }
    }
}

fn is_stored(
    tx: &RawReadTx<'_>,
    level: u8,
    index: u64,
    tile: &[Hash; TILE],
) -> Result<bool, StoreError> {
    let stored = stored_tile(tx, level, index)?;
    Ok(stored.len() == TILE * 32
        && stored.chunks_exact(32).zip(tile).all(|(stored, hash)| stored == hash.bytes()))
}

fn subtree(tx: &RawReadTx<'_>, level: u8, index: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT hash FROM audit_subtrees WHERE level = $1 AND idx = $2";
    let key = args![i64::from(level), index.cast_signed()];
    Ok(tx.query_one(sql, key, |row| Ok(row.get(0).ok()))?.flatten())
}
