//! The renames that put a restored tenant's files in the place of the old ones. They are written
//! down before the first one, so that whatever kills the process in between, the next start
//! completes them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

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
    /// Made before the first rename: what is there tells that they were begun.
    pub directories: Vec<PathBuf>,
    /// All of them are done, and it is written down that they are, before the first one inward:
    /// until then a file that is not at `from` any more was moved.
    pub out: Vec<Move>,
    /// The same.
    pub inward: Vec<Move>,
    /// Removed at the end.
    pub leftovers: Vec<PathBuf>,
}

impl Journal {
    /// Writes it down, then does what it says.
    pub fn carry_out(self, data: &Path) -> Result<(), StoreError> {
        self.write(data)?;
        self.complete(data)
    }

    /// Writes it down alone: who opens the directory next does what it says.
    pub fn write_down(&self, data: &Path) -> Result<(), StoreError> {
        files::private_directory(&work(data, self.work))?;
        self.write(data)
    }

    fn write(&self, data: &Path) -> Result<(), StoreError> {
        let work = work(data, self.work);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        files::replace(&work.join(JOURNAL), &text)
    }

    fn complete(self, data: &Path) -> Result<(), StoreError> {
        self.proceed(data, usize::MAX).map(|_| ())
    }

    /// Whether everything that it names is in the data directory. Whoever opens the directory does
    /// what it says, and that may be somebody who may do more than who wrote it.
    fn stays_inside(&self) -> bool {
        let moves = self.out.iter().chain(&self.inward).flat_map(|step| [&step.from, &step.to]);
        let mut paths = moves.chain(&self.directories).chain(&self.leftovers);
        paths.all(|path| {
            path.components().next().is_some()
                && path.components().all(|part| matches!(part, Component::Normal(_)))
        })
    }

    /// The first so many steps of what is still to be done; whether that was all.
    fn proceed(mut self, data: &Path, most: usize) -> Result<bool, StoreError> {
        let mut left = most;
        let mut may = || {
            left = left.saturating_sub(1);
            most == usize::MAX || left > 0
        };
        for directory in &self.directories {
            files::private_directory(&data.join(directory))?;
        }
        if !rename(data, &self.out, &mut may)? || !may() {
            return Ok(false);
        }
        // What is in place from here on is new: it must never be taken for what has to go.
        self.done(data, |journal| journal.out.clear())?;
        if !rename(data, &self.inward, &mut may)? || !may() {
            return Ok(false);
        }
        // And what is removed from here on must not be looked for again.
        self.done(data, |journal| journal.inward.clear())?;
        for path in &self.leftovers {
            if !may() {
                return Ok(false);
            }
            remove(&data.join(path))?;
        }
        let is_all = may();
        if is_all {
            remove(&work(data, self.work))?;
        }
        Ok(is_all)
    }

    fn done(&mut self, data: &Path, strike: impl FnOnce(&mut Self)) -> Result<(), StoreError> {
        strike(self);
        self.write(data)
    }
}

/// The renames that are still to be done, durable when all are.
fn rename(data: &Path, moves: &[Move], may: &mut impl FnMut() -> bool) -> Result<bool, StoreError> {
    let mut touched = BTreeSet::new();
    for Move { from, to } in moves {
        let (from, to) = (data.join(from), data.join(to));
        // A disk that fails is not a file that was moved already.
        if is_there(&from)? {
            if !may() {
                return Ok(false);
            }
            if let Some(parent) = to.parent() {
                files::private_directory(parent)?;
            }
            std::fs::rename(&from, &to).map_err(|error| StoreError::file(&from, &error))?;
        } else if !is_there(&to)? {
            return Err(StoreError::file(&from, &std::io::ErrorKind::NotFound.into()));
        }
        // Those of a process that was killed may not be durable yet.
        touched.extend([&from, &to].iter().filter_map(|path| path.parent()).map(Path::to_owned));
    }
    for directory in touched.iter().filter(|directory| directory.exists()) {
        files::sync_directory(directory).map_err(|error| StoreError::file(directory, &error))?;
    }
    Ok(true)
}

fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|error| StoreError::file(path, &error))
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
/// Whatever the disk answers; [`StoreError::Corrupt`] for a journal that cannot be read or leads out
/// of the directory.
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
        let corrupt = || StoreError::Corrupt(journal.display().to_string().into());
        let journal: Journal = serde_json::from_slice(&text).map_err(|_| corrupt())?;
        if !journal.stays_inside() || path != work(data, journal.work) {
            return Err(corrupt());
        }
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

    const ID: RestoreId = RestoreId::from_bytes([1; 16]);

    fn fill(data: &Path, files: &[(&str, &str)]) {
        for (path, content) in files {
            files::private_directory(data.join(path).parent().unwrap()).unwrap();
            std::fs::write(data.join(path), content).unwrap();
        }
    }

    /// Everything below a directory.
    fn all(data: &Path) -> Vec<(String, String)> {
        let (mut waiting, mut found) = (vec![data.to_owned()], Vec::new());
        while let Some(path) = waiting.pop() {
            match path.is_dir() {
                true => {
                    waiting.extend(std::fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
                }
                false => {
                    let name = path.strip_prefix(data).unwrap().display().to_string();
                    found.push((name, std::fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    /// Stops a swap after each of its steps; what comes of it each time has to be the same.
    fn at_every_step(
        files: &[(&str, &str)],
        journal: impl Fn() -> Journal,
        expected: &[(&str, &str)],
    ) {
        let mut ended = false;
        for steps in 1..100 {
            let directory = tempfile::tempdir().unwrap();
            let data = directory.path();
            fill(data, files);
            let journal = journal();
            journal.write(data).unwrap();
            ended = journal.proceed(data, steps).unwrap();
            resume(data).unwrap();
            resume(data).unwrap();
            let found = all(data);
            let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(found, expected, "killed after {steps} steps");
            if ended {
                break;
            }
        }
        assert!(ended);
    }

    #[test]
    fn a_swap_that_is_killed_at_any_step_is_completed_at_the_next_start() {
        let work = format!("restoring/{ID}");
        let (new, log, old) = (format!("{work}/a"), format!("{work}/log"), format!("{work}/old"));
        let files = [
            ("t/a", "old"),
            ("t/index", "derived"),
            ("t/keys", "keys"),
            ("t/wal", "old wal"),
            (new.as_str(), "new"),
            (log.as_str(), "log"),
        ];
        let journal = || Journal {
            work: ID,
            tenant: TenantId::from_bytes([2; 16]),
            directories: vec!["kept".into()],
            out: vec![
                step("t/a", "kept/a"),
                step("t/wal", "kept/wal"),
                step("t/index", &format!("{old}/index")),
            ],
            inward: vec![step(&new, "t/a"), step(&log, "t/logs/log")],
            leftovers: Vec::new(),
        };
        let expected = [
            ("kept/a", "old"),
            ("kept/wal", "old wal"),
            ("t/a", "new"),
            ("t/keys", "keys"),
            ("t/logs/log", "log"),
        ];
        at_every_step(&files, journal, &expected);
    }

    #[test]
    fn an_undo_that_is_killed_at_any_step_never_takes_what_it_put_back_for_what_has_to_go() {
        let new = format!("restoring/{ID}/a");
        let files = [("kept/before/a", "before"), ("t/a", "broken"), (new.as_str(), "before")];
        let journal = || Journal {
            work: ID,
            tenant: TenantId::from_bytes([2; 16]),
            directories: Vec::new(),
            out: vec![step("t/a", "kept/undone/a")],
            inward: vec![step(&new, "t/a"), step("kept/undone/a", "t/logs/broken")],
            leftovers: vec!["kept".into()],
        };
        at_every_step(&files, journal, &[("t/a", "before"), ("t/logs/broken", "broken")]);
    }

    #[test]
    fn a_journal_that_leads_out_of_the_data_directory_is_refused_and_moves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let outside = directory.path().join("outside");
        let absolute = outside.display().to_string();
        fill(&data, &[("a", "of the service")]);
        fill(directory.path(), &[("outside", "of root")]);
        let good = || Journal {
            work: ID,
            tenant: TenantId::from_bytes([2; 16]),
            directories: Vec::new(),
            out: Vec::new(),
            inward: Vec::new(),
            leftovers: Vec::new(),
        };
        for bad in ["../outside", &absolute, "t/../../outside", "./a", ""] {
            let journals = [
                Journal { out: vec![step("a", bad)], ..good() },
                Journal { out: vec![step(bad, "b")], ..good() },
                Journal { inward: vec![step("a", bad)], ..good() },
                Journal { directories: vec![bad.into()], ..good() },
                Journal { leftovers: vec![bad.into()], ..good() },
            ];
            for journal in journals {
                journal.write_down(&data).unwrap();
                let refused = resume(&data).unwrap_err();
                assert!(matches!(refused, StoreError::Corrupt(_)), "{bad}: {refused}");
                assert_eq!(std::fs::read_to_string(&outside).unwrap(), "of root", "{bad}");
                assert_eq!(std::fs::read_to_string(data.join("a")).unwrap(), "of the service");
            }
        }
        // Nor does one speak for another's directory.
        good().write_down(&data).unwrap();
        let other = work(&data, RestoreId::from_bytes([3; 16]));
        std::fs::rename(work(&data, ID), &other).unwrap();
        assert!(matches!(resume(&data), Err(StoreError::Corrupt(_))));
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
