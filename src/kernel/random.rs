//! Randomness, injected so that tests can make it repeatable.

pub trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator (`getrandom(2)`).
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one owner of the system's generator")]
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no key, nonce or token may be made: stopping is the only safe answer.
        getrandom::fill(bytes).expect("the operating system's random generator failed");
    }
}
