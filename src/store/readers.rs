//! A small pool of read-only connections to one file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::engine::{self, Mode};
use super::{RawReadTx, StoreError};
use crate::crypto::Key32;

pub struct Readers {
    path: PathBuf,
    key: Key32,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    most: usize,
}

/// A reading connection of its own.
pub struct OwnReader(Connection);

impl OwnReader {
    pub(super) fn into_connection(self) -> Connection {
        self.0
    }

    /// Runs `f` in a read transaction.
    pub fn read<T>(&self, f: impl FnOnce(&RawReadTx<'_>) -> T) -> Result<T, StoreError> {
        let named = |error| StoreError::from(error).in_file(self.0.path());
        self.0.execute_batch("BEGIN").map_err(named)?;
        let result = f(&RawReadTx(&self.0));
        self.0.execute_batch("COMMIT").map_err(named)?;
        Ok(result)
    }
}

impl Readers {
    pub fn new(path: PathBuf, key: Key32, most: usize) -> Self {
        let permits = Arc::new(Semaphore::new(most.max(1)));
        Self { path, key, idle: Mutex::default(), permits, most }
    }

    /// Runs `f` in a read transaction on a blocking thread.
    pub async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        f: impl FnOnce(&RawReadTx<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || {
            let result = readers.read_here(f);
            drop(permit);
            result
        })
        .await
        .map_err(|_| StoreError::Panicked)?
    }

    /// The same on this thread, for short look-ups.
    pub fn read_here<T>(&self, f: impl FnOnce(&RawReadTx<'_>) -> T) -> Result<T, StoreError> {
        let connection = self.take()?;
        let named = |error| StoreError::from(error).in_file(connection.path());
        connection.execute_batch("BEGIN").map_err(named)?;
        let result = f(&RawReadTx(&connection));
        connection.execute_batch("COMMIT").map_err(named)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most && !self.permits.is_closed() {
            idle.push(connection);
        }
        Ok(result)
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => engine::open(&self.path, &self.key, Mode::Read),
        }
    }

    /// Connections of the pool that are in use.
    pub fn busy(&self) -> usize {
        self.most().saturating_sub(self.permits.available_permits())
    }

    /// Connections that the pool may have.
    pub fn most(&self) -> usize {
        self.most.max(1)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// A connection beside the pool, for long work that must not take one from requests.
    pub fn own(&self) -> Result<OwnReader, StoreError> {
        engine::open(&self.path, &self.key, Mode::Read).map(OwnReader)
    }

    /// Closes the idle connections; the next reader opens one again.
    pub fn rest(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle); // outside of the lock
    }

    /// Closes the idle connections; used ones close when they come back after the pool is gone.
    pub fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
