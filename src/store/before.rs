//! A data file or key store as it was before a newer release brought its schema up to date: a copy
//! of its encrypted pages in `before-upgrade/` beside it, for `strongroom rollback`.
//!
//! The copy is made when the file is about to be migrated, so that an installation with many
//! tenants neither waits at its start nor needs twice its disk at once. Nobody else has the file
//! open then: the directory's lock keeps other processes away, and this process opens it just now.
//! Where the file system shares blocks between files, the copy takes no space.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::{StoreError, files};
use crate::kernel::{Timestamp, limits};

/// Beside the file that is kept.
pub const DIRECTORY: &str = "before-upgrade";
/// In the data directory: what was in use until a rollback, by the rollback's id and as it lay.
pub const ROLLED_BACK: &str = "rolled-back";
/// In place of a copy that was deleted: its file cannot go back, and must not pass for one that was
/// never brought up to date.
const GONE: &str = "gone";
const MEBIBYTE: u64 = 1024 * 1024;

/// A file as it was, or the mark of one that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The file in use.
    pub file: PathBuf,
    /// The copy; what was not yet written back into it lies beside it, as SQLite wants it.
    pub copy: PathBuf,
    /// The schema that it has.
    pub version: i64,
    /// When it was made, or deleted.
    pub time: Timestamp,
    /// It was deleted.
    pub is_gone: bool,
}

/// Keeps a file as it is, durably, in place of what was kept of it earlier.
///
/// # Errors
/// [`StoreError::NoRoom`]; or whatever the disk answers.
pub(super) fn keep(path: &Path, version: i64) -> Result<(), StoreError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    // The key store follows its data: not one without the other.
    let keys = parent.join("keys.db");
    has_room_for(path, if path == keys { 0 } else { bytes(&keys) }, parent)?;
    let directory = parent.join(DIRECTORY);
    files::private_directory(&directory)?;
    for earlier in names_of(path)? {
        files::remove_if_there(&earlier)?;
    }
    let copy = directory.join(format!("{}.v{version}", name.display()));
    copy_as_it_lies(path, &copy)?;
    files::sync_directory(&directory).map_err(|error| StoreError::file(&directory, &error))
}

/// Copies a file that nobody writes to, with what was not yet written back into it; the latter
/// first, so that a copy of the file alone is never taken for the whole.
///
/// # Errors
/// Whatever the disk answers.
pub fn copy_as_it_lies(from: &Path, to: &Path) -> Result<(), StoreError> {
    for end in ["-shm", "-wal", ""] {
        let (from, to) = (with(from, end), with(to, end));
        files::remove_if_there(&to)?;
        if end == "-shm" || (end == "-wal" && !from.exists()) {
            continue;
        }
        let unfinished = with(&to, ".new");
        let copied = || {
            fs::copy(&from, &unfinished)?;
            File::open(&unfinished)?.sync_all()?;
            fs::rename(&unfinished, &to)
        };
        if let Err(error) = copied() {
            // The disk is full, as a rule; and what was copied may be keys.
            let _ = fs::remove_file(&unfinished);
            return Err(StoreError::file(&to, &error));
        }
    }
    Ok(())
}

/// Bytes of a file and of what was not yet written back into it.
pub fn bytes(path: &Path) -> u64 {
    let length = |end| fs::metadata(with(path, end)).map_or(0, |about| about.len());
    length("") + length("-wal")
}

/// Whether a copy of the file has room on the disk of a directory, and leaves some.
///
/// # Errors
/// [`StoreError::NoRoom`]
pub fn has_room(path: &Path, directory: &Path) -> Result<(), StoreError> {
    has_room_for(path, 0, directory)
}

fn has_room_for(path: &Path, more: u64, directory: &Path) -> Result<(), StoreError> {
    // A file system that does not tell is found out when it is full.
    let Ok(about) = rustix::fs::statvfs(directory) else { return Ok(()) };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let needed = bytes(path).saturating_add(more).saturating_add(limits::UPGRADE_RESERVE_BYTES);
    if needed <= free {
        return Ok(());
    }
    let file = path.display().to_string().into();
    Err(StoreError::NoRoom { file, needed: needed / MEBIBYTE + 1, free: free / MEBIBYTE })
}

