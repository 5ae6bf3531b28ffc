//! How far a chain has come, written beside its records on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::kernel::Timestamp;
use crate::kernel::id::BaseId;
use crate::store::changes::{Hash, seed};
use crate::store::{StoreError, files};

/// Of one chain of one realm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    #[serde(skip)]
    path: PathBuf,
    /// The record in front of those that still lie here.
    pub number: u64,
    hash: String,
    pub time: Timestamp,
    /// The last record that each target has.
    pub targets: BTreeMap<String, u64>,
    /// The last record in the head of each target.
    pub heads: BTreeMap<String, u64>,
    /// Copies of the file that were made, the newest last.
    pub bases: Vec<SentBase>,
    /// Bytes of records since the newest.
    pub since: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SentBase {
    pub number: u64,
    pub taken: Timestamp,
    pub bytes: u64,
    /// Targets that have it.
    pub targets: Vec<String>,
}

impl Sent {
    pub fn load(folder: &Path, chain: BaseId, now: Timestamp) -> Self {
        let path = folder.join("sent.json");
        let read = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let new = || Self {
            path: PathBuf::new(),
            number: 0,
            hash: HEXLOWER.encode(&seed(chain)),
            time: now,
            targets: BTreeMap::new(),
            heads: BTreeMap::new(),
            bases: Vec::new(),
            since: 0,
        };
        Self { path, ..read.unwrap_or_else(new) }
    }

    pub fn hash(&self) -> Hash {
        let hash = HEXLOWER.decode(self.hash.as_bytes()).ok();
        hash.and_then(|hash| hash.try_into().ok()).unwrap_or_default()
    }

    pub fn move_to(&mut self, number: u64, hash: &str, time: Timestamp) {
        (self.number, self.time) = (number, time);
        hash.clone_into(&mut self.hash);
    }

    pub fn save(&self) -> Result<(), StoreError> {
        files::replace(&self.path, &serde_json::to_vec(self).unwrap_or_default())
    }

    /// What this target has.
    pub fn of(&self, target: &str) -> u64 {
        self.targets.get(target).copied().unwrap_or(0)
    }

    /// Whether this target has a copy of the file that the records follow.
    pub fn has_base(&self, target: &str) -> bool {
        self.bases.iter().any(|base| base.targets.iter().any(|it| it == target))
    }
}
