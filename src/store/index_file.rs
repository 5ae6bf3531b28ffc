//! A derived file: opened when first used, deleted and made anew when it does not fit its key.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{RawReadTx, RawWriteTx, StoreError, migrate, wal};
use crate::crypto::Key32;

pub struct IndexFile {
    path: PathBuf,
    key: Key32,
    connection: Mutex<Option<Connection>>,
}

/// Writes between two WAL checkpoints.
const FRAMES: i64 = 4000;

impl IndexFile {
    pub fn new(path: PathBuf, key: Key32) -> Self {
        Self { path, key, connection: Mutex::default() }
    }

    pub fn read<T>(&self, f: impl FnOnce(&RawReadTx<'_>) -> T) -> Result<T, StoreError> {
        self.with(|connection| Ok(f(&RawReadTx(connection))))
    }

    /// One transaction; undone when `f` fails.
    pub fn write<T>(
        &self,
        f: impl FnOnce(&mut RawWriteTx<'_>) -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, StoreError> {
        self.with(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let result = f(&mut RawWriteTx::new(&transaction));
            match &result {
                Ok(_) => transaction.commit()?,
                Err(_) => transaction.rollback()?,
            }
            let sql = "PRAGMA wal_checkpoint(NOOP)";
            let frames: i64 = connection.query_row(sql, [], |row| row.get(1)).unwrap_or(FRAMES);
            if frames >= FRAMES {
                wal::checkpoint(connection, "PASSIVE")?;
            }
            Ok(result)
        })
    }

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
        *slot = Some(connection);
        result
    }

    fn open(&self) -> Result<Connection, StoreError> {
        match self.try_open() {
            Err(StoreError::WrongKey(_) | StoreError::Corrupt(_) | StoreError::Newer { .. }) => {
                tracing::warn!(file = %self.path.display(), "search index unusable; building it anew");
                for suffix in ["", "-wal", "-shm"] {
                    let mut path = self.path.clone().into_os_string();
                    path.push(suffix);
                    let _ = std::fs::remove_file(path);
                }
                self.try_open()
            }
            result => result,
        }
    }

    fn try_open(&self) -> Result<Connection, StoreError> {
        let mut connection = engine::open(&self.path, &self.key, Mode::Create)?;
        // Nothing here needs to survive by itself: it is made from the log.
        connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
        migrate::migrate(&mut connection, &self.path, migrate::INDEX)?;
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