/// What is kept of the files in a directory, by name.
///
/// # Errors
/// Whatever the disk answers.
pub fn find(parent: &Path) -> Result<Vec<Before>, StoreError> {
    let mut found = Vec::new();
    for copy in all(parent)? {
        let name = copy.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some((file, version, is_gone)) = name.as_deref().and_then(parse) else { continue };
        let time = modified(&copy)?;
        found.push(Before { file: parent.join(file), copy, version, time, is_gone });
    }
    found.sort_by(|a, b| a.copy.cmp(&b.copy));
    Ok(found)
}

/// Everything in the directory beside a file.
fn all(parent: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let directory = parent.join(DIRECTORY);
    let failed = |error| StoreError::file(&directory, &error);
    let entries = match fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
}

/// What is kept of one file, with marks and with what a copy that was killed left.
fn names_of(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let begin = format!("{}.v", name.display());
    let is_of = |copy: &PathBuf| {
        copy.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begin))
    };
    Ok(all(parent)?.into_iter().filter(is_of).collect())
}

/// Deletes what copies that were killed left before a time, and no way back has a use for; how many
/// files that was.
///
/// # Errors
/// Whatever the disk answers.
pub fn forget_leftovers(parent: &Path, until: Timestamp) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for path in all(parent)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let copy = ["-wal", "-shm"].iter().find_map(|end| name.strip_suffix(end));
        let is_left = match copy {
            Some(copy) => parse(copy).is_some() && !path.with_file_name(copy).exists(),
            None => name.ends_with(".new"),
        };
        if is_left && modified(&path)? < until {
            files::remove_if_there(&path)?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// `platform.db.v28`, `keys.db.v1.gone`.
fn parse(name: &str) -> Option<(&str, i64, bool)> {
    let (whole, is_gone) = match name.strip_suffix(GONE).and_then(|rest| rest.strip_suffix('.')) {
        Some(rest) => (rest, true),
        None => (name, false),
    };
    let (file, version) = whole.rsplit_once(".v")?;
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    Some((file, version.parse().ok().filter(|_| digits && !file.is_empty())?, is_gone))
}

/// Deletes what is kept of a file and leaves a mark. A key store does so before a key of it is
/// destroyed, and a data file does when a person is erased: that is not to lie in a copy.
///
/// # Errors
/// Whatever the disk answers.
pub fn forget(path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let kept = find(parent)?.into_iter().filter(|before| before.file == path && !before.is_gone);
    kept.into_iter().try_for_each(|before| discard(&before))?;
    // Of a copy that was not finished its file was not brought up to date: it needs no mark.
    let is_mark = |path: &PathBuf| path.extension().is_some_and(|end| end == GONE);
    let left: Vec<_> = names_of(path)?.into_iter().filter(|path| !is_mark(path)).collect();
    for path in &left {
        files::remove_if_there(path)?;
    }
    if !left.is_empty() {
        let directory = parent.join(DIRECTORY);
        files::sync_directory(&directory).map_err(|error| StoreError::file(&directory, &error))?;
    }
    forget_rolled_back(path)
}

/// A key store that a rollback took out of use may have the keys too. A realm's files lie in the
/// data directory or two below it.
fn forget_rolled_back(path: &Path) -> Result<(), StoreError> {
    for data in path.ancestors().skip(1).take(3) {
        let directory = data.join(ROLLED_BACK);
        let Ok(inside) = path.strip_prefix(data) else { continue };
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let kept = entry.map_err(|error| StoreError::file(&directory, &error))?.path();
            let store = kept.join(inside);
            if store.exists() {
                for end in ["", "-wal", "-shm"] {
                    files::remove_if_there(&with(&store, end))?;
                }
                let parent = store.parent().unwrap_or(&kept);
                files::sync_directory(parent).map_err(|error| StoreError::file(parent, &error))?;
            }
        }
    }
    Ok(())
}

