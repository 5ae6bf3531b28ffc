//! `release.json`: which schemas the release leaves behind that last used the directory, and which
//! one was there before. What was kept of files (`store::before`) belongs to the step between these
//! two, and to no earlier one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::kernel::{Runtime, Timestamp};
use crate::store::{StoreError, before, files, migrate};

const FILE: &str = "release.json";

/// A release, as far as files depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub version: String,
    pub platform: i64,
    pub tenant: i64,
    pub keys: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    #[serde(flatten)]
    pub release: Release,
    /// None when the release before did not keep this record.
    pub before: Option<Release>,
    /// When this release first used the directory.
    pub since: Timestamp,
}

impl Release {
    /// This one.
    pub fn own() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            platform: migrate::known(migrate::PLATFORM),
            tenant: migrate::known(migrate::TENANT),
            keys: migrate::known(migrate::KEYS),
        }
    }

    fn schemas(&self) -> [i64; 3] {
        [self.platform, self.tenant, self.keys]
    }

    fn knows_all_of(&self, other: &Self) -> bool {
        self.schemas().iter().zip(other.schemas()).all(|(own, theirs)| *own >= theirs)
    }
}

/// # Errors
/// [`StoreError::Corrupt`] for a record that cannot be read.
pub fn read(data: &Path) -> Result<Option<Record>, StoreError> {
    let path = data.join(FILE);
    let text = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| StoreError::file(&path, &error))?,
    };
    let record = serde_json::from_slice(&text);
    record.map(Some).map_err(|_| StoreError::Corrupt(path.display().to_string().into()))
}

fn write(data: &Path, record: &Record) -> Result<(), StoreError> {
    let text = serde_json::to_vec_pretty(record).unwrap_or_default();
    files::replace(&data.join(FILE), &text)
}

/// Writes down that this release uses the directory now. What was kept for the way back from an
/// earlier upgrade goes: the way back is to the release before, and to no other.
///
/// # Errors
/// Whatever the disk answers.
pub fn note(data: &Path, runtime: &Runtime) -> Result<(), StoreError> {
    let own = Release::own();
    let last = read(data)?;
    if let Some(last) = &last {
        let same = last.release.schemas() == own.schemas();
        // An older release touches nothing: its files may be those of the newer one.
        if !own.knows_all_of(&last.release) || (same && last.release == own) {
            return Ok(());
        }
        if same {
            // Another version with the same files: the way back is still the one that it was.
            return write(data, &Record { release: own, ..last.clone() });
        }
    }
    for directory in directories(data)? {
        files::remove_directory(&directory.join(before::DIRECTORY))?;
    }
    let before = last.map(|last| last.release);
    write(data, &Record { release: own, before, since: runtime.now() })
}

/// After a rollback: the release before knows what it finds.
pub fn forget(data: &Path) -> Result<(), StoreError> {
    files::remove_if_there(&data.join(FILE))
}

/// The data directory and those of the tenants.
///
/// # Errors
/// Whatever the disk answers.
pub fn directories(data: &Path) -> Result<Vec<std::path::PathBuf>, StoreError> {
    let tenants = data.join("tenants");
    let mut all = vec![data.to_owned()];
    let entries = match std::fs::read_dir(&tenants) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
        entries => entries.map_err(|error| StoreError::file(&tenants, &error))?,
    };
    for entry in entries {
        all.push(entry.map_err(|error| StoreError::file(&tenants, &error))?.path());
    }
    all.sort();
    Ok(all)
}
