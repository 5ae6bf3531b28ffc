//! The Merkle tree of RFC 6962 over entry hashes, kept as C2SP tlog-tiles.
//!
//! A tile has 256 hashes. Those of level 0 are entry hashes; hash `i` of level `n` is the root of
//! the `i`-th full subtree with 256^n leaves. Only full tiles are stored; what is not full yet is
//! the right edge, which `Tree` holds in memory.

use sha2::{Digest, Sha256};

use super::leaf::Hash;

/// Hashes in a full tile.
pub const TILE: usize = 256;
/// log2 of `TILE`.
pub(super) const TILE_HEIGHT: u32 = 8;

/// A full tile; `index` counts from 0 within its level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    pub level: u8,
    pub index: u64,
    pub hashes: Vec<Hash>,
    /// Root over the hashes: hash `index` of the level above.
    pub root: Hash,
}

impl Tile {
    /// The hashes one after the other, 8192 bytes: the form that is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| *hash.bytes()).collect()
    }
}

/// Reads a stored tile. `None` unless the bytes are a whole number of hashes.
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().copied().map(Hash::from_bytes).collect())
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<E> {
    #[error(
        "a log of {size} entries has {expected} hashes after the last full tile of level {level}, not {found}"
    )]
    Edge { size: u64, level: u8, expected: u64, found: usize },
    #[error(transparent)]
    Source(E),
}

/// The right edge of a log's tree: enough to append and to give the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Hashes of each level that fill no tile yet.
    edge: Vec<Vec<Hash>>,
    /// Roots of the full subtrees that make up the tree, widest first: one for each 1 in `size`.
    peaks: Vec<Hash>,
}

