//! One process a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::StoreError;

/// Held for as long as the process works on the directory; the kernel frees it at any death.
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// # Errors
    /// [`StoreError::Locked`], naming the process that holds it.
    pub fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("strongroom.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| StoreError::file(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {
                let write = file
                    .set_len(0)
                    .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
                write.map_err(|error| StoreError::file(&path, &error))?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                Err(StoreError::Locked(
                    format!("{} (process {holder} holds it)", directory.display()).into(),
                ))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::file(&path, &error)),
        }
    }
}
