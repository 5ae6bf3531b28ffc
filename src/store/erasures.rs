//! `erasures.log`: a line for every key that was destroyed on purpose, hash-chained and
//! append-only. It is copied to backup targets, never rolled back by a restore, and replayed before
//! a restored system serves, so that what was erased stays erased.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::crypto::mac;
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;

/// What was destroyed: opaque ids only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Erasure {
    pub time: Timestamp,
    /// The owner of the key store: a tenant's id or the installation's.
    pub owner: String,
    pub key: KeyId,
    pub cause: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    erasure: Erasure,
    prev: String,
    hash: String,
}

pub struct Erasures {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    next: u64,
    last: String,
}

impl Erasures {
    /// Opens (or starts) the ledger and checks its chain.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a line does not follow from the one before.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::file(path, &error);
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        if let Some(directory) = path.parent() {
            super::files::sync_directory(directory).map_err(io)?;
        }
        drop_torn_line(&file, path).map_err(io)?;
        let mut inner = Inner { file, next: 1, last: "0".repeat(64) };
        for line in BufReader::new(File::open(path).map_err(io)?).lines() {
            let line: Line = serde_json::from_str(&line.map_err(io)?)
                .map_err(|_| StoreError::Corrupt(path.display().to_string().into()))?;
            let hash = chain(line.seq, &line.erasure, &line.prev);
            if line.seq != inner.next || line.prev != inner.last || line.hash != hash {
                return Err(StoreError::Corrupt(path.display().to_string().into()));
            }
            inner.next += 1;
            inner.last = hash;
        }
        Ok(Self { path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Lines so far, and the hash of the last.
    pub fn head(&self) -> (u64, String) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.next - 1, inner.last.clone())
    }

    /// Whether a line says that this key was destroyed.
    pub fn holds(&self, key: KeyId) -> Result<bool, StoreError> {
        let io = |error: std::io::Error| StoreError::file(&self.path, &error);
        for line in BufReader::new(File::open(&self.path).map_err(io)?).lines() {
            let line: Line = serde_json::from_str(&line.map_err(io)?)
                .map_err(|_| StoreError::Corrupt(self.path.display().to_string().into()))?;
            if line.erasure.key == key {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Durable when it returns; only then may the key be destroyed.
    pub fn record(&self, erasure: Erasure) -> Result<(), StoreError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (seq, prev) = (inner.next, inner.last.clone());
        let hash = chain(seq, &erasure, &prev);
        let line = Line { seq, erasure, prev, hash: hash.clone() };
        let mut text = serde_json::to_vec(&line).unwrap_or_default();
        text.push(b'\n');
        let io = |error: std::io::Error| StoreError::file(&self.path, &error);
        let before = inner.file.metadata().map_err(io)?.len();
        let write = inner.file.write_all(&text).and_then(|()| inner.file.sync_all());
        if let Err(error) = write {
            // What a full disk left of the line must not stand before the next one.
            let _ = inner.file.set_len(before);
            return Err(io(error));
        }
        inner.next += 1;
        inner.last = hash;
        Ok(())
    }
}

/// Cuts off a last line without its end: power was lost while it was written, and nothing was
/// destroyed on its account yet.
fn drop_torn_line(file: &File, path: &Path) -> std::io::Result<()> {
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        tracing::warn!(file = %path.display(), "the last line was not finished; it is dropped");
        file.set_len(whole as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

fn chain(seq: u64, erasure: &Erasure, prev: &str) -> String {
    let erasure = serde_json::to_vec(erasure).unwrap_or_default();
    let bytes = [seq.to_be_bytes().as_slice(), prev.as_bytes(), &erasure].concat();
    HEXLOWER.encode(&mac::sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(n: u8) -> Erasure {
        Erasure {
            time: Timestamp::from_micros(1),
            owner: "t".into(),
            key: KeyId::from_bytes([n; 16]),
            cause: "erasure request".into(),
        }
    }

    #[test]
    fn a_line_taken_out_of_the_ledger_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("erasures.log");
        for n in 1..4 {
            // Opened anew each time: the chain goes on over restarts.
            Erasures::open(&path).unwrap().record(erasure(n)).unwrap();
        }
        Erasures::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let without_second: Vec<_> = text.lines().enumerate().filter(|(n, _)| *n != 1).collect();
        let text: String = without_second.iter().map(|(_, line)| format!("{line}\n")).collect();
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Erasures::open(&path), Err(StoreError::Corrupt(_))));
    }
}