impl Tree {
    pub fn empty() -> Self {
        Self::default()
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of a level that fill no tile yet: C2SP's partial tile.
    pub fn edge(&self, level: u8) -> &[Hash] {
        self.edge.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    /// Adds a leaf hash and returns the tiles that it filled, lowest level first: one every 256
    /// leaves, almost always none.
    pub fn append(&mut self, leaf_hash: Hash) -> Vec<Tile> {
        let mut tiles = Vec::new();
        let mut hash = leaf_hash;
        let mut height = 0_u32;
        self.push(0, hash);
        while self.size >> height & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash);
            height += 1;
            if height.is_multiple_of(TILE_HEIGHT) {
                let level = (height / TILE_HEIGHT) as usize;
                tiles.push(self.take_tile(level - 1, height, hash));
                self.push(level, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        tiles
    }

    fn push(&mut self, level: usize, hash: Hash) {
        if self.edge.len() == level {
            self.edge.push(Vec::new());
        }
        self.edge[level].push(hash);
    }

    /// Takes the tile of `level` whose last leaf is just being added.
    fn take_tile(&mut self, level: usize, height: u32, root: Hash) -> Tile {
        Tile {
            level: level as u8,
            index: self.size >> height,
            hashes: std::mem::take(&mut self.edge[level]),
            root,
        }
    }

    /// The RFC 6962 root; SHA-256 of nothing when the tree is empty.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Hash::of(&[]) };
        peaks.fold(*last, |right, left| node(left, &right))
    }

    /// Rebuilds the edge of a tree with `size` leaves from the hashes of each level that fill no
    /// tile yet, which `edge` gives by level.
    pub fn load<E>(
        size: u64,
        mut edge: impl FnMut(u8) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, LoadError<E>> {
        let mut levels = Vec::new();
        let (mut level, mut count) = (0, size);
        while count > 0 {
            let hashes = edge(level).map_err(LoadError::Source)?;
            let (expected, found) = (count % TILE as u64, hashes.len());
            if found as u64 != expected {
                return Err(LoadError::Edge { size, level, expected, found });
            }
            levels.push(hashes);
            level += 1;
            count >>= TILE_HEIGHT;
        }
        let peaks = levels.iter().rev().flat_map(|hashes| peaks(hashes)).collect();
        Ok(Self { size, edge: levels, peaks })
    }
}

/// Roots of the full subtrees over fewer than 256 hashes, widest first.
fn peaks(hashes: &[Hash]) -> Vec<Hash> {
    let mut rest = hashes;
    let mut peaks = Vec::new();
    while !rest.is_empty() {
        let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
        peaks.push(full_root(subtree.to_vec()));
        rest = after;
    }
    peaks
}

/// Root over a power of two of hashes.
pub(super) fn full_root(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        for at in 0..hashes.len() / 2 {
            hashes[at] = node(&hashes[2 * at], &hashes[2 * at + 1]);
        }
        hashes.truncate(hashes.len() / 2);
    }
    hashes[0]
}

/// RFC 6962 hash of an inner node.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.bytes());
    bytes[33..].copy_from_slice(right.bytes());
    Hash::from_bytes(Sha256::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::audit::leaf::leaf_hash;

    /// The definition in RFC 6962, section 2.1.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(&naive(&leaves[..split]), &naive(&leaves[split..]))
            }
        }
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|seq| leaf_hash(&seq.to_be_bytes())).collect()
    }

    type Tiles = BTreeMap<(u8, u64), Tile>;

    fn grown(leaves: &[Hash]) -> (Tree, Tiles) {
        let mut tree = Tree::empty();
        let mut tiles = BTreeMap::new();
        for leaf in leaves {
            tiles.extend(tree.append(*leaf).into_iter().map(|t| ((t.level, t.index), t)));
        }
        (tree, tiles)
    }

    fn loaded(leaves: &[Hash], tiles: &Tiles) -> Tree {
        Tree::load(leaves.len() as u64, |level| {
            let count = leaves.len() as u64 >> (TILE_HEIGHT * u32::from(level));
            let edge = count - count % TILE as u64..count;
            Ok::<_, ()>(match level {
                0 => leaves[edge.start as usize..].to_vec(),
                _ => edge.map(|index| tiles[&(level - 1, index)].root).collect(),
            })
        })
        .unwrap()
    }

    /// The vectors of certificate-transparency's `merkle_tree_test`.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::empty();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(tree.root().to_string(), empty);
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.append(leaf_hash(&data_encoding::HEXLOWER.decode(leaf.as_bytes()).unwrap()));
            assert_eq!(tree.root().to_string(), root);
        }
    }

    #[test]
    fn tiles_of_two_levels_fill_and_load_back() {
        let leaves = leaves(65_536 + 256 + 3);
        let (tree, tiles) = grown(&leaves);
        assert_eq!(tree.root(), naive(&leaves));
        assert_eq!(tiles.len(), 257 + 1);
        assert_eq!(tiles[&(1, 0)].hashes[255], naive(&leaves[65_280..65_536]));
        assert_eq!(loaded(&leaves, &tiles), tree);
        assert_eq!(loaded(&leaves[..65_536], &tiles), grown(&leaves[..65_536]).0);
    }

    #[test]
    fn an_edge_with_too_few_or_too_many_hashes_is_refused() {
        let edge = |_| Ok::<_, ()>(leaves(2));
        assert!(matches!(Tree::load(3, edge), Err(LoadError::Edge { expected: 3, .. })));
        assert!(matches!(Tree::load(256, edge), Err(LoadError::Edge { expected: 0, .. })));
        assert!(matches!(Tree::load(258, edge), Err(LoadError::Edge { level: 1, .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_size_has_the_root_of_the_definition_and_loads_back(size in 0_u64..1500) {
            let leaves = leaves(size);
            let (mut tree, tiles) = grown(&leaves);
            prop_assert_eq!(tree.root(), naive(&leaves));
            let mut other = loaded(&leaves, &tiles);
            prop_assert_eq!(&other, &tree);
            prop_assert_eq!(other.append(Hash::ZERO), tree.append(Hash::ZERO));
            prop_assert_eq!(other.root(), tree.root());
        }

        #[test]
        fn a_tile_reads_back_from_its_bytes(index in 0_u64..9) {
            let tile = Tile { level: 0, index, hashes: leaves(256), root: Hash::ZERO };
            prop_assert_eq!(tile_hashes(&tile.to_bytes()), Some(tile.hashes));
        }
    }
}
