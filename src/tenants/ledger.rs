//! Looking something up in the ledger of erasures.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

use serde::Deserialize;

use super::{DoorError, Tenants};
use crate::kernel::id::KeyId;
use crate::store::StoreError;
use crate::store::erasures::{Erasure, Head};

/// A line of the ledger, as far as a certificate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    pub number: u64,
    /// SHA-256 in hexadecimal, as the line has it.
    pub hash: String,
}

#[derive(Deserialize)]
struct Line {
    seq: u64,
    erasure: Erased,
    hash: String,
}

#[derive(Deserialize)]
struct Erased {
    key: KeyId,
}

/// Every line of the ledger in a data directory.
pub(super) fn all(directory: &Path) -> Result<Vec<Erasure>, StoreError> {
    let path = directory.join("erasures.log");
    let io = |error: std::io::Error| StoreError::file(&path, &error);
    let file = match std::fs::File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(io)?,
    };
    let mut head = Head::default();
    let mut lines = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = head.follow(&line.map_err(io)?);
        lines.push(line.map_err(|_| StoreError::Corrupt(path.display().to_string().into()))?);
    }
    Ok(lines)
}

impl Tenants {
    /// The first line that says that a key is destroyed.
    pub(crate) async fn ledger_line(&self, key: KeyId) -> Result<Option<LedgerLine>, DoorError> {
        let path = self.inner.ground.directory.join("erasures.log");
        let found = tokio::task::spawn_blocking(move || {
            let io = |error: std::io::Error| StoreError::file(&path, &error);
            for line in BufReader::new(std::fs::File::open(&path).map_err(io)?).lines() {
                let line: Line = serde_json::from_str(&line.map_err(io)?)
                    .map_err(|_| StoreError::Corrupt(path.display().to_string().into()))?;
                if line.erasure.key == key {
                    return Ok(Some(LedgerLine { number: line.seq, hash: line.hash }));
                }
            }
            Ok::<_, StoreError>(None)
        });
        Ok(found.await.map_err(|_| StoreError::Panicked)??)
    }
}
