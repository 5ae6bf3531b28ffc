//! Directories and small files that survive power loss.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::StoreError;

/// Makes a directory (and its parents) that only its owner can enter; its name is durable.
pub fn private_directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| sync_parent(path))
        .map_err(|error| StoreError::file(path, &error))
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    match sync_directory(parent) {
        // A directory that a service is given may lie in one that it cannot read.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// Replaces a file in one step: written beside, synced, renamed, directory synced; mode 0600. What
/// lies beside under that name is left over; were it a link, what it leads to is not written to.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let beside = path.with_extension("new");
    remove_if_there(&beside)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), sync_directory)
    };
    write().map_err(|error| StoreError::file(path, &error))
}

/// Removes a directory with everything in it, if it is there; durable when it returns.
pub fn remove_directory(path: &Path) -> Result<(), StoreError> {
    let gone = match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    gone.and_then(|()| sync_parent(path)).map_err(|error| StoreError::file(path, &error))
}

/// Removes a file that need not be there.
pub fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::file(path, &error))
        }
        _ => Ok(()),
    }
}

/// Makes a file durable, and that it is there.
pub fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| {
        file.sync_all()?;
        path.parent().map_or(Ok(()), sync_directory)
    });
    synced.map_err(|error| StoreError::file(path, &error))
}

/// Makes the names in a directory durable.
pub fn sync_directory(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_somebody_laid_beside_leads_nowhere_and_what_was_left_over_is_no_hindrance() {
        let directory = tempfile::tempdir().unwrap();
        let [path, beside, other] =
            ["release.json", "release.new", "other"].map(|name| directory.path().join(name));
        fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, &beside).unwrap();
        replace(&path, b"one").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "of somebody else");
        fs::write(&beside, "left over").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert!(!fs::symlink_metadata(&path).unwrap().is_symlink() && !beside.exists());
    }
}
