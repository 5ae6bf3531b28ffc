//! Keyed hashes: key derivation (HKDF-SHA256, RFC 5869) and HMAC-SHA256 (RFC 2104).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Key32;

/// HKDF-SHA256 with an empty salt; `info` says what the derived key is for.
pub fn derive(key: &Key32, info: &[&[u8]]) -> Key32 {
    let mut okm = zeroize::Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(None, key.expose()).expand_multi_info(info, okm.as_mut());
    debug_assert!(expanded.is_ok(), "one block is never too long");
    Key32::from_slice(okm.as_ref()).unwrap_or_else(|| unreachable!("32 bytes are 32 bytes"))
}

pub fn hmac(key: &Key32, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Equality in constant time.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
