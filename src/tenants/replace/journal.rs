//! The renames that put a restored tenant's files in the place of the old ones. They are written
//! down before the first one, so that whatever kills the process in between, the next start
//! completes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kernel::id::{RestoreId, TenantId};
use crate::store::{StoreError, files};

/// What is under way, in the data directory.
pub(super) const WORK: &str = "restoring";
/// States before a restore, until it is confirmed.
pub(super) const KEPT: &str = "restored";
const JOURNAL: &str = "swap.json";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// Relative to the data directory.
    pub from: PathBuf,
    pub to: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    pub work: RestoreId,
    pub tenant: TenantId,
    /// Each is done once its `to` is there.
    pub out: Vec<Move>,
    /// Each is done once its `from` is gone.
    pub inward: Vec<Move>,
    /// Removed at the end.
    pub leftovers: Vec<PathBuf>,
}

impl Journal {
    /// Writes it down, then does what it says.
    pub fn carry_out(&self, data: &Path) -> Result<(), StoreError> {
        self.write(data)?;
        self.complete(data)
    }

    fn write(&self, data: &Path) -> Result<(), StoreError> {
        let work = work(data, self.work);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::replace(&work.join(JOURNAL), &text)
    }

    fn complete(&self, data: &Path) -> Result<(), StoreError> {
        self.rename(data, usize::MAX)?;
        for path in &self.leftovers {
            remove(&data.join(path))?;
        }
        remove(&work(data, self.work))
    }

    /// The first so many renames that are still to be done.
    fn rename(&self, data: &Path, most: usize) -> Result<(), StoreError> {
        let mut left = most;
        for (moves, is_out) in [(&self.out, true), (&self.inward, false)] {
            let mut touched = BTreeSet::new();
            for Move { from, to } in moves {
                let (from, to) = (data.join(from), data.join(to));
                let done = if is_out { to.exists() } else { !from.exists() };
                if done || left == 0 {
                    continue;
                }
                left -= 1;
                if let Some(parent) = to.parent() {
                    files::private_directory(parent)?;
                }
                std::fs::rename(&from, &to).map_err(|error| StoreError::file(&from, &error))?;
                touched.extend(
                    [&from, &to].iter().filter_map(|path| path.parent()).map(Path::to_owned),
                );
            }
            // What goes out must be out for good before something takes its place.
            for directory in touched {
                files::sync_directory(&directory)
                    .map_err(|error| StoreError::file(&directory, &error))?;
            }
        }
        Ok(())
    }
}

pub(super) fn work(data: &Path, id: RestoreId) -> PathBuf {
    data.join(WORK).join(id.to_string())
}

/// Whether its renames are written down and not all done.
pub(super) fn stands(data: &Path, id: RestoreId) -> bool {
    work(data, id).join(JOURNAL).exists()
}

/// Where the state before a restore is kept, relative to the data directory.
pub(super) fn kept(id: RestoreId) -> PathBuf {
    Path::new(KEPT).join(id.to_string())
}

pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::file(path, &error)),
        Ok(()) => path.parent().map_or(Ok(()), |parent| {
            files::sync_directory(parent).map_err(|error| StoreError::file(parent, &error))
        }),
    }
}

/// Completes what a process did not live to end, and removes what it only prepared. Called before
/// anything else opens a file in the directory.
///
/// # Errors
/// Whatever the disk answers; [`StoreError::Corrupt`] for a journal that cannot be read.
pub fn resume(data: &Path) -> Result<(), StoreError> {
    let directory = data.join(WORK);
    let entries = match std::fs::read_dir(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| StoreError::file(&directory, &error))?,
    };
    for entry in entries {
        let path = entry.map_err(|error| StoreError::file(&directory, &error))?.path();
        let journal = path.join(JOURNAL);
        if !journal.exists() {
            remove(&path)?;
            continue;
        }
        let text = std::fs::read(&journal).map_err(|error| StoreError::file(&journal, &error))?;
        let journal: Journal = serde_json::from_slice(&text)
            .map_err(|_| StoreError::Corrupt(journal.display().to_string().into()))?;
        tracing::warn!(tenant = %journal.tenant, "a restore was interrupted; it is completed");
        journal.complete(data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, to: &str) -> Move {
        Move { from: from.into(), to: to.into() }
    }

    #[test]
    fn a_swap_that_is_killed_at_any_step_is_completed_at_the_next_start() {
        for killed_after in 0..=5 {
            let directory = tempfile::tempdir().unwrap();
            let data = directory.path();
            let id = RestoreId::from_bytes([1; 16]);
            let journal = Journal {
                work: id,
                tenant: TenantId::from_bytes([2; 16]),
                out: vec![step("t/a", "kept/a"), step("t/wal", "kept/wal")],
                inward: vec![
                    step(&format!("restoring/{id}/a"), "t/a"),
                    step(&format!("restoring/{id}/log"), "t/logs/log"),
                ],
                leftovers: Vec::new(),
            };
            for (path, content) in [("t/a", "old"), ("t/wal", "old wal"), ("t/keys", "keys")] {
                files::private_directory(&data.join("t")).unwrap();
                std::fs::write(data.join(path), content).unwrap();
            }
            files::private_directory(&work(data, id)).unwrap();
            std::fs::write(work(data, id).join("a"), "new").unwrap();
            std::fs::write(work(data, id).join("log"), "log").unwrap();
            journal.write(data).unwrap();
            journal.rename(data, killed_after).unwrap();
            resume(data).unwrap();
            resume(data).unwrap();
            let read = |path: &str| std::fs::read_to_string(data.join(path)).unwrap();
            assert_eq!(
                ["t/a", "t/keys", "t/logs/log", "kept/a", "kept/wal"].map(read),
                ["new", "keys", "log", "old", "old wal"],
                "{killed_after}"
            );
            assert!(!data.join("t/wal").exists() && !work(data, id).exists());
        }
    }

    #[test]
    fn what_was_only_prepared_is_removed_and_nothing_else_changes() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path();
        let prepared = work(data, RestoreId::from_bytes([1; 16]));
        files::private_directory(&prepared).unwrap();
        std::fs::write(prepared.join("tenant.db"), "half").unwrap();
        std::fs::write(data.join("tenant.db"), "live").unwrap();
        resume(data).unwrap();
        assert!(!prepared.exists());
        assert_eq!(std::fs::read_to_string(data.join("tenant.db")).unwrap(), "live");
    }
}
