//! Signed notes (C2SP signed-note), and what is written in them: checkpoints (C2SP
//! tlog-checkpoint) with signatures of the log and cosignatures of witnesses (C2SP
//! tlog-cosignature).
//!
//! A note is a text followed by a blank line and one line for each signature:
//!
//! ```text
//! strongroom/0199…/0199…
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — strongroom/0199… Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurm…
//! — witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zX…
//! ```

mod checkpoint;
mod key;
#[cfg(test)]
mod tests;

use std::fmt;

use data_encoding::BASE64;

pub use checkpoint::Checkpoint;
pub use key::{Kind, Name, Signer, Verifier};

/// Signatures that a note may have; C2SP wants room for 16 at least.
const SIGNATURES_MOST: usize = 64;
/// A note's size in bytes: room for that many of the largest signatures there are today.
pub const NOTE_BYTES: usize = 512 * 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("this is not a signed note: {0}")]
    Malformed(&'static str),
    #[error("this is not a checkpoint: {0}")]
    NotACheckpoint(&'static str),
    #[error("this is not a key: {0}")]
    Key(&'static str),
    #[error("the note has no signature of {0}")]
    NotSigned(Name),
    #[error("the signature of {0} is wrong: the note was changed, or the key is another")]
    Wrong(Name),
}

/// A text and its signatures, which nobody has checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    name: Name,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// A signature that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// When a witness cosigned, in seconds since 1970; a log's own signature has no time.
    pub cosigned: Option<u64>,
}

impl Note {
    /// # Errors
    /// [`NoteError::Malformed`] when the text has control characters or does not end its last line.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if !text.ends_with('\n') {
            return Err(NoteError::Malformed("its text does not end with a line feed"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed("it has control characters"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note, strictly: what it prints as is what was read.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES {
            return Err(NoteError::Malformed("it is too long"));
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed("it has no signatures"))?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        let mut note = Self::new(text.to_owned())?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("its last line does not end with a line feed"))?;
        for line in lines.split('\n') {
            note.signatures.push(Signature::parse(line)?);
        }
        match note.signatures.len() {
            0..=SIGNATURES_MOST => Ok(note),
            _ => Err(NoteError::Malformed("it has too many signatures")),
        }
    }

    /// What is signed: all lines before the blank one, each with its line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Signs as the log does.
    pub fn sign(&mut self, signer: &Signer) {
        self.add(signer.sign(&self.text));
    }

    /// Signs as a witness does, who has seen this checkpoint at `time` (seconds since 1970) to
    /// follow from all that they saw before.
    pub fn cosign(&mut self, signer: &Signer, time: u64) {
        self.add(signer.cosign(&self.text, time));
    }

    /// Adds a signature made elsewhere, in place of an earlier one of the same key.
    pub fn add(&mut self, signature: Signature) {
        self.signatures.retain(|other| !other.is_by_same_key(&signature));
        self.signatures.push(signature);
    }

    /// Checks the signature of one key that is trusted. Those of others are ignored.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`], [`NoteError::Wrong`].
    pub fn verify(&self, verifier: &Verifier) -> Result<Checked, NoteError> {
        let id = verifier.key_id();
        let mut by_key = self
            .signatures
            .iter()
            .filter(|signature| signature.key_id == id && signature.name == *verifier.name());
        let first = by_key.next().ok_or_else(|| NoteError::NotSigned(verifier.name().clone()))?;
        let checked = verifier.check(&self.text, first)?;
        by_key.try_for_each(|other| verifier.check(&self.text, other).map(|_| ()))?;
        Ok(checked)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    /// Reads `— name base64(key id ‖ signature)`, without the line feed.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed("a signature line is not \"— name base64\"");
        let rest = line.strip_prefix("— ").ok_or(malformed.clone())?;
        let (name, encoded) = rest.split_once(' ').ok_or(malformed.clone())?;
        let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| malformed.clone())?;
        let (key_id, bytes) = bytes.split_first_chunk().ok_or(malformed.clone())?;
        if bytes.is_empty() {
            return Err(malformed);
        }
        let name = name.parse().map_err(|_| malformed)?;
        Ok(Self { name, key_id: *key_id, bytes: bytes.to_vec() })
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    fn is_by_same_key(&self, other: &Self) -> bool {
        self.name == other.name && self.key_id == other.key_id
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id[..], &self.bytes].concat();
        write!(f, "— {} {}", self.name, BASE64.encode(&bytes))
    }
}
