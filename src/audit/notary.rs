//! Who signs checkpoints, and where the highest of each log is kept outside of its file: somebody
//! who cuts off a log's tail, or puts an older copy of its file back, would have to change both.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::checkpoint;
use super::note::{Checkpoint, Kind, NOTE_BYTES, Note, NoteError, Signer, Verifier};
use super::proof::{ProofError, Prover};
use crate::kernel::id::LogId;
use crate::store::{Sql, StoreError, files};

pub struct Notary {
    signer: Arc<Signer>,
    /// `heads/<log id>.note` in the data directory.
    heads: PathBuf,
    /// Held by who compares and replaces.
    keeping: Mutex<()>,
}

/// A signed checkpoint that a log does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub checkpoint: Checkpoint,
    /// The first entry that is missing; none when entries are there but are not the ones signed.
    pub missing: Option<u64>,
}

impl Contradiction {
    pub fn reason(&self) -> &'static str {
        match self.missing {
            Some(_) => "entries are missing at the end: a checkpoint was signed over more",
            None => "the entries are not those that a checkpoint was signed over",
        }
    }
}

/// What is kept of a log outside of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    Missing,
    /// There is something, but this installation's key did not sign it for this log.
    Foreign,
    Kept(Checkpoint),
}

/// Tells whether a note outside was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadMark {
    file: u64,
    changed: (i64, i64),
}

impl Notary {
    /// Makes the directory of heads in the data directory.
    pub fn new(signer: Arc<Signer>, data_dir: &Path) -> Result<Self, StoreError> {
        let heads = data_dir.join("heads");
        files::private_directory(&heads)?;
        Ok(Self { signer, heads, keeping: Mutex::default() })
    }

    pub fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// What others check this installation's checkpoints with.
    pub fn verifier(&self) -> Verifier {
        self.signer.verifier(Kind::Ed25519)
    }

    /// What a log that is begun here calls itself.
    pub fn origin(&self, log: LogId) -> String {
        format!("{}/{log}", self.signer.name())
    }

    pub fn sign(&self, checkpoint: &Checkpoint) -> Result<Note, StoreError> {
        checkpoint.sign(&self.signer).map_err(corrupt)
    }

    /// The checkpoint that is kept outside of the log's file.
    pub fn head(&self, log: LogId, origin: &str) -> Result<Head, StoreError> {
        let path = self.path(log);
        let size = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Head::Missing),
            Err(error) => return Err(StoreError::file(&path, &error)),
        };
        if size > NOTE_BYTES as u64 {
            return Ok(Head::Foreign);
        }
        let bytes = std::fs::read(&path).map_err(|error| StoreError::file(&path, &error))?;
        let opened = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|note| Checkpoint::open(note, &self.verifier()).ok());
        Ok(match opened {
            Some((checkpoint, _)) if checkpoint.origin == origin => Head::Kept(checkpoint),
            _ => Head::Foreign,
        })
    }

    /// Reads what is kept of a log, for a look at the log that begins after this: what is kept was
    /// in the file before, so a log that does not have it has lost it.
    pub fn watch(&self, log: LogId, origin: &str) -> Result<Watch<'_>, StoreError> {
        let guard = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Watch { head: self.head(log, origin)?, notary: self, log, _guard: guard })
    }

    /// The notes that are kept outside, of logs whose file is another than `known` says; with what
    /// to know it by. Nothing is opened for it but the notes.
    pub fn heads(
        &self,
        known: impl Fn(LogId) -> Option<HeadMark>,
    ) -> Result<Vec<(LogId, HeadMark, String)>, StoreError> {
        let named = |error| StoreError::file(&self.heads, &error);
        let mut changed = Vec::new();
        for entry in std::fs::read_dir(&self.heads).map_err(named)? {
            let path = entry.map_err(named)?.path();
            let log = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let is_note = path.extension().is_some_and(|extension| extension == "note");
            let Some(log) = log.filter(|_| is_note) else { continue };
            let Ok(about) = std::fs::metadata(&path) else { continue };
            let mark = HeadMark { file: about.ino(), changed: (about.mtime(), about.mtime_nsec()) };
            if known(log) == Some(mark) || about.len() > NOTE_BYTES as u64 {
                continue;
            }
            // One that is replaced just now is looked at the next time.
            if let Ok(note) = std::fs::read_to_string(&path) {
                changed.push((log, mark, note));
            }
        }
        Ok(changed)
    }

    fn path(&self, log: LogId) -> PathBuf {
        self.heads.join(format!("{log}.note"))
    }
}

/// What is kept of a log, while nobody else changes it.
pub struct Watch<'a> {
    notary: &'a Notary,
    log: LogId,
    head: Head,
    _guard: MutexGuard<'a, ()>,
}

impl Watch<'_> {
    /// Whether the log does not go on from what is kept. `tx` began after the watch.
    pub fn contradiction(&self, tx: &impl Sql) -> Result<Option<Contradiction>, StoreError> {
        match &self.head {
            Head::Kept(checkpoint) => contradicts(tx, checkpoint.clone()),
            Head::Missing => Ok(None),
            Head::Foreign => {
                tracing::error!(
                    file = %self.notary.path(self.log).display(),
                    "the checkpoint kept beside the logs is not signed by this installation; \
                     find out who changed it, then remove it"
                );
                Ok(None)
            }
        }
    }

    /// Keeps the log's highest checkpoint, in place of a smaller one that it follows from. One that
    /// the log contradicts stays: it is the evidence. `tx` began after the watch.
    pub fn keep(self, tx: &impl Sql) -> Result<Option<Contradiction>, StoreError> {
        let Some(latest) = checkpoint::latest(tx)? else { return Ok(None) };
        match &self.head {
            Head::Foreign => return Ok(None),
            Head::Missing => {}
            Head::Kept(kept) if kept.size == latest.size && kept.root == latest.root => {
                return Ok(None);
            }
            Head::Kept(kept) => {
                if let Some(contradiction) = contradicts(tx, kept.clone())? {
                    return Ok(Some(contradiction));
                }
                if latest.size <= kept.size {
                    return Ok(None);
                }
            }
        }
        files::replace(&self.notary.path(self.log), latest.note.as_bytes())?;
        Ok(None)
    }
}

/// Whether the log as `tx` sees it is another than a checkpoint was signed over.
pub fn contradicts(
    tx: &impl Sql,
    checkpoint: Checkpoint,
) -> Result<Option<Contradiction>, StoreError> {
    let prover = Prover::of_log(tx)?;
    let missing = (prover.size() < checkpoint.size).then_some(prover.size() + 1);
    let same = missing.is_none()
        && match prover.root(checkpoint.size) {
            Ok(root) => root == checkpoint.root,
            // A tree that has holes is not the one that was signed.
            Err(ProofError::Store(error)) if !matches!(error, StoreError::Corrupt(_)) => {
                return Err(error);
            }
            Err(_) => checkpoint.size == 0,
        };
    Ok((!same).then_some(Contradiction { checkpoint, missing }))
}

fn corrupt(error: NoteError) -> StoreError {
    StoreError::Corrupt(format!("the audit log's origin: {error}").into())
}
