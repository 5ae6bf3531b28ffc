//! The native envelope of a sealed field, version 1:
//! `0x01 ‖ key id (16) ‖ nonce (12, random) ‖ ciphertext ‖ tag (16)`, AES-256-GCM.
//!
//! Associated data is the length-prefixed field id, row id and tenant id: a ciphertext copied to
//! another row, column or tenant does not open there.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use super::{CryptoError, Field, Key32};
use crate::kernel::Random;
use crate::kernel::id::{KeyId, TenantId};

const VERSION: u8 = 1;
const HEADER: usize = 1 + 16 + 12;

/// Where a sealed value lives.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub field: Field,
    pub row: &'a [u8; 16],
    pub tenant: TenantId,
}

impl Place<'_> {
    fn aad(&self) -> [u8; 4 + 2 + 4 + 16 + 4 + 16] {
        let mut aad = [0; 46];
        aad[3] = 2;
        aad[4..6].copy_from_slice(&self.field.id().to_be_bytes());
        aad[9] = 16;
        aad[10..26].copy_from_slice(self.row);
        aad[29] = 16;
        aad[30..].copy_from_slice(self.tenant.bytes());
        aad
    }
}

/// A data key with its expanded cipher, ready to seal many values.
#[derive(Clone)]
pub struct DataKey {
    pub id: KeyId,
    cipher: Aes256Gcm,
}

impl DataKey {
    pub fn new(id: KeyId, key: &Key32) -> Self {
        Self { id, cipher: Aes256Gcm::new(key.expose().into()) }
    }

    pub fn seal(&self, place: Place<'_>, plaintext: &[u8], random: &dyn Random) -> Vec<u8> {
        let mut nonce = [0; 12];
        random.fill(&mut nonce);
        let payload = Payload { msg: plaintext, aad: &place.aad() };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
        let mut envelope = Vec::with_capacity(HEADER + sealed.len());
        envelope.push(VERSION);
        envelope.extend(self.id.bytes());
        envelope.extend(nonce);
        envelope.extend(sealed);
        envelope
    }

    /// # Errors
    /// [`CryptoError::Unreadable`] for another place, another key or damage.
    pub fn open(
        &self,
        place: Place<'_>,
        envelope: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if key_id(envelope)? != self.id {
            return Err(CryptoError::Unreadable);
        }
        let (header, sealed) = envelope.split_at(HEADER);
        let nonce = <[u8; 12]>::try_from(&header[17..]).map_err(|_| CryptoError::Unreadable)?;
        let payload = Payload { msg: sealed, aad: &place.aad() };
        self.cipher
            .decrypt(&Nonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::Unreadable)
    }
}

/// The id of the key that sealed an envelope.
///
/// # Errors
/// [`CryptoError::Unreadable`] when it is not a version 1 envelope.
pub fn key_id(envelope: &[u8]) -> Result<KeyId, CryptoError> {
    match envelope {
        [VERSION, rest @ ..] if envelope.len() >= HEADER + 16 => {
            rest.first_chunk::<16>().map(|id| KeyId::from_bytes(*id)).ok_or(CryptoError::Unreadable)
        }
        _ => Err(CryptoError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sealed_value_opens_in_its_own_place_only(
            text in proptest::collection::vec(any::<u8>(), 0..300),
            flip in any::<proptest::sample::Index>(),
        ) {
            let key = DataKey::new(KeyId::from_bytes([7; 16]), &Key32::generate(&SystemRandom));
            let place = Place {
                field: Field::MessageBody, row: &[1; 16], tenant: TenantId::from_bytes([2; 16]),
            };
            let mut envelope = key.seal(place, &text, &SystemRandom);
            let opened = key.open(place, &envelope).unwrap();
            prop_assert_eq!(opened.as_slice(), text.as_slice());
            let elsewhere = [
                Place { field: Field::AuthorName, ..place },
                Place { row: &[3; 16], ..place },
                Place { tenant: TenantId::from_bytes([3; 16]), ..place },
            ];
            for other in elsewhere {
                prop_assert!(key.open(other, &envelope).is_err());
            }
            let at = flip.index(envelope.len());
            envelope[at] ^= 1;
            prop_assert!(key.open(place, &envelope).is_err());
        }
    }
}
