//! Ed25519 (RFC 8032): signatures under checkpoints and access tokens.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use zeroize::Zeroizing;

use super::{CryptoError, Key32};
use crate::kernel::Random;

/// Makes signatures. The seed wipes itself and does not print.
pub struct SigningKey {
    seed: Key32,
    pair: Ed25519KeyPair,
}

/// Checks signatures: the 32 bytes of RFC 8032.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; 32]);

pub const SIGNATURE_BYTES: usize = 64;

impl SigningKey {
    pub fn generate(random: &dyn Random) -> Result<Self, CryptoError> {
        Self::from_seed(Key32::generate(random))
    }

    /// The key that RFC 8032 makes from a seed of 32 random bytes.
    pub fn from_seed(seed: Key32) -> Result<Self, CryptoError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map_err(|_| CryptoError::Unreadable)?;
        Ok(Self { seed, pair })
    }

    pub fn seed(&self) -> &Key32 {
        &self.seed
    }

    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey(bytes)
    }

    /// The key as PKCS #8 (RFC 8410), for libraries that sign by themselves.
    pub fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| CryptoError::Unreadable)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes.copy_from_slice(self.pair.sign(message).as_ref());
        bytes
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl VerifyingKey {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this key's owner signed the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", data_encoding::HEXLOWER.encode_display(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    /// RFC 8032, section 7.1, test 3.
    #[test]
    fn signatures_are_those_of_rfc_8032() {
        let seed = bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        let key = SigningKey::from_seed(Key32::from_slice(&seed).unwrap()).unwrap();
        let public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
        assert_eq!(key.verifying_key().bytes().as_slice(), bytes(public));
        let signature = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        assert_eq!(key.sign(&[0xaf, 0x82]).as_slice(), bytes(signature));
        assert!(key.verifying_key().verifies(&[0xaf, 0x82], &bytes(signature)));
        assert!(!key.verifying_key().verifies(&[0xaf, 0x83], &bytes(signature)));
        assert!(!key.verifying_key().verifies(&[0xaf, 0x82], &[0; 64]));
        assert!(!key.verifying_key().verifies(&[0xaf, 0x82], &[]));
    }

    #[test]
    fn a_signing_key_never_prints() {
        let key = SigningKey::from_seed(Key32::from_slice(&[0xab; 32]).unwrap()).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
