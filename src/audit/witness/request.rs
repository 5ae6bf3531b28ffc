//! What a witness is asked: a checkpoint, and the proof that it follows from the last one that the
//! witness has signed.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::audit::leaf::Hash;
use crate::audit::note::{Note, NoteError};

/// The body of C2SP tlog-witness's `add-checkpoint`:
///
/// ```text
/// old 20852163
/// CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
///
/// strongroom/0199…/0199…
/// 20852180
/// …
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Size that the witness has signed before; 0 at the first time.
    pub old: u64,
    /// Consistency proof from there to the checkpoint; empty at the first time.
    pub proof: Vec<Hash>,
    /// The checkpoint, with the log's signature.
    pub note: Note,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("this is not a request to a witness: it begins with \"old\" and a size")]
    Old,
    #[error("this is not a request to a witness: its proof has up to 63 lines of Base64")]
    Proof,
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A proof in a tree of 2^63 leaves; C2SP has the same bound.
const PROOF_MOST: usize = 63;

impl FromStr for Request {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let (head, note) = text.split_once("\n\n").ok_or(RequestError::Old)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(size);
        let old = old.ok_or(RequestError::Old)?;
        let proof = lines.map(hash).collect::<Option<Vec<_>>>().ok_or(RequestError::Proof)?;
        if proof.len() > PROOF_MOST {
            return Err(RequestError::Proof);
        }
        Ok(Self { old, proof, note: Note::parse(note)? })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.bytes())))?;
        write!(f, "\n{}", self.note)
    }
}

/// A number without sign or leading zeros.
fn size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(size)
}

fn hash(line: &str) -> Option<Hash> {
    Hash::try_from(BASE64.decode(line.as_bytes()).ok()?.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audit::note::{Checkpoint, Signer};
    use crate::crypto::Key32;
    use crate::crypto::signing::SigningKey;

    fn note(size: u64) -> Note {
        let seed = Key32::from_slice(&[1; 32]).unwrap();
        let signer = Signer::new("log".parse().unwrap(), SigningKey::from_seed(seed).unwrap());
        let root = Hash::of(&size.to_be_bytes());
        Checkpoint { origin: "log/a".into(), size, root }.sign(&signer).unwrap()
    }

    proptest! {
        #[test]
        fn a_request_reads_back_as_it_was_written(
            old: u64,
            proof in prop::collection::vec(any::<[u8; 32]>(), 0..64),
            size in 0..u64::MAX / 2,
        ) {
            let proof = proof.into_iter().map(Hash::from_bytes).collect();
            let request = Request { old, proof, note: note(size) };
            prop_assert_eq!(request.to_string().parse(), Ok(request));
        }

        #[test]
        fn whatever_is_read_is_written_the_same_or_refused(text: String) {
            if let Ok(request) = text.parse::<Request>() {
                prop_assert_eq!(request.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let note = note(4).to_string();
        for bad in
            ["", "old 1\n", &note, &format!("old 01\n\n{note}"), &format!("old -1\n\n{note}")]
        {
            assert!(bad.parse::<Request>().is_err(), "{bad}");
        }
        let long =
            format!("old 1\n{}\n{note}", format!("{}\n", BASE64.encode(&[0; 32])).repeat(64));
        assert_eq!(long.parse::<Request>(), Err(RequestError::Proof));
    }
}
