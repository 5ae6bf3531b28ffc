//! A log's size and root, as a note says them.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use super::{Note, NoteError, Signer, Verifier};
use crate::audit::leaf::Hash;

/// The text of a checkpoint: origin, size and root, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `strongroom/<installation>/<log id>`.
    pub origin: String,
    /// Leaves of the tree, that is entries of the log.
    pub size: u64,
    /// RFC 6962 root of the tree with that many leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// The checkpoint as a note with the log's signature.
    ///
    /// # Errors
    /// [`NoteError`] when the origin is not one line.
    pub fn sign(&self, signer: &Signer) -> Result<Note, NoteError> {
        let mut note = self.unsigned()?;
        note.sign(signer);
        Ok(note)
    }

    /// The note without any signature, for those made elsewhere.
    pub fn unsigned(&self) -> Result<Note, NoteError> {
        let text = self.to_string();
        match text.parse::<Self>()? == *self {
            true => Note::new(text),
            false => Err(NoteError::NotACheckpoint("its origin is not one line")),
        }
    }

    /// Reads a note and checks that `verifier` signed it: the only way to a checkpoint that may be
    /// believed.
    ///
    /// # Errors
    /// [`NoteError`]; the origin is for the caller to compare.
    pub fn open(note: &str, verifier: &Verifier) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(note)?;
        note.verify(verifier)?;
        Ok((note.text().parse()?, note))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root.bytes()))
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let error = NoteError::NotACheckpoint;
        let lines = text.strip_suffix('\n').ok_or(error("its last line has no end"))?;
        let mut lines = lines.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let origin = origin.ok_or(error("it has no origin"))?;
        let size = lines.next().and_then(size).ok_or(error("its second line is not a size"))?;
        let root = lines.next().and_then(root).ok_or(error("its third line is not a root"))?;
        match lines.next() {
            None => Ok(Self { origin: origin.to_owned(), size, root }),
            Some(_) => Err(error("there are lines after the root, which no log here writes")),
        }
    }
}

/// A number without sign or leading zeros.
fn size(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| text.parse::<i64>().ok()).flatten().map(i64::cast_unsigned)
}

fn root(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok())
}
