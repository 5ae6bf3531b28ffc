//! How a bundle proves many entries at once.
//!
//! Entries are in the order of the tree. What lies between two of them is replaced by the roots of
//! the largest full subtrees that cover it, so a verifier who goes through entries and gaps from
//! left to right computes the root of the whole tree, with a few hashes of memory. For one entry
//! this is its inclusion proof (RFC 6962), for all entries it is nothing at all.

use crate::audit::leaf::Hash;
use crate::audit::tree::node;

/// A full subtree: the leaves `index · 2^height` up to but not including `(index + 1) · 2^height`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree {
    pub height: u32,
    pub index: u64,
}

/// The largest full subtrees that cover the leaves from `start` up to but not including `end`,
/// from left to right: at most 126.
pub fn cover(start: u64, end: u64) -> impl Iterator<Item = Subtree> {
    let mut at = start;
    std::iter::from_fn(move || {
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        let height = at.trailing_zeros().min(left.ilog2());
        let subtree = Subtree { height, index: at >> height };
        at += 1 << height;
        Some(subtree)
    })
}

/// The left part of a tree, as the roots of its full subtrees.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    /// Leaves so far.
    size: u64,
    /// One for each 1 in `size`, widest first.
    peaks: Vec<(u32, Hash)>,
}

impl Frontier {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the subtree that begins where the part ends. Its height is one that `cover` gives.
    pub fn push(&mut self, height: u32, hash: Hash) {
        let (mut height, mut hash) = (height, hash);
        self.size = self.size.saturating_add(1 << height);
        while let Some((_, left)) = self.peaks.pop_if(|(other, _)| *other == height) {
            hash = node(&left, &hash);
            height += 1;
        }
        self.peaks.push((height, hash));
    }

    /// The RFC 6962 root; SHA-256 of nothing when there are no leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some((_, last)) = peaks.next() else { return Hash::of(&[]) };
        peaks.fold(*last, |right, (_, left)| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::audit::tree::Tree;

    fn leaf(n: u64) -> Hash {
        Hash::of(&n.to_be_bytes())
    }

    fn full_root(subtree: Subtree) -> Hash {
        let mut tree = Tree::empty();
        for n in 0..1_u64 << subtree.height {
            tree.append(leaf((subtree.index << subtree.height) + n));
        }
        tree.root()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_choice_of_entries_gives_the_root_of_the_whole_tree(
            size in 0_u64..700,
            chosen in prop::collection::btree_set(0_u64..700, 0..40),
        ) {
            let mut tree = Tree::empty();
            (0..size).for_each(|n| drop(tree.append(leaf(n))));
            let mut frontier = Frontier::default();
            let chosen: BTreeSet<u64> = chosen.into_iter().filter(|n| *n < size).collect();
            for end in chosen.into_iter().chain([size]) {
                for subtree in cover(frontier.size(), end) {
                    frontier.push(subtree.height, full_root(subtree));
                }
                if end < size {
                    frontier.push(0, leaf(end));
                }
            }
            prop_assert_eq!((frontier.size(), frontier.root()), (size, tree.root()));
        }

        #[test]
        fn a_cover_is_short_and_leaves_nothing_out(start: u64, length: u64) {
            let end = start.saturating_add(length);
            let mut at = start;
            let mut count = 0;
            for subtree in cover(start, end) {
                prop_assert_eq!(u128::from(subtree.index) << subtree.height, u128::from(at));
                at += 1 << subtree.height;
                count += 1;
            }
            prop_assert!(at == end && count <= 126, "{} of {}, {}", at, end, count);
        }
    }
}
