//! The files beside a data file as a `tar` stream.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::BackupError;
use crate::store::files;

/// What belongs to a data file and lies beside it: files that were stored, logs from before earlier
/// restores.
pub const BESIDE: [&str; 2] = ["blobs", "logs"];

/// Whether there is anything of it in a realm's directory.
pub fn is_anything_beside(directory: &Path) -> std::io::Result<bool> {
    let filled: Result<Vec<_>, _> =
        BESIDE.iter().map(|name| is_filled(&directory.join(name))).collect();
    Ok(filled?.contains(&true))
}

/// Whether there is anything in a directory; it need not be there.
fn is_filled(directory: &Path) -> std::io::Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes what lies beside a realm's data file, in the order of names. A file that disappears
/// meanwhile is left out; nothing but files and directories is looked at.
///
/// # Errors
/// [`BackupError::Changed`] when a file became shorter while it was read.
pub fn pack(
    directory: &Path,
    out: &mut dyn Write,
    go_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<(), BackupError> {
    let mut tar = tar::Builder::new(out);
    let mut waiting: Vec<_> = BESIDE.iter().rev().map(PathBuf::from).collect();
    while let Some(below) = waiting.pop() {
        if !go_on() {
            return Err(BackupError::Stopped);
        }
        let path = directory.join(&below);
        let about = match fs::symlink_metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if about.is_dir() {
            let names: Result<Vec<_>, _> =
                fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.file_name())).collect();
            let mut names = names?;
            names.sort_unstable_by(|a, b| b.cmp(a));
            waiting.extend(names.into_iter().map(|name| below.join(name)));
        } else if about.is_file() {
            add(&mut tar, &path, &below)?;
        }
    }
    tar.finish()?;
    Ok(())
}

/// Puts into a realm's directory what was packed; durable when it returns.
///
/// # Errors
/// When it holds anything else, or cannot be written.
pub fn unpack(packed: impl Read, directory: &Path) -> std::io::Result<()> {
    let mut changed = BTreeSet::from([directory.to_owned()]);
    for entry in tar::Archive::new(packed).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let belongs = BESIDE.iter().any(|name| path.starts_with(name));
        if !belongs || !entry.header().entry_type().is_file() || !entry.unpack_in(directory)? {
            let what = format!("{} does not belong here", path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
        }
        File::open(directory.join(&path))?.sync_all()?;
        // With the empty name at the end, which is the directory itself.
        changed.extend(path.ancestors().skip(1).map(|above| directory.join(above)));
    }
    changed.iter().try_for_each(|changed| files::sync_directory(changed))
}

fn add(
    tar: &mut tar::Builder<&mut dyn Write>,
    path: &Path,
    name: &Path,
) -> Result<(), BackupError> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    let mut header = tar::Header::new_gnu();
    header.set_size(about.len());
    header.set_mode(0o600);
    header.set_cksum();
    let mut whole = Whole { file: file.take(about.len()), left: about.len() };
    tar.append_data(&mut header, name, &mut whole)?;
    match whole.left {
        0 => Ok(()),
        _ => Err(BackupError::Changed { file: path.display().to_string() }),
    }
}

/// Counts what was read, so that a file that became shorter is noticed.
struct Whole {
    file: std::io::Take<File>,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(out)?;
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_data_file_comes_back_and_nothing_else_does() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(!is_anything_beside(from.path()).unwrap());
        for (path, content) in
            [("blobs/ab/cdef", "a file"), ("logs/1.db", "a log"), ("keys.db", "")]
        {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        assert!(is_anything_beside(from.path()).unwrap());
        let mut packed = Vec::new();
        pack(from.path(), &mut packed, &|| true).unwrap();
        unpack(packed.as_slice(), to.path()).unwrap();
        let read = |path: &str| fs::read_to_string(to.path().join(path)).unwrap();
        assert_eq!((read("blobs/ab/cdef"), read("logs/1.db")), ("a file".into(), "a log".into()));
        assert!(!to.path().join("keys.db").exists());
        let mut foreign = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        foreign.append_data(&mut header, "keys.db", [].as_slice()).unwrap();
        assert!(unpack(foreign.into_inner().unwrap().as_slice(), to.path()).is_err());
    }
}
