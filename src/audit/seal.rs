//! Envelopes of entries and of members inside entries, format version 1.
//!
//! An epoch key gives each entry a secret of its own, so that one entry can be opened to an
//! auditor by giving away that secret alone. The commitment makes sure that the secret opens the
//! envelope to one payload only: AES-GCM by itself does not bind a ciphertext to one key.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::kernel::id::{KeyId, LogId};

/// First byte of an audit envelope; a record's native envelope begins with 0x01.
pub const VERSION: u8 = 2;

const CONTEXT: &[u8; 19] = b"strongroom/audit/v1";
const COMMITMENT: usize = 1 + 16;
const NONCE: usize = COMMITMENT + 32;
const CIPHERTEXT: usize = NONCE + 12;
const TAG_BYTES: usize = 16;

/// Bytes that an envelope adds to its plaintext.
pub const OVERHEAD: usize = CIPHERTEXT + TAG_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the envelope is {0} bytes long; the shortest possible one has {OVERHEAD}")]
    Truncated(usize),
    #[error("the envelope has version {0}; this program reads version {VERSION}")]
    Version(u8),
    #[error("the envelope is not committed to this secret: another key, entry or log")]
    Commitment,
    #[error("the envelope was changed after it was sealed, or belongs to another place")]
    Tampered,
}

/// Where an envelope belongs: an entry, or one sealed member inside an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub log: LogId,
    pub seq: u64,
    /// Position in the payload's `sealed` array, from 0; `None` for the entry itself.
    pub member: Option<u32>,
}

impl Place {
    pub const fn entry(log: LogId, seq: u64) -> Self {
        Self { log, seq, member: None }
    }

    pub const fn member(log: LogId, seq: u64, index: u32) -> Self {
        Self { log, seq, member: Some(index) }
    }

    /// HKDF info of the entry secret and additional data of the cipher.
    fn context(self) -> Context {
        let mut bytes = [0; 47];
        bytes[..19].copy_from_slice(CONTEXT);
        bytes[19..35].copy_from_slice(self.log.bytes());
        bytes[35..43].copy_from_slice(&self.seq.to_be_bytes());
        let Some(index) = self.member else { return Context { bytes, len: 43 } };
        bytes[43..].copy_from_slice(&index.to_be_bytes());
        Context { bytes, len: 47 }
    }
}

struct Context {
    bytes: [u8; 47],
    len: usize,
}

