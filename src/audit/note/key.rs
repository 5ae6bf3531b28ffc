//! Who signs notes: names, and keys in C2SP's text forms.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use zeroize::Zeroizing;

use super::{Checked, NoteError, Signature};
use crate::crypto::mac::sha256;
use crate::crypto::signing::{SIGNATURE_BYTES, SigningKey, VerifyingKey};
use crate::crypto::{CryptoError, Key32};
use crate::kernel::limits;

/// A key's name: like a URL without scheme, no white space, no plus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// What a key's signatures are over; the byte is C2SP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The note's text.
    Ed25519 = 0x01,
    /// The note's text and a time: a witness's cosignature/v1.
    Cosignature = 0x04,
}

/// A name and a private key.
pub struct Signer {
    name: Name,
    key: SigningKey,
}

/// A name and a public key: C2SP's verifier key, `name+key id+base64(kind ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verifier {
    name: Name,
    kind: Kind,
    key: VerifyingKey,
}

impl Signer {
    pub fn new(name: Name, key: SigningKey) -> Self {
        Self { name, key }
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What others need to check signatures of this kind.
    pub fn verifier(&self, kind: Kind) -> Verifier {
        Verifier { name: self.name.clone(), kind, key: self.key.verifying_key() }
    }

    pub fn sign(&self, text: &str) -> Signature {
        self.signature(Kind::Ed25519, self.key.sign(text.as_bytes()).to_vec())
    }

    /// `time` in seconds since 1970.
    pub fn cosign(&self, text: &str, time: u64) -> Signature {
        let signature = self.key.sign(cosigned(text, time).as_bytes());
        self.signature(Kind::Cosignature, [&time.to_be_bytes()[..], &signature].concat())
    }

    fn signature(&self, kind: Kind, bytes: Vec<u8>) -> Signature {
        let key_id = self.verifier(kind).key_id();
        Signature { name: self.name.clone(), key_id, bytes }
    }

    /// The private key as text, in the form of Go's `sumdb/note`:
    /// `PRIVATE+KEY+name+key id+base64(kind ‖ seed)`.
    pub fn to_private_text(&self, kind: Kind) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([kind as u8; 33]);
        bytes[1..].copy_from_slice(self.key.seed().expose());
        let encoded = Zeroizing::new(BASE64.encode(bytes.as_ref()));
        let id = HEXLOWER.encode(&self.verifier(kind).key_id());
        Zeroizing::new(format!("PRIVATE+KEY+{}+{id}+{}", self.name, &*encoded))
    }

    /// Reads what [`to_private_text`](Self::to_private_text) wrote.
    pub fn parse_private(text: &str) -> Result<(Self, Kind), NoteError> {
        let malformed = NoteError::Key("expected PRIVATE+KEY+name+id+base64");
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+").ok_or(malformed.clone())?;
        let (name, id, kind, seed) = fields(rest, &malformed)?;
        let seed = Key32::from_slice(seed.as_ref()).ok_or(malformed.clone())?;
        let key = SigningKey::from_seed(seed).map_err(|_: CryptoError| malformed)?;
        let signer = Self { name, key };
        match signer.verifier(kind).key_id() == id {
            true => Ok((signer, kind)),
            false => Err(NoteError::Key("its id is another key's")),
        }
    }
}

impl Verifier {
    pub fn new(name: Name, kind: Kind, key: VerifyingKey) -> Self {
        Self { name, kind, key }
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// SHA-256(name ‖ 0x0a ‖ kind ‖ key), the first four bytes: a hint, not a proof.
    pub fn key_id(&self) -> [u8; 4] {
        let parts = [self.name.0.as_bytes(), &[b'\n', self.kind as u8], self.key.bytes()];
        let [a, b, c, d, ..] = sha256(&parts.concat());
        [a, b, c, d]
    }

    pub(super) fn check(&self, text: &str, signature: &Signature) -> Result<Checked, NoteError> {
        let checked = match self.kind {
            Kind::Ed25519 => self
                .key
                .verifies(text.as_bytes(), &signature.bytes)
                .then_some(Checked { cosigned: None }),
            Kind::Cosignature => self.check_cosignature(text, &signature.bytes),
        };
        checked.ok_or_else(|| NoteError::Wrong(self.name.clone()))
    }

    fn check_cosignature(&self, text: &str, bytes: &[u8]) -> Option<Checked> {
        let (time, signature) = bytes.split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        let plausible = i64::try_from(time).is_ok() && signature.len() == SIGNATURE_BYTES;
        (plausible && self.key.verifies(cosigned(text, time).as_bytes(), signature))
            .then_some(Checked { cosigned: Some(time) })
    }
}

/// What a cosignature is over.
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, bytes) = (self.key_id(), [&[self.kind as u8][..], self.key.bytes()].concat());
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&id), BASE64.encode(&bytes))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Key("expected name+id+base64, on one line");
        let (name, id, kind, key) = fields(text.trim_end(), &malformed)?;
        let verifier = Self { name, kind, key: VerifyingKey::from_bytes(*key) };
        match verifier.key_id() == id {
            true => Ok(verifier),
            false => Err(NoteError::Key("its id is another key's: a character may be wrong")),
        }
    }
}

type Fields = (Name, [u8; 4], Kind, Zeroizing<[u8; 32]>);

/// The parts of `name+id+base64(kind ‖ 32 bytes)`. Base64 may have a plus, names have none.
fn fields(text: &str, malformed: &NoteError) -> Result<Fields, NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed.clone());
    };
    let id = HEXLOWER.decode(id.as_bytes()).ok().and_then(|id| id.try_into().ok());
    let bytes = BASE64.decode(encoded.as_bytes()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| malformed.clone())?;
    let Some((kind, key)) = bytes.split_first() else { return Err(malformed.clone()) };
    let kind = match kind {
        0x01 => Kind::Ed25519,
        0x04 => Kind::Cosignature,
        _ => return Err(NoteError::Key("it is of a kind that is not known here")),
    };
    let mut key_bytes = Zeroizing::new([0; 32]);
    if key.len() != key_bytes.len() {
        return Err(malformed.clone());
    }
    key_bytes.copy_from_slice(key);
    Ok((name.parse()?, id.ok_or_else(|| malformed.clone())?, kind, key_bytes))
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NoteError;

    fn from_str(name: &str) -> Result<Self, NoteError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        match name.is_empty() || name.len() > limits::LINE_BYTES || name.contains(bad) {
            true => Err(NoteError::Key("a name has 1 to 512 bytes, no white space and no plus")),
            false => Ok(Self(name.to_owned())),
        }
    }
}
