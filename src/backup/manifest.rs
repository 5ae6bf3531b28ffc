//! What an archive is, signed by the installation: whoever can write to a target can encrypt to the
//! recipients too, but cannot make an archive that a restore believes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::audit::note::{Note, NoteError, Signer, Verifier};
use crate::crypto::keyring::KeyChanges;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, InstallationId, KeyId, LogId};

/// First line of every manifest.
const TITLE: &str = "strongroom backup v1";

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("this is not a manifest of a backup")]
    Malformed,
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// Describes one archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub id: BackupId,
    pub kind: Kind,
    pub installation: InstallationId,
    /// `platform` or the tenant's id.
    pub owner: String,
    /// The tenant's short name when it was made.
    pub slug: Option<String>,
    /// Moment that the archive shows.
    pub taken: Timestamp,
    /// Path in the target.
    pub path: String,
    /// Of the encrypted archive.
    pub bytes: u64,
    pub sha256: String,
    /// Of what is in it.
    pub plain_bytes: u64,
    pub plain_sha256: String,
    /// Of a database: pages, their size in bytes, the number of its schema.
    pub pages: u64,
    pub page_size: u32,
    pub schema: u32,
    /// Of the audit log in it.
    pub log: Option<LogId>,
    pub entries: u64,
    /// Entries that were ever written, in this log and, as far as is known, in those that it
    /// follows: grows with every restore and every undo of one. 0: not noted.
    #[serde(default)]
    pub history: u64,
    /// The highest checkpoint over them, a signed note.
    pub checkpoint: Option<String>,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// The key that the live file is encrypted with.
    pub file_key: Option<KeyId>,
    /// Of keys: what had happened to the key store when it was copied. A delta belongs to a copy
    /// with the same `gone`.
    pub keys: Option<KeyChanges>,
    /// Lines in the ledger of erasures, and the hash of the last.
    pub ledger: (u64, String),
    pub recipients: Vec<String>,
    /// The release that made it.
    pub program: String,
}

impl Manifest {
    /// # Errors
    /// [`NoteError`] when something in it is not one line.
    pub fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut note = Note::new(format!("{TITLE}\n{json}\n"))?;
        note.sign(signer);
        Ok(note.to_string())
    }

    /// Reads one that this installation has signed.
    ///
    /// # Errors
    /// [`ManifestError`] for anything else.
    pub fn open(text: &str, verifier: &Verifier) -> Result<Self, ManifestError> {
        let note = Note::parse(text)?;
        note.verify(verifier)?;
        Self::read(&note)
    }

    /// What one says, believed by nobody yet.
    ///
    /// # Errors
    /// [`ManifestError`]
    pub fn unchecked(text: &str) -> Result<Self, ManifestError> {
        Self::read(&Note::parse(text)?)
    }

    fn read(note: &Note) -> Result<Self, ManifestError> {
        let json = note.text().strip_prefix(TITLE).ok_or(ManifestError::Malformed)?;
        serde_json::from_str(json).map_err(|_| ManifestError::Malformed)
    }
}

#[cfg(test)]
pub(super) fn example() -> Manifest {
    Manifest {
        id: BackupId::from_bytes([1; 16]),
        kind: Kind::Data,
        installation: InstallationId::from_bytes([2; 16]),
        owner: "platform".into(),
        slug: None,
        taken: Timestamp::from_micros(0),
        path: String::new(),
        bytes: 0,
        sha256: String::new(),
        plain_bytes: 0,
        plain_sha256: String::new(),
        pages: 0,
        page_size: 0,
        schema: 0,
        log: None,
        entries: 0,
        history: 0,
        checkpoint: None,
        rows: BTreeMap::new(),
        file_key: None,
        keys: None,
        ledger: (0, String::new()),
        recipients: Vec::new(),
        program: "test".into(),
    }
}
