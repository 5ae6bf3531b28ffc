//! Looking something up in the ledger of erasures.

use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

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
        let ledger = self.ledger().clone();
        let found = tokio::task::spawn_blocking(move || ledger.number_of(key));
        let found = found.await.map_err(|_| StoreError::Panicked)??;
        Ok(found.map(|(number, hash)| LedgerLine { number, hash }))
    }
}
