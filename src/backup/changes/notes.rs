//! What is said of copies, segments and chains, signed by the installation.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::note::{Note, NoteError, Signer, Verifier};
use crate::kernel::Timestamp;
use crate::kernel::id::{BaseId, InstallationId};

/// What a signed note says: a title and one line of JSON.
pub trait Said: Serialize + DeserializeOwned {
    const TITLE: &'static str;

    /// # Errors
    /// [`NoteError`] when something in it is not one line.
    fn sign(&self, signer: &Signer) -> Result<String, NoteError> {
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut note = Note::new(format!("{}\n{json}\n", Self::TITLE))?;
        note.sign(signer);
        Ok(note.to_string())
    }

    /// Reads one that this installation has signed; nothing for anything else.
    fn open(text: &str, verifier: &Verifier) -> Option<Self> {
        let note = Note::parse(text).ok()?;
        note.verify(verifier).ok()?;
        serde_json::from_str(note.text().strip_prefix(Self::TITLE)?).ok()
    }
}

/// A copy of a data file: its encrypted pages as they lay on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseNote {
    pub installation: InstallationId,
    /// `platform` or the tenant's id.
    pub owner: String,
    pub chain: BaseId,
    /// The record that it is at; 0 at the beginning of its chain.
    pub number: u64,
    /// That record's hash.
    pub hash: String,
    /// Everything that was committed by then is in it or in the records up to its own.
    pub taken: Timestamp,
    pub page_size: u32,
    /// Of the data file.
    pub bytes: u64,
    pub sha256: String,
    /// The release that made it.
    pub program: String,
}

impl Said for BaseNote {
    const TITLE: &'static str = "strongroom archive base v1";
}

/// Some records of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentNote {
    pub installation: InstallationId,
    pub owner: String,
    pub chain: BaseId,
    /// Numbers of the first and the last record.
    pub first: u64,
    pub last: u64,
    /// Hash of the record before the first.
    pub previous: String,
    /// Hash of the last.
    pub hash: String,
    /// Times of the first and the last.
    pub from: Timestamp,
    pub to: Timestamp,
    pub commits: u64,
    pub page_size: u32,
    /// Of the records.
    pub bytes: u64,
}

impl Said for SegmentNote {
    const TITLE: &'static str = "strongroom archive segment v1";
}

/// How far a chain has come in a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeadNote {
    pub installation: InstallationId,
    pub owner: String,
    pub chain: BaseId,
    /// Its last record: number, hash, time.
    pub last: u64,
    pub hash: String,
    pub time: Timestamp,
}

impl Said for HeadNote {
    const TITLE: &'static str = "strongroom archive head v1";
}
