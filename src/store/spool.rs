//! A large file that is written once, from its beginning to its end, and read the same way:
//! encrypted like every other, in chunks of a mebibyte.
//!
//! Nothing protects it while it is being written: a half one is thrown away. It is whole when
//! [`SpoolWriter::finish`] has returned, and its owner has written that down elsewhere.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{StoreError, files};
use crate::crypto::Key32;

pub const CHUNK: usize = 1024 * 1024;

pub struct SpoolWriter {
    connection: Connection,
    path: PathBuf,
    buffer: Vec<u8>,
    chunks: i64,
    bytes: u64,
    /// Bytes that must stay free on the disk.
    reserve: u64,
}

impl SpoolWriter {
    /// Makes the file; one that is there is refused.
    ///
    /// # Errors
    /// [`StoreError::Full`] when fewer than `reserve` bytes are free.
    pub fn create(path: &Path, key: &Key32, reserve: u64) -> Result<Self, StoreError> {
        if let Some(directory) = path.parent() {
            files::private_directory(directory)?;
        }
        if path.exists() {
            return Err(StoreError::Io(format!("{} is there already", path.display()).into()));
        }
        let connection = engine::open(path, key, Mode::Spool)?;
        let table = "CREATE TABLE chunks (n INTEGER PRIMARY KEY, data BLOB NOT NULL);";
        connection.execute_batch(table)?;
        let (path, buffer) = (path.to_owned(), Vec::with_capacity(CHUNK));
        let spool = Self { connection, path, buffer, chunks: 0, bytes: 0, reserve };
        spool.room()?;
        Ok(spool)
    }

    /// # Errors
    /// [`StoreError::Full`] when the disk is, or when less than the reserve would be left.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let fits = bytes.len().min(CHUNK - self.buffer.len());
            self.buffer.extend_from_slice(&bytes[..fits]);
            bytes = &bytes[fits..];
            if self.buffer.len() == CHUNK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.room()?;
        let sql = "INSERT INTO chunks (n, data) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute((self.chunks, &self.buffer))?;
        self.chunks += 1;
        self.buffer.clear();
        Ok(())
    }

    fn room(&self) -> Result<(), StoreError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        let disk = rustix::fs::statvfs(directory)
            .map_err(|error| StoreError::file(directory, &error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < self.reserve { Err(StoreError::Full) } else { Ok(()) }
    }

    /// Makes it durable; answers with its length in bytes.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        let Self { connection, path, bytes, .. } = self;
        connection.close().map_err(|(_, error)| error)?;
        let durable = || {
            File::open(&path)?.sync_all()?;
            path.parent().map_or(Ok(()), files::sync_directory)
        };
        durable().map_err(|error| StoreError::file(&path, &error))?;
        Ok(bytes)
    }
}

pub struct SpoolReader {
    connection: Connection,
    next: i64,
}

impl SpoolReader {
    pub fn open(path: &Path, key: &Key32) -> Result<Self, StoreError> {
        Ok(Self { connection: engine::open(path, key, Mode::Read)?, next: 0 })
    }

    /// The next chunk; none after the last.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT data FROM chunks WHERE n = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.next])?;
        let chunk = rows.next()?.map(|row| row.get(0)).transpose()?;
        self.next += 1;
        Ok(chunk)
    }
}

/// Deletes a spool, whole or not.
pub fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut file = path.to_owned().into_os_string();
        file.push(suffix);
        if let Err(error) = std::fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, file = %file.display(), "a file could not be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    fn key() -> Key32 {
        Key32::generate(&SystemRandom)
    }

    fn all(path: &Path, key: &Key32) -> Result<Vec<u8>, StoreError> {
        let mut reader = SpoolReader::open(path, key)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next_chunk()? {
            assert!(chunk.len() <= CHUNK);
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    #[test]
    fn what_goes_in_comes_out_whatever_the_pieces() {
        let directory = tempfile::tempdir().unwrap();
        for (n, size) in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7].into_iter().enumerate()
        {
            let (path, key) = (directory.path().join(format!("x/{n}.db")), key());
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut spool = SpoolWriter::create(&path, &key, 0).unwrap();
            for piece in bytes.chunks(99_991) {
                spool.write(piece).unwrap();
            }
            assert_eq!(spool.finish().unwrap(), size as u64);
            assert!(all(&path, &key).unwrap() == bytes, "{size}");
            let files = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
            assert_eq!(files, n + 1, "one file each, before and after it is read");
        }
    }

    #[test]
    fn the_file_holds_no_plaintext_and_no_other_key_opens_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let mut spool = SpoolWriter::create(&path, &key(), 0).unwrap();
        spool.write(&b"a secret ".repeat(1000)).unwrap();
        spool.finish().unwrap();
        let raw = std::fs::read(&path).unwrap();
        assert!(!raw.windows(8).any(|window| window == b"a secret"));
        assert!(matches!(all(&path, &key()), Err(StoreError::WrongKey(_))));
        remove(&path);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_said_and_the_reserve_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        assert!(matches!(SpoolWriter::create(&path, &key(), u64::MAX), Err(StoreError::Full)));
        remove(&path);
        let mut spool = SpoolWriter::create(&path, &key(), 0).unwrap();
        spool.connection.execute_batch("PRAGMA max_page_count = 200").unwrap();
        let result = (0..10).try_for_each(|_| spool.write(&vec![0; CHUNK]));
        assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    }
}
