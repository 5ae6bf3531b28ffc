//! Leaves: what is hashed for each entry, both into the chain and into the tree.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kernel::Timestamp;
use crate::kernel::id::LogId;

/// A SHA-256 value, written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a SHA-256 value: 64 lower-case hex digits")]
pub struct HashError;

impl Hash {
    /// `prev_hash` of a log's first entry.
    pub const ZERO: Self = Self([0; 32]);

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of the bytes as they are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes.try_into().map(Self).map_err(|_| HashError)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| HashError)?;
        Self::try_from(bytes.as_slice())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&HEXLOWER.encode_display(&self.0), f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Hash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

/// What is chained for one entry. 96 bytes, integers big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub log: LogId,
    /// From 1.
    pub seq: u64,
    pub time: Timestamp,
    /// SHA-256 of the envelope, so of ciphertext: destroying a key breaks no proof.
    pub payload_hash: Hash,
    /// `hash()` of the entry before; zero for the first.
    pub prev_hash: Hash,
}

impl Leaf {
    pub const BYTES: usize = 96;

    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(self.log.bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.time.as_micros().to_be_bytes());
        bytes[32..64].copy_from_slice(self.payload_hash.bytes());
        bytes[64..].copy_from_slice(self.prev_hash.bytes());
        bytes
    }

    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self {
            log: LogId::from_bytes(part(bytes, 0)),
            seq: u64::from_be_bytes(part(bytes, 16)),
            time: Timestamp::from_micros(i64::from_be_bytes(part(bytes, 24))),
            payload_hash: Hash(part(bytes, 32)),
            prev_hash: Hash(part(bytes, 64)),
        }
    }

    /// SHA-256(0x00 ‖ leaf): the link to the next entry and the RFC 6962 leaf hash.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }
}

fn part<const N: usize>(bytes: &[u8; Leaf::BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// The RFC 6962 hash of a leaf's bytes.
pub(super) fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_reads_back_as_written() {
        let leaf = Leaf {
            log: LogId::from_bytes([1; 16]),
            seq: 2,
            time: Timestamp::from_micros(-3),
            payload_hash: Hash([4; 32]),
            prev_hash: Hash([5; 32]),
        };
        assert_eq!(Leaf::from_bytes(&leaf.to_bytes()), leaf);
        let mut prefixed = vec![0];
        prefixed.extend_from_slice(&leaf.to_bytes());
        assert_eq!(leaf.hash(), Hash::of(&prefixed));
    }

    #[test]
    fn a_hash_is_read_from_lower_case_hex_only() {
        let text = Hash::of(b"").to_string();
        assert_eq!(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text.parse(), Ok(Hash::of(b"")));
        assert_eq!(text.to_uppercase().parse::<Hash>(), Err(HashError));
        assert_eq!("e3".parse::<Hash>(), Err(HashError));
    }
}
