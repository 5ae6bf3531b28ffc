//! A 256-bit key that wipes itself and does not print.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::kernel::Random;

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key32([u8; 32]);

impl Key32 {
    pub fn generate(random: &dyn Random) -> Self {
        let mut key = Self([0; 32]);
        random.fill(&mut key.0);
        key
    }

    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self([0; 32]);
        (bytes.len() == 32).then(|| {
            key.0.copy_from_slice(bytes);
            key
        })
    }

    /// Reads 64 hex digits or the base64 of 32 bytes, as an administrator writes a key down.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let decoded = HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .or_else(|_| BASE64.decode(text.as_bytes()))
            .map(Zeroizing::new)
            .ok()?;
        Self::from_slice(&decoded)
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Fewer than 16 distinct bytes among 32: no random key looks like that
    /// (probability below 10⁻¹⁵), keys typed by hand do.
    pub fn is_weak(&self) -> bool {
        let mut seen = [false; 256];
        for byte in self.0 {
            seen[usize::from(byte)] = true;
        }
        seen.iter().filter(|seen| **seen).count() < 16
    }
}

impl PartialEq for Key32 {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    #[test]
    fn a_key_never_prints() {
        let key = Key32::parse(&"ab".repeat(32)).unwrap();
        assert!(!format!("{key:?}").contains("ab"));
    }

    #[test]
    fn a_typed_key_is_weak_and_a_random_one_is_not() {
        assert!(Key32::parse(&"00".repeat(32)).unwrap().is_weak());
        assert!(Key32::parse(&"0123456789abcdef".repeat(4)).unwrap().is_weak());
        assert!(!Key32::generate(&SystemRandom).is_weak());
    }
}