impl AsRef<[u8]> for Context {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A key from which entry secrets are made: an audit epoch DEK, or a data subject's key for the
/// sealed members about that person.
pub struct EpochKey {
    id: KeyId,
    // Extracted once: an entry then costs one HMAC. hmac's "zeroize" feature wipes it on drop.
    hkdf: Hkdf<Sha256>,
}

impl EpochKey {
    /// HKDF-SHA256 (RFC 5869) with an empty salt and the 32 bytes of `dek` as key material.
    pub fn new(id: KeyId, dek: &[u8; 32]) -> Self {
        Self { id, hkdf: Hkdf::new(None, dek) }
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    pub fn entry_secret(&self, log: LogId, seq: u64) -> EntrySecret {
        self.secret(Place::entry(log, seq))
    }

    /// `index` is the member's position in the payload's `sealed` array, from 0.
    pub fn member_secret(&self, log: LogId, seq: u64, index: u32) -> EntrySecret {
        self.secret(Place::member(log, seq, index))
    }

    fn secret(&self, place: Place) -> EntrySecret {
        let mut secret = EntrySecret([0; 32]);
        expand(&self.hkdf, place.context().as_ref(), &mut secret.0);
        secret
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Opens one envelope and nothing else.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EntrySecret([u8; 32]);

impl EntrySecret {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What an auditor is given to open this envelope.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn keys(&self) -> Keys {
        let hkdf = Hkdf::<Sha256>::new(None, &self.0);
        let mut keys = Keys { key: Zeroizing::new([0; 32]), commitment: [0; 32] };
        expand(&hkdf, b"key", &mut keys.key);
        expand(&hkdf, b"commit", &mut keys.commitment);
        keys
    }
}

impl fmt::Debug for EntrySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EntrySecret(…)")
    }
}

struct Keys {
    key: Zeroizing<[u8; 32]>,
    commitment: [u8; 32],
}

impl Keys {
    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}

fn expand(hkdf: &Hkdf<Sha256>, info: &[u8], output: &mut [u8; 32]) {
    hkdf.expand(info, output).expect("HKDF-SHA256 gives up to 8160 bytes; 32 are asked for");
}

/// Seals `plaintext` for one place. The nonce must be fresh and random at every sealing.
pub fn seal(
    secret: &EntrySecret,
    key_id: KeyId,
    place: Place,
    nonce: [u8; 12],
    plaintext: &[u8],
) -> Vec<u8> {
    let keys = secret.keys();
    let mut envelope = Vec::with_capacity(OVERHEAD + plaintext.len());
    envelope.push(VERSION);
    envelope.extend_from_slice(key_id.bytes());
    envelope.extend_from_slice(&keys.commitment);
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(plaintext);
    let text = InOutBuf::from(&mut envelope[CIPHERTEXT..]);
    let tag = keys
        .cipher()
        .encrypt_inout_detached(&Nonce::from(nonce), place.context().as_ref(), text)
        .expect("AES-GCM takes up to 64 GiB; an event has at most 64 KiB");
    envelope.extend_from_slice(&tag);
    envelope
}

/// Opens an envelope that was sealed for `place`; the commitment is checked first.
pub fn open(secret: &EntrySecret, place: Place, envelope: &[u8]) -> Result<Vec<u8>, SealError> {
    check(envelope)?;
    let keys = secret.keys();
    if !bool::from(keys.commitment.ct_eq(&envelope[COMMITMENT..NONCE])) {
        return Err(SealError::Commitment);
    }
    let (text, tag) = envelope[CIPHERTEXT..].split_at(envelope.len() - OVERHEAD);
    let nonce = Nonce::try_from(&envelope[NONCE..CIPHERTEXT]).map_err(|_| SealError::Tampered)?;
    let tag = Tag::try_from(tag).map_err(|_| SealError::Tampered)?;
    let mut plaintext = text.to_vec();
    keys.cipher()
        .decrypt_inout_detached(
            &nonce,
            place.context().as_ref(),
            InOutBuf::from(plaintext.as_mut_slice()),
            &tag,
        )
        .map_err(|_| SealError::Tampered)?;
    Ok(plaintext)
}

/// The key that an envelope names; says nothing about whether it opens.
pub fn key_id(envelope: &[u8]) -> Result<KeyId, SealError> {
    check(envelope)?;
    let mut id = [0; 16];
    id.copy_from_slice(&envelope[1..COMMITMENT]);
    Ok(KeyId::from_bytes(id))
}

fn check(envelope: &[u8]) -> Result<(), SealError> {
    match envelope.first() {
        Some(&VERSION) if envelope.len() >= OVERHEAD => Ok(()),
        Some(&version) if version != VERSION => Err(SealError::Version(version)),
        _ => Err(SealError::Truncated(envelope.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId::from_bytes([7; 16]);
    const KEY: KeyId = KeyId::from_bytes([9; 16]);

    fn key(byte: u8) -> EpochKey {
        EpochKey::new(KEY, &[byte; 32])
    }

    fn sealed(place: Place) -> Vec<u8> {
        seal(&key(1).secret(place), KEY, place, [3; 12], b"payload")
    }

    #[test]
    fn an_envelope_opens_with_its_secret_alone() {
        let envelope = sealed(Place::entry(LOG, 5));
        let given = EntrySecret::from_bytes(*key(1).entry_secret(LOG, 5).bytes());
        assert_eq!(open(&given, Place::entry(LOG, 5), &envelope), Ok(b"payload".to_vec()));
        assert_eq!(key_id(&envelope), Ok(KEY));
        assert_eq!(envelope.len(), OVERHEAD + 7);
    }

    #[test]
    fn another_entry_log_member_or_key_does_not_open_it() {
        let place = Place::entry(LOG, 5);
        let envelope = sealed(place);
        let right = key(1).entry_secret(LOG, 5);
        for wrong in [
            key(2).entry_secret(LOG, 5),
            key(1).entry_secret(LOG, 6),
            key(1).entry_secret(LogId::from_bytes([8; 16]), 5),
            key(1).member_secret(LOG, 5, 0),
        ] {
            assert_eq!(open(&wrong, place, &envelope), Err(SealError::Commitment));
        }
        for moved in [Place::entry(LOG, 6), Place::member(LOG, 5, 0)] {
            assert_eq!(open(&right, moved, &envelope), Err(SealError::Tampered));
        }
    }

    #[test]
    fn members_of_one_entry_cannot_be_swapped() {
        let first = sealed(Place::member(LOG, 5, 0));
        let second = key(1).member_secret(LOG, 5, 1);
        assert_eq!(open(&second, Place::member(LOG, 5, 1), &first), Err(SealError::Commitment));
    }

    #[test]
    fn every_changed_byte_and_every_truncation_is_refused() {
        let place = Place::entry(LOG, 5);
        let envelope = sealed(place);
        let secret = key(1).entry_secret(LOG, 5);
        for at in (0..envelope.len()).filter(|at| !(1..COMMITMENT).contains(at)) {
            let mut changed = envelope.clone();
            changed[at] ^= 1;
            assert!(open(&secret, place, &changed).is_err(), "byte {at}");
        }
        for len in 0..envelope.len() {
            assert!(open(&secret, place, &envelope[..len]).is_err(), "length {len}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let text = format!("{:?} {:?}", key(1), key(1).entry_secret(LOG, 1));
        assert!(text.ends_with("EntrySecret(…)"), "{text}");
    }
}
