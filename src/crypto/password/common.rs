//! Passwords that are on lists of common and breached ones. Those too short to be taken anyway are
//! left out; as parts of longer ones, `zxcvbn` knows thirty thousand of them.

use std::cmp::Ordering;

use crate::crypto::mac;

/// Bytes of each SHA-256 that are kept.
const PREFIX: usize = 5;

/// Made by `common.py`, which says from what.
static LIST: &[u8] = include_bytes!("common.bin");

/// `password` as it is hashed (NFC).
pub(super) fn is_common(password: &str) -> bool {
    let wanted = mac::sha256(password.to_lowercase().as_bytes());
    let (mut low, mut high) = (0, LIST.len() / PREFIX);
    while low < high {
        let middle = usize::midpoint(low, high);
        let found = &LIST[middle * PREFIX..(middle + 1) * PREFIX];
        match found.cmp(&wanted[..PREFIX]) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_holds_more_than_the_three_thousand_commonest() {
        let list: Vec<_> = LIST.chunks(PREFIX).collect();
        assert!(list.len() > 40_000 && LIST.len().is_multiple_of(PREFIX));
        assert!(list.is_sorted());
    }

    #[test]
    fn what_everybody_takes_is_common_in_any_case() {
        for password in ["1q2w3e4r5t6y", "Qwerty123456", "PolniyPizdec0211", "UNBELIEVABLE"] {
            assert!(is_common(password), "{password}");
        }
        assert!(!is_common("harbour lantern orchid 7"));
    }
}
