//! A derived file: opened when first used, deleted and made anew when it does not fit its key.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{RawReadTx, RawWriteTx, StoreError, migrate, wal};
use crate::crypto::Key32;

pub struct IndexFile {
    path: PathBuf,
    key: Mutex<Key32>,
    connection: Mutex<Option<Connection>>,
}

/// Writes between two WAL checkpoints.
const FRAMES: i64 = 2000;

impl IndexFile {
    pub fn new(path: PathBuf, key: Key32) -> Self {
        Self { path, key: Mutex::new(key), connection: Mutex::default() }
    }

    pub fn read<T>(
        &self,
        f: impl FnOnce(&RawReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|connection| f(&RawReadTx(connection)))
    }

    /// One transaction; undone when `f` fails.
    pub fn write<T>(
        &self,
        f: impl FnOnce(&mut RawWriteTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let value = f(&mut RawWriteTx::new(&transaction))?;
            transaction.commit()?;
            let sql = "PRAGMA wal_checkpoint(NOOP)";
            let frames: i64 = connection.query_row(sql, [], |row| row.get(1)).unwrap_or(FRAMES);
            if frames >= FRAMES {
                wal::checkpoint(connection, "PASSIVE")?;
            }
            Ok(value)
        })
    }

    /// After an error in the file the connection is given up; the next use opens it, or builds it
    /// anew if it is damaged.
    fn with<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match slot.take() {
            Some(connection) => connection,
            None => self.open()?,
        };
        let result = f(&connection);
        match &result {
            Err(StoreError::Corrupt(_) | StoreError::WrongKey(_)) => {
                drop(connection);
                self.remove();
            }
            Err(StoreError::Io(_)) => {}
            _ => *slot = Some(connection),
        }
        result
    }

    /// Deletes the file; the next one is sealed under another key. Waits for who uses it.
    pub fn begin_anew(&self, key: Key32) {
        let mut slot = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        drop(slot.take());
        self.remove();
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    fn remove(&self) {
        tracing::warn!(file = %self.path.display(), "the search index is deleted and built anew");
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }

    fn open(&self) -> Result<Connection, StoreError> {
        match self.try_open() {
            Err(StoreError::WrongKey(_) | StoreError::Corrupt(_) | StoreError::Newer { .. }) => {
                self.remove();
                self.try_open()
            }
            result => result,
        }
    }

    fn try_open(&self) -> Result<Connection, StoreError> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut connection = engine::open(&self.path, &key, Mode::Create)?;
        // Nothing here needs to survive by itself: it is made from the log.
        connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
        migrate::migrate(&mut connection, &self.path, migrate::INDEX, Mode::Create)?;
        Ok(connection)
    }
}

impl Drop for IndexFile {
    fn drop(&mut self) {
        let slot = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = slot
            && let Err(error) = wal::checkpoint(connection, "TRUNCATE")
        {
            tracing::warn!(%error, "search index: WAL checkpoint at close failed");
        }
    }
}
