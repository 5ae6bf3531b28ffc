//! A directory of files as a `tar` stream.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::BackupError;

/// Whether there is anything in a directory; it need not be there.
pub fn is_filled(directory: &Path) -> std::io::Result<bool> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes every file below a directory, in the order of their names. One that disappears meanwhile
/// is left out; nothing but files and directories is looked at.
///
/// # Errors
/// [`BackupError::Changed`] when a file became shorter while it was read.
pub fn pack(
    directory: &Path,
    out: &mut dyn Write,
    go_on: &(dyn Fn() -> bool + Send + Sync),
) -> Result<(), BackupError> {
    let mut tar = tar::Builder::new(out);
    let mut waiting = vec![PathBuf::new()];
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
