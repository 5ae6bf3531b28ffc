use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::audit::leaf::leaf_hash;
use crate::audit::tree::Tree;

/// A tree that is kept whole: the definition of RFC 6962.
struct Whole(Vec<Hash>);

impl Nodes for Whole {
    fn hashes(&self, level: u8, first: u64, count: usize) -> Result<Vec<Hash>, StoreError> {
        let span = 256_usize.pow(level.into());
        let from = usize::try_from(first).unwrap() * span;
        Ok(self.0[from..from + count * span]
            .chunks(span)
            .map(|part| full_root(part.to_vec()))
            .collect())
    }
}

fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

/// PATH(m, D[n]) of RFC 6962, section 2.1.1.
fn naive_path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut path, other) = match at < split {
        true => (naive_path(at, left), right),
        false => (naive_path(at - split, right), left),
    };
    path.push(naive_root(other));
    path
}

/// SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2.
fn naive_subproof(from: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if from == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut path, other) = match from <= split {
        true => (naive_subproof(from, left, whole), right),
        false => (naive_subproof(from - split, right, false), left),
    };
    path.push(naive_root(other));
    path
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|seq| leaf_hash(&seq.to_be_bytes())).collect()
}

fn prover(leaves: &[Hash]) -> Prover<Whole> {
    Prover::new(Whole(leaves.to_vec()), leaves.len() as u64)
}

fn hash(hex: &str) -> Hash {
    hex.parse().unwrap()
}

/// The inputs of certificate-transparency's `merkle_tree_test`.
fn reference() -> Vec<Hash> {
    let inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    inputs.iter().map(|hex| leaf_hash(&HEXLOWER.decode(hex.as_bytes()).unwrap())).collect()
}

const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const F: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
const G: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
const H: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const I: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";

#[test]
fn inclusion_proofs_are_those_of_certificate_transparency() {
    let (leaves, prover) = (reference(), prover(&reference()));
    let vectors: [(u64, u64, &[&str]); 5] =
        [(1, 1, &[]), (1, 8, &[A, B, C]), (6, 8, &[D, E, F]), (3, 3, &[G]), (2, 5, &[H, B, D])];
    for (seq, size, path) in vectors {
        let path: Vec<_> = path.iter().map(|hex| hash(hex)).collect();
        assert_eq!(prover.inclusion(seq, size).unwrap(), path, "{seq} in {size}");
        let (entry, root) = (leaves[seq as usize - 1], prover.root(size).unwrap());
        assert!(verify_inclusion(seq, entry, size, root, &path));
    }
}

#[test]
fn consistency_proofs_are_those_of_certificate_transparency() {
    let prover = prover(&reference());
    let vectors: [(u64, u64, &[&str]); 4] =
        [(1, 1, &[]), (1, 8, &[A, B, C]), (6, 8, &[I, E, F]), (2, 5, &[B, D])];
    for (from, to, path) in vectors {
        let path: Vec<_> = path.iter().map(|hex| hash(hex)).collect();
        assert_eq!(prover.consistency(from, to).unwrap(), path, "{from} to {to}");
        let (smaller, larger) = (prover.root(from).unwrap(), prover.root(to).unwrap());
        assert!(verify_consistency((from, smaller), (to, larger), &path));
    }
}

#[test]
fn what_no_tree_has_is_refused() {
    let prover = prover(&leaves(9));
    assert!(matches!(prover.inclusion(1, 10), Err(ProofError::Beyond { size: 9 })));
    assert!(matches!(prover.inclusion(1, 0), Err(ProofError::Beyond { .. })));
    assert!(matches!(prover.inclusion(6, 5), Err(ProofError::NotIn { size: 5 })));
    assert!(matches!(prover.inclusion(0, 5), Err(ProofError::NotIn { .. })));
    assert!(matches!(prover.consistency(6, 5), Err(ProofError::Backwards)));
    assert!(matches!(prover.consistency(0, 5), Err(ProofError::Beyond { .. })));
    assert!(matches!(prover.consistency(u64::MAX, u64::MAX), Err(ProofError::Beyond { .. })));
    let zero = Hash::ZERO;
    assert!(!verify_inclusion(0, zero, 0, zero, &[]));
    assert!(!verify_inclusion(2, zero, 1, zero, &[]));
    assert!(!verify_consistency((0, zero), (0, zero), &[]));
    assert!(!verify_consistency((2, zero), (1, zero), &[]));
    assert!(!verify_consistency((3, zero), (5, zero), &[]));
}

#[test]
fn proofs_span_levels_of_tiles() {
    let leaves = leaves(65_536 + 700);
    let prover = prover(&leaves);
    let size = leaves.len() as u64;
    let mut tree = Tree::empty();
    leaves.iter().for_each(|leaf| drop(tree.append(*leaf)));
    assert_eq!(prover.root(size).unwrap(), tree.root());
    for seq in [1, 256, 257, 65_536, 65_537, size] {
        let path = prover.inclusion(seq, size).unwrap();
        assert!(verify_inclusion(seq, leaves[seq as usize - 1], size, tree.root(), &path), "{seq}");
        let path = prover.consistency(seq, size).unwrap();
        let smaller = (seq, prover.root(seq).unwrap());
        assert!(verify_consistency(smaller, (size, tree.root()), &path), "{seq}");
    }
}

/// Every way in which a proof can be wrong by a little.
fn spoiled(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[path, &[Hash::ZERO]].concat(), [&[Hash::ZERO], path].concat()];
    for at in 0..path.len() {
        let mut other = path.to_vec();
        other[at] = Hash::ZERO;
        all.push(other);
        let mut other = path.to_vec();
        other.remove(at);
        all.push(other);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_entry_is_proved_in_any_size_as_the_rfc_defines(size in 1_u64..600, seq in 1_u64..600) {
        let (leaves, seq) = (leaves(size), (seq - 1) % size + 1);
        let path = prover(&leaves).inclusion(seq, size).unwrap();
        prop_assert_eq!(&path, &naive_path(seq as usize - 1, &leaves));
        let (entry, root) = (leaves[seq as usize - 1], naive_root(&leaves));
        prop_assert!(verify_inclusion(seq, entry, size, root, &path));
        prop_assert!(!verify_inclusion(seq, Hash::ZERO, size, root, &path));
        prop_assert!(!verify_inclusion(seq, entry, size, Hash::ZERO, &path));
        for other in [seq - 1, seq + 1, seq ^ 2] {
            prop_assert!(!verify_inclusion(other, entry, size, root, &path));
        }
        for path in spoiled(&path) {
            prop_assert!(!verify_inclusion(seq, entry, size, root, &path));
        }
    }

    #[test]
    fn any_two_sizes_are_proved_consistent_as_the_rfc_defines(to in 1_u64..600, from in 1_u64..600) {
        let (leaves, from) = (leaves(to), (from - 1) % to + 1);
        let path = prover(&leaves).consistency(from, to).unwrap();
        prop_assert_eq!(&path, &naive_subproof(from as usize, &leaves, true));
        let smaller = (from, naive_root(&leaves[..from as usize]));
        let larger = (to, naive_root(&leaves));
        prop_assert!(verify_consistency(smaller, larger, &path));
        prop_assert!(!verify_consistency((from, Hash::ZERO), larger, &path));
        prop_assert!(!verify_consistency(smaller, (to, Hash::ZERO), &path));
        for path in spoiled(&path) {
            prop_assert!(!verify_consistency(smaller, larger, &path));
        }
    }
}
