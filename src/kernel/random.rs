//! Randomness, injected so that tests can make it repeatable.

use std::cell::RefCell;

use zeroize::Zeroize;

pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator (`getrandom(2)`).
///
/// Ids and nonces are taken from a block that each thread fetches in one call and wipes as it
/// hands it out; keys and tokens are fetched by themselves.
pub struct SystemRandom;

/// As large as a nonce or an id's random part, and a little more.
const SMALL: usize = 16;
const BLOCK: usize = 1024;

struct Block {
    bytes: [u8; BLOCK],
    left: usize,
}

thread_local! {
    static AHEAD: RefCell<Block> = const { RefCell::new(Block { bytes: [0; BLOCK], left: 0 }) };
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > SMALL {
            return fetch(bytes);
        }
        AHEAD.with_borrow_mut(|block| {
            if block.left < bytes.len() {
                fetch(&mut block.bytes);
                block.left = BLOCK;
            }
            let start = block.left - bytes.len();
            let taken = &mut block.bytes[start..block.left];
            bytes.copy_from_slice(taken);
            taken.zeroize();
            block.left = start;
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "the one owner of the system's generator")]
fn fetch(bytes: &mut [u8]) {
    // Without randomness no key, nonce or token may be made: stopping is the only safe answer.
    getrandom::fill(bytes).expect("the operating system's random generator failed");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_nonce_comes_twice_however_blocks_are_refilled() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let mut nonce = [0; 12];
            SystemRandom.fill(&mut nonce);
            assert!(seen.insert(nonce));
        }
    }
}
