//! What a witness remembers: the last checkpoint of each log that it signed. It signs a later one
//! only when that grew from it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Request;
use crate::audit::leaf::Hash;
use crate::audit::note::{Checkpoint, Kind, Note, NoteError, Signer, Verifier};
use crate::audit::proof::verify_consistency;

const FORMAT: &str = "strongroom-witness/1";

/// All that a witness has signed, as JSON in a file that it keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Memory {
    format: String,
    logs: Vec<Remembered>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remembered {
    origin: String,
    /// The log's verifier key, from its first checkpoint on.
    public_key: String,
    size: u64,
    root: Hash,
    /// When it was signed, in seconds since 1970.
    time: u64,
}

/// Why a witness does not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the log {0} is new here: name its public key, from a source that you trust")]
    Unknown(String),
    #[error("{0}")]
    Note(#[from] NoteError),
    #[error("the key given is not the one with which {0} was first witnessed: find out why")]
    OtherKey(String),
    #[error("a log's key signs plain notes; this is a witness's key")]
    Kind,
    #[error(
        "{origin} has been witnessed up to entry {known} and is shown with {size}: it was cut off, \
         or this is an old request"
    )]
    Smaller { origin: String, known: u64, size: u64 },
    #[error(
        "the proof begins at entry {old}, and {origin} was witnessed up to entry {known}: export \
         it again with --from {known}"
    )]
    Gap { origin: String, known: u64, old: u64 },
    #[error(
        "ALARM: {origin} is not the log that was witnessed: what it has up to entry {known} was \
         rewritten. Keep this request as evidence"
    )]
    Rewritten { origin: String, known: u64 },
    #[error("the state file is not a witness's memory: {0}")]
    Memory(String),
}

impl Default for Memory {
    fn default() -> Self {
        Self { format: FORMAT.to_owned(), logs: Vec::new() }
    }
}

impl FromStr for Memory {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let memory: Self =
            serde_json::from_str(text).map_err(|error| Refusal::Memory(error.to_string()))?;
        match memory.format == FORMAT {
            true => Ok(memory),
            false => Err(Refusal::Memory("it is of another format".to_owned())),
        }
    }
}

impl Memory {
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("the members are strings and numbers") + "\n"
    }

    /// Signs the checkpoint of a request at `time` (seconds since 1970), and remembers it: what is
    /// remembered must be durable before the note is handed out.
    ///
    /// `key` is the log's, needed when it is new here.
    pub fn cosign(
        &mut self,
        request: &Request,
        key: Option<&Verifier>,
        signer: &Signer,
        time: u64,
    ) -> Result<(Note, Checkpoint), Refusal> {
        let checkpoint: Checkpoint = request.note.text().parse()?;
        let origin = || checkpoint.origin.clone();
        let at = self.logs.iter().position(|log| log.origin == checkpoint.origin);
        let known = at.map(|at| self.logs[at].clone());
        let key = match (&known, key) {
            (None, None) => return Err(Refusal::Unknown(origin())),
            (None, Some(key)) => key.clone(),
            (Some(known), given) => {
                let pinned: Verifier = known.public_key.parse()?;
                if given.is_some_and(|given| *given != pinned) {
                    return Err(Refusal::OtherKey(origin()));
                }
                pinned
            }
        };
        if key.kind() != Kind::Ed25519 {
            return Err(Refusal::Kind);
        }
        request.note.verify(&key)?;
        follows(known.as_ref(), request, &checkpoint)?;
        let signed = Remembered {
            origin: origin(),
            public_key: key.to_string(),
            size: checkpoint.size,
            root: checkpoint.root,
            time,
        };
        match at {
            Some(at) => self.logs[at] = signed,
            None => self.logs.push(signed),
        }
        let mut note = request.note.clone();
        note.cosign(signer, time);
        Ok((note, checkpoint))
    }
}

