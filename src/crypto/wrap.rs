//! Wrapping keys under keys: AES-256-GCM, with what the key is for as associated data, so that a
//! wrapped key moved to another place does not unwrap there.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use super::{CryptoError, Key32};
use crate::kernel::Random;

/// What a wrapped key is for: bound to it as associated data.
#[derive(Clone, Copy)]
pub struct Label<'a> {
    pub purpose: &'a str,
    /// Tenant id; the installation id for platform keys.
    pub owner: &'a [u8; 16],
    pub key_id: &'a [u8; 16],
    pub version: u32,
}

impl Label<'_> {
    fn aad(&self) -> Vec<u8> {
        let mut aad = b"strongroom/wrap/v1".to_vec();
        aad.extend((self.purpose.len() as u32).to_be_bytes());
        aad.extend(self.purpose.as_bytes());
        aad.extend(self.owner);
        aad.extend(self.key_id);
        aad.extend(self.version.to_be_bytes());
        aad
    }
}

/// nonce (12) ‖ ciphertext (32) ‖ tag (16)
pub fn wrap(with: &Key32, label: Label<'_>, key: &Key32, random: &dyn Random) -> Vec<u8> {
    let mut nonce = [0; 12];
    random.fill(&mut nonce);
    let payload = Payload { msg: key.expose(), aad: &label.aad() };
    let sealed = Aes256Gcm::new(with.expose().into())
        .encrypt(&Nonce::from(nonce), payload)
        .unwrap_or_default(); // fails only past 64 GiB
    [nonce.as_slice(), &sealed].concat()
}

/// # Errors
/// [`CryptoError::Unreadable`] for another key, another label or damage.
pub fn unwrap(with: &Key32, label: Label<'_>, wrapped: &[u8]) -> Result<Key32, CryptoError> {
    let (nonce, sealed) = wrapped.split_first_chunk::<12>().ok_or(CryptoError::Unreadable)?;
    let payload = Payload { msg: sealed, aad: &label.aad() };
    let key = Aes256Gcm::new(with.expose().into())
        .decrypt(&Nonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| CryptoError::Unreadable)?;
    Key32::from_slice(&key).ok_or(CryptoError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    #[test]
    fn a_wrapped_key_opens_only_where_it_belongs() {
        let (kek, key) = (Key32::generate(&SystemRandom), Key32::generate(&SystemRandom));
        let label = Label { purpose: "data", owner: &[1; 16], key_id: &[2; 16], version: 1 };
        let wrapped = wrap(&kek, label, &key, &SystemRandom);
        assert!(unwrap(&kek, label, &wrapped).unwrap() == key);
        for other in [
            Label { purpose: "audit", ..label },
            Label { owner: &[9; 16], ..label },
            Label { key_id: &[9; 16], ..label },
            Label { version: 2, ..label },
        ] {
            assert!(unwrap(&kek, other, &wrapped).is_err());
        }
        assert!(unwrap(&key, label, &wrapped).is_err());
    }
}