/// Deletes what rollbacks took out of use before a time; how many there were.
///
/// # Errors
/// Whatever the disk answers.
pub fn forget_old_rollbacks(data: &Path, until: Timestamp) -> Result<u64, StoreError> {
    let directory = data.join(ROLLED_BACK);
    let Ok(entries) = fs::read_dir(&directory) else { return Ok(0) };
    let mut forgotten = 0;
    for entry in entries {
        let path = entry.map_err(|error| StoreError::file(&directory, &error))?.path();
        if modified(&path)? < until {
            files::remove_directory(&path)?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

fn modified(path: &Path) -> Result<Timestamp, StoreError> {
    let about = fs::metadata(path).map_err(|error| StoreError::file(path, &error))?;
    let modified = about.modified().unwrap_or(UNIX_EPOCH);
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Ok(Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(0)))
}

/// Deletes a copy and leaves a mark.
///
/// # Errors
/// Whatever the disk answers.
pub fn discard(before: &Before) -> Result<(), StoreError> {
    files::replace(&with(&before.copy, &format!(".{GONE}")), b"")?;
    remove(before)
}

/// Deletes a copy or mark; durable when it returns.
///
/// # Errors
/// Whatever the disk answers.
pub fn remove(before: &Before) -> Result<(), StoreError> {
    for end in ["", "-wal", "-shm"] {
        files::remove_if_there(&with(&before.copy, end))?;
    }
    let directory = before.copy.parent().unwrap_or(Path::new("."));
    files::sync_directory(directory).map_err(|error| StoreError::file(directory, &error))
}

/// The file of that name with this behind it.
pub fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Key32;
    use crate::kernel::random::SystemRandom;
    use crate::store::engine::{self, Mode};
    use crate::store::migrate;

    const OLD: migrate::Migrations = &["CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);"];
    const NEW: migrate::Migrations = &[
        "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);",
        "CREATE TABLE b (y INTEGER);",
        "INSERT INTO b SELECT x FROM a;",
    ];
    const BROKEN: migrate::Migrations = &[
        "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);",
        "CREATE TABLE b (y INTEGER);",
        "INSERT INTO nowhere VALUES (1);",
    ];

    fn version(path: &Path, key: &Key32) -> i64 {
        let connection = engine::open(path, key, Mode::Read).unwrap();
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    fn made() -> (tempfile::TempDir, PathBuf, Key32) {
        let directory = tempfile::tempdir().unwrap();
        let (path, key) = (directory.path().join("a.db"), Key32::generate(&SystemRandom));
        let mut connection = engine::open(&path, &key, Mode::Create).unwrap();
        migrate::upgrade(&mut connection, &path, OLD, Mode::Create).unwrap();
        (directory, path, key)
    }

    #[test]
    fn a_file_is_kept_as_it_was_before_its_first_migration_and_only_then() {
        let (directory, path, key) = made();
        assert_eq!(find(directory.path()).unwrap(), [], "a new file has no state before it");
        for _ in 0..2 {
            let mut connection = engine::open(&path, &key, Mode::Write).unwrap();
            migrate::upgrade(&mut connection, &path, NEW, Mode::Write).unwrap();
        }
        let kept = find(directory.path()).unwrap();
        assert_eq!((kept.len(), &kept[0].file, kept[0].version), (1, &path, 1), "{kept:?}");
        // What was only in the write-ahead log is in the copy as well.
        let copy = engine::open(&kept[0].copy, &key, Mode::Read).unwrap();
        let rows = copy.query_row("SELECT count(*) FROM a", [], |row| row.get::<_, i64>(0));
        assert_eq!(rows.unwrap(), 1);
        assert!(copy.query_row("SELECT count(*) FROM b", [], |_| Ok(())).is_err());
        assert_eq!((version(&kept[0].copy, &key), version(&path, &key)), (1, 3));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_to_the_older_release() {
        let (_directory, path, key) = made();
        let mut connection = engine::open(&path, &key, Mode::Write).unwrap();
        assert!(migrate::upgrade(&mut connection, &path, BROKEN, Mode::Write).is_err());
        drop(connection);
        assert_eq!(version(&path, &key), 1);
        let mut connection = engine::open(&path, &key, Mode::Write).unwrap();
        migrate::upgrade(&mut connection, &path, OLD, Mode::Write).unwrap();
    }

    #[test]
    fn an_older_release_refuses_the_file_of_a_newer_one_and_says_what_helps() {
        let (_directory, path, key) = made();
        let mut connection = engine::open(&path, &key, Mode::Write).unwrap();
        migrate::upgrade(&mut connection, &path, NEW, Mode::Write).unwrap();
        let refused = migrate::upgrade(&mut connection, &path, OLD, Mode::Write).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("schema 3, this release knows 1"), "{said}");
        assert!(said.contains("strongroom rollback"), "{said}");
    }

    #[test]
    fn what_is_deleted_leaves_a_mark_until_the_file_is_kept_again() {
        let (directory, path, _) = made();
        keep(&path, 1).unwrap();
        forget(&path).unwrap();
        let marks = find(directory.path()).unwrap();
        assert_eq!((marks.len(), marks[0].is_gone), (1, true), "{marks:?}");
        assert!(!directory.path().join(DIRECTORY).join("a.db.v1").exists());
        keep(&path, 2).unwrap();
        let kept = find(directory.path()).unwrap();
        assert_eq!((kept.len(), kept[0].is_gone, kept[0].version), (1, false, 2), "{kept:?}");
    }

    #[test]
    fn what_a_copy_that_was_killed_left_goes_with_the_first_key_and_is_no_way_back() {
        let (directory, path, _) = made();
        let at = |name: &str| directory.path().join(DIRECTORY).join(name);
        keep(&path, 1).unwrap();
        discard(&find(directory.path()).unwrap()[0]).unwrap();
        let left = ["a.db.v1-wal", "a.db.v1.new", "a.db.v1-wal.new", "a.db.v2-shm"];
        for name in left.iter().chain(&["other.db.v1-wal"]) {
            fs::write(at(name), "keys").unwrap();
        }
        let kept = find(directory.path()).unwrap();
        assert!(kept.len() == 1 && kept[0].is_gone, "{kept:?}");
        forget(&path).unwrap();
        for name in left {
            assert!(!at(name).exists(), "{name}");
        }
        assert!(at("other.db.v1-wal").exists() && at("a.db.v1.gone").exists());
        // Without a key that is destroyed they go with time, and a copy that is whole does not.
        fs::write(at("other.db.v2"), "whole").unwrap();
        fs::write(at("other.db.v2-wal"), "whole").unwrap();
        let now = modified(&at("other.db.v2-wal")).unwrap();
        let later = now.plus(Duration::from_secs(1));
        let forgotten = |until| forget_leftovers(directory.path(), until).unwrap();
        assert_eq!((forgotten(now.minus(Duration::from_secs(3600))), forgotten(later)), (0, 1));
        assert!(at("other.db.v2-wal").exists() && !at("other.db.v1-wal").exists());
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing_of_what_was_copied() {
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("a.db");
        // Opens like a file, and fails when it is read.
        assert!(copy_as_it_lies(Path::new("/proc/self/mem"), &copy).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_destroyed_key_stays_in_no_store_that_a_rollback_took_out_of_use() {
        let (directory, path, _) = made();
        let inside = |place: &str| directory.path().join(place);
        let store = inside("tenants/t1/keys.db");
        let (kept, other) = (
            inside("rolled-back/r1/tenants/t1/keys.db"),
            inside("rolled-back/r1/tenants/t2/keys.db"),
        );
        for file in [&store, &kept, &other] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::copy(&path, file).unwrap();
        }
        forget(&store).unwrap();
        assert!(store.exists() && !kept.exists() && other.exists());
        let now = modified(&inside("rolled-back/r1")).unwrap();
        assert_eq!(forget_old_rollbacks(directory.path(), now).unwrap(), 0);
        let later = now.plus(Duration::from_secs(1));
        assert_eq!(forget_old_rollbacks(directory.path(), later).unwrap(), 1);
        assert!(!inside("rolled-back/r1").exists());
    }

    #[test]
    fn only_names_of_copies_are_read_as_such() {
        assert_eq!(parse("platform.db.v28"), Some(("platform.db", 28, false)));
        assert_eq!(parse("keys.db.v1.gone"), Some(("keys.db", 1, true)));
        for other in ["a.db.v1-wal", "a.db.v1.new", "a.db.v", "a.db.v-1", ".v1", "a.db", "gone"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