fn follows(known: Option<&Remembered>, request: &Request, new: &Checkpoint) -> Result<(), Refusal> {
    let origin = || new.origin.clone();
    let Some(Remembered { size: known, root, .. }) = known else {
        return match request.old {
            0 => Ok(()),
            old => Err(Refusal::Gap { origin: origin(), known: 0, old }),
        };
    };
    let known = *known;
    if new.size < known {
        return Err(Refusal::Smaller { origin: origin(), known, size: new.size });
    }
    if new.size == known {
        let rewritten = Refusal::Rewritten { origin: origin(), known };
        return if new.root == *root { Ok(()) } else { Err(rewritten) };
    }
    if request.old != known {
        return Err(Refusal::Gap { origin: origin(), known, old: request.old });
    }
    match known == 0 || verify_consistency((known, *root), (new.size, new.root), &request.proof) {
        true => Ok(()),
        false => Err(Refusal::Rewritten { origin: origin(), known }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::proof::{Nodes, Prover};
    use crate::crypto::Key32;
    use crate::crypto::signing::SigningKey;
    use crate::store::StoreError;

    fn signer(name: &str, seed: u8) -> Signer {
        let seed = Key32::from_slice(&[seed; 32]).unwrap();
        Signer::new(name.parse().unwrap(), SigningKey::from_seed(seed).unwrap())
    }

    /// The leaves of a small log; each history has others.
    struct Leaves(Vec<Hash>);

    impl Nodes for Leaves {
        fn hashes(&self, _: u8, first: u64, count: usize) -> Result<Vec<Hash>, StoreError> {
            Ok(self.0[first as usize..][..count].to_vec())
        }
    }

    fn request(old: u64, size: u64, history: u8) -> Request {
        let leaves = (0..size).map(|n| Hash::of(&[history, n as u8])).collect();
        let log = Prover::new(Leaves(leaves), size);
        let proof = match old {
            0 => Vec::new(),
            old => log.consistency(old, size).unwrap(),
        };
        let root = log.root(size).unwrap();
        let checkpoint = Checkpoint { origin: "log/a".into(), size, root };
        Request { old, proof, note: checkpoint.sign(&signer("log", 1)).unwrap() }
    }

    /// A witness that has signed the log with 5 entries.
    fn witness() -> (Memory, Signer) {
        let (mut memory, me) = (Memory::default(), signer("w", 2));
        let key = signer("log", 1).verifier(Kind::Ed25519);
        memory.cosign(&request(0, 5, 0), Some(&key), &me, 100).unwrap();
        (memory, me)
    }

    #[test]
    fn a_log_that_grows_is_signed_each_time() {
        let (mut memory, me) = witness();
        for (old, size, time) in [(5, 9, 101), (9, 9, 102), (9, 64, 103)] {
            let (note, _) = memory.cosign(&request(old, size, 0), None, &me, time).unwrap();
            let checked = note.verify(&me.verifier(Kind::Cosignature)).unwrap();
            assert_eq!(checked.cosigned, Some(time));
            assert!(note.verify(&signer("log", 1).verifier(Kind::Ed25519)).is_ok());
        }
    }

    #[test]
    fn the_memory_is_read_back_from_its_file() {
        let (memory, me) = witness();
        let mut again: Memory = memory.to_json().parse().unwrap();
        assert_eq!(again, memory);
        let smaller = again.cosign(&request(0, 4, 0), None, &me, 101);
        assert!(matches!(smaller, Err(Refusal::Smaller { known: 5, size: 4, .. })));
        assert!("{}".parse::<Memory>().is_err());
    }

    #[test]
    fn a_smaller_a_rewritten_and_an_unknown_log_are_not_signed() {
        let (mut memory, me) = witness();
        let before = memory.clone();
        let refused = |memory: &mut Memory, old, size, history| {
            memory.cosign(&request(old, size, history), None, &me, 101).map(|_| ()).unwrap_err()
        };
        assert!(matches!(refused(&mut memory, 0, 3, 0), Refusal::Smaller { .. }));
        assert!(matches!(refused(&mut memory, 5, 5, 7), Refusal::Rewritten { .. }));
        assert!(matches!(refused(&mut memory, 5, 9, 7), Refusal::Rewritten { .. }));
        assert!(matches!(refused(&mut memory, 3, 9, 0), Refusal::Gap { known: 5, old: 3, .. }));
        assert_eq!(memory, before, "what was refused leaves no trace");
        let unknown = Memory::default().cosign(&request(0, 3, 0), None, &me, 1);
        assert!(matches!(unknown, Err(Refusal::Unknown(_))));
    }

    #[test]
    fn another_key_is_not_taken_for_the_logs_own() {
        let (mut memory, me) = witness();
        let other = signer("log", 3).verifier(Kind::Ed25519);
        let refused = memory.cosign(&request(5, 9, 0), Some(&other), &me, 101);
        assert!(matches!(refused, Err(Refusal::OtherKey(_))));
        let mut forged = request(5, 9, 0);
        forged.note = {
            let checkpoint: Checkpoint = forged.note.text().parse().unwrap();
            checkpoint.sign(&signer("log", 3)).unwrap()
        };
        assert!(matches!(memory.cosign(&forged, None, &me, 101), Err(Refusal::Note(_))));
    }
}
