//! `release.json`: which schemas the release leaves behind that last used the directory, and which
//! one was there before. What was kept of files (`store::before`) belongs to the step between these
//! two, and to no earlier one.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kernel::id::TenantId;
use crate::kernel::{Runtime, Timestamp};
use crate::store::before::Before;
use crate::store::erasures::Head;
use crate::store::{StoreError, before, files, migrate};

pub(super) const FILE: &str = "release.json";

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
    /// Where the ledger of erasures ended then; none when an older release wrote this.
    #[serde(default)]
    pub ledger: Option<Head>,
    /// An older release used the directory since, when it first did: the step begins anew when this
    /// one is back.
    #[serde(default)]
    pub interrupted: Option<Timestamp>,
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

    /// The schema that it leaves a file with.
    pub fn schema_of(&self, file: &Path) -> i64 {
        match file.file_name().and_then(|name| name.to_str()) {
            Some("platform.db") => self.platform,
            Some("tenant.db") => self.tenant,
            _ => self.keys,
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

/// The step that these files were kept for; none when nothing was kept. A start that failed after it
/// had brought the platform's file up to date has not come as far as its record.
pub fn step(data: &Path, files: &mut Vec<Before>) -> Result<Option<Record>, StoreError> {
    let (own, last) = (Release::own(), read(data)?);
    let before = match last {
        Some(noted) if noted.release.schemas() == own.schemas() => {
            return Ok((!files.is_empty()).then_some(noted));
        }
        other => other.map(|noted| noted.release),
    };
    if let Some(before) = &before {
        files.retain(|kept| kept.version >= before.schema_of(&kept.file));
    }
    let since = files.iter().map(|kept| kept.time).min();
    Ok(since.map(|since| Record { release: own, before, since, ledger: None, interrupted: None }))
}

/// Writes down that this release uses the directory now, once the platform's files are up to date
/// and before any tenant's are. What was kept for the way back from an earlier upgrade goes: the way
/// back is to the release before, and to no other.
///
/// # Errors
/// Whatever the disk answers.
pub fn note(data: &Path, runtime: &Runtime, ledger: Head) -> Result<(), StoreError> {
    let own = Release::own();
    let Some(last) = read(data)? else {
        // What is kept is of a start that did not come as far as here.
        return write(data, &first(own, None, runtime, ledger));
    };
    let same = last.release.schemas() == own.schemas();
    match (own.knows_all_of(&last.release), last.interrupted) {
        // An older release that the files still fit touches nothing else: it may go on to the newer.
        (false, Some(_)) => Ok(()),
        (false, None) => write(data, &Record { interrupted: Some(runtime.now()), ..last }),
        (true, Some(_)) if same => write(data, &first(own, last.before, runtime, ledger)),
        (true, None) if last.release == own => Ok(()),
        // Another version with the same files: the way back is still the one that it was.
        (true, None) if same => write(data, &Record { release: own, ..last }),
        (true, _) => {
            forget_earlier(data, &last.release)?;
            write(data, &first(own, Some(last.release), runtime, ledger))
        }
    }
}

fn first(release: Release, before: Option<Release>, runtime: &Runtime, ledger: Head) -> Record {
    Record { release, before, since: runtime.now(), ledger: Some(ledger), interrupted: None }
}

/// Deletes what was kept of files that the release before had changed itself.
fn forget_earlier(data: &Path, last: &Release) -> Result<(), StoreError> {
    for directory in directories(data)? {
        for kept in before::find(&directory)? {
            if kept.version < last.schema_of(&kept.file) {
                before::remove(&kept)?;
            }
        }
    }
    Ok(())
}

/// The data directory and those of the tenants.
///
/// # Errors
/// Whatever the disk answers.
pub fn directories(data: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let tenants = data.join("tenants");
    let mut all = vec![data.to_owned()];
    let entries = match std::fs::read_dir(&tenants) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
        entries => entries.map_err(|error| StoreError::file(&tenants, &error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::file(&tenants, &error))?;
        // What else lies there, such as a file system's lost+found, is nobody's.
        let is_tenant = entry.file_name().to_str().is_some_and(|id| id.parse::<TenantId>().is_ok());
        if is_tenant && entry.path().is_dir() {
            all.push(entry.path());
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, schema: i64) -> Release {
        Release { version: version.into(), platform: schema, tenant: schema, keys: schema }
    }

    fn noted(last: Option<&Record>) -> Record {
        let directory = tempfile::tempdir().unwrap();
        if let Some(last) = last {
            write(directory.path(), last).unwrap();
        }
        note(directory.path(), &Runtime::system(), Head::default()).unwrap();
        read(directory.path()).unwrap().unwrap()
    }

    fn long_ago(release: Release, before: Option<Release>) -> Record {
        let since = Timestamp::from_micros(1);
        Record { release, before, since, ledger: None, interrupted: None }
    }

    #[test]
    fn a_step_begins_with_the_first_use_of_a_release_and_stays_until_the_next() {
        let own = Release::own();
        let older = long_ago(release("0.0.1", 1), None);
        let step = noted(Some(&older));
        assert_eq!((&step.release, step.before.as_ref()), (&own, Some(&older.release)));
        assert!(step.since > older.since && step.ledger == Some(Head::default()));
        assert_eq!(noted(Some(&step)), step);
        let fix =
            Record { release: Release { version: "9".into(), ..own.clone() }, ..step.clone() };
        assert_eq!(noted(Some(&fix)), step, "another version with the same files is no step");
        assert_eq!(noted(None).before, None);
    }

    #[test]
    fn a_release_that_is_back_after_an_older_one_ran_begins_the_step_anew() {
        let newer = long_ago(release("9", i64::MAX), Some(Release::own()));
        let left = noted(Some(&newer));
        assert!(left.interrupted.is_some() && left.release == newer.release, "{left:?}");
        assert_eq!(noted(Some(&left)), left);
        let own = Record {
            interrupted: Some(Timestamp::from_micros(2)),
            ..long_ago(Release::own(), Some(release("0.0.1", 1)))
        };
        let back = noted(Some(&own));
        assert!(back.since > own.since && back.interrupted.is_none(), "{back:?}");
        assert_eq!(back.before, own.before);
    }

    #[test]
    fn what_is_kept_of_this_step_stays_and_what_is_of_earlier_ones_goes() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let copies = data.join(before::DIRECTORY);
        std::fs::create_dir(&copies).unwrap();
        std::fs::create_dir_all(data.join("tenants/lost+found")).unwrap();
        let last = Release { platform: 5, ..release("0.0.1", 1) };
        write(data, &long_ago(last, None)).unwrap();
        for name in ["platform.db.v5", "platform.db.v4", "platform.db.v3.gone"] {
            std::fs::write(copies.join(name), "").unwrap();
        }
        note(data, &Runtime::system(), Head::default()).unwrap();
        let left: Vec<_> = before::find(data).unwrap().iter().map(|kept| kept.version).collect();
        assert_eq!(left, [5]);
    }
}
