//! A derived file: opened when first used, deleted and made anew when it does not fit its key.
//!
//! One connection writes; others read, each its own moment, without waiting for the writer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::{RawReadTx, RawWriteTx, StoreError, migrate, wal};
use crate::crypto::Key32;

pub struct IndexFile {
    path: PathBuf,
    /// Of the file that is there, or of the next one.
    key: Mutex<Key32>,
    writer: Mutex<Option<Writer>>,
    /// Reading connections that nobody uses, each with the generation that it belongs to.
    idle: Mutex<Vec<(u64, Connection)>>,
    /// Rises whenever the file is deleted; connections to an older one are dropped.
    generation: AtomicU64,
    /// Why the file was deleted, until somebody asks.
    lost: Mutex<Option<String>>,
}

struct Writer {
    generation: u64,
    connection: Connection,
}

/// Frames (pages) in the WAL after which a checkpoint copies them into the file: about 16 MiB.
const FRAMES: i64 = 2000;
/// Reading connections kept.
const IDLE: usize = 4;

impl IndexFile {
    pub fn new(path: PathBuf, key: Key32) -> Self {
        Self {
            path,
            key: Mutex::new(key),
            writer: Mutex::default(),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            lost: Mutex::default(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sees one moment, and waits for no writer.
    pub fn read<T>(
        &self,
        f: impl FnOnce(&RawReadTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (generation, connection) = self.reader()?;
        let result = connection
            .execute_batch("BEGIN")
            .map_err(StoreError::from)
            .and_then(|()| f(&RawReadTx(&connection)));
        let ended = connection.execute_batch("COMMIT");
        match &result {
            Err(error) if is_damage(error) => {
                drop(connection);
                self.discard(generation, &error.to_string());
            }
            Err(StoreError::Io(_)) => {}
            _ if ended.is_err() => {}
            _ => {
                let mut idle = lock(&self.idle);
                if idle.len() < IDLE {
                    idle.push((generation, connection));
                }
            }
        }
        result
    }

    /// One transaction; undone when `f` fails.
    pub fn write<T>(
        &self,
        f: impl FnOnce(&mut RawWriteTx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = lock(&self.writer);
        let result = self.writer(&mut slot).and_then(|writer| commit(&writer.connection, f));
        match &result {
            Err(error) if is_damage(error) => self.discard_from(&mut slot, &error.to_string()),
            Err(StoreError::Io(_)) => *slot = None,
            _ => {}
        }
        result
    }

    /// Copies everything out of the WAL and cuts it off, so that nothing deleted is left in it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when somebody still reads what was there before.
    pub fn empty_wal(&self) -> Result<(), StoreError> {
        let mut slot = lock(&self.writer);
        let writer = self.writer(&mut slot)?;
        lock(&self.idle).clear();
        wal::empty(&writer.connection)
    }

    /// Gives back the memory that makes the file fast, unless it is at work.
    pub fn rest(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        drop(idle); // outside of the lock
        if let Ok(slot) = self.writer.try_lock()
            && let Some(writer) = &*slot
        {
            engine::rest(&writer.connection);
        }
    }

    /// Deletes the file; the next use makes a new one.
    pub fn delete(&self) {
        let mut slot = lock(&self.writer);
        self.remove(&mut slot);
    }

    /// Deletes the file; the next use makes a new one, under another key.
    pub fn begin_anew(&self, key: Key32) {
        let mut slot = lock(&self.writer);
        *lock(&self.key) = key;
        self.remove(&mut slot);
    }

    /// Deletes the file because of what is in it.
    pub fn discard_as(&self, cause: &str) {
        self.discard_from(&mut lock(&self.writer), cause);
    }

    /// Why the file was deleted since somebody asked, if it was.
    pub fn take_lost(&self) -> Option<String> {
        lock(&self.lost).take()
    }

    fn discard(&self, generation: u64, cause: &str) {
        let mut slot = lock(&self.writer);
        // Somebody else may have met the same damage and be done with it.
        if self.generation.load(Ordering::Acquire) == generation {
            self.discard_from(&mut slot, cause);
        }
    }

    fn discard_from(&self, slot: &mut Option<Writer>, cause: &str) {
        tracing::warn!(file = %self.path.display(), cause, "search index unusable; building it anew");
        *lock(&self.lost) = Some(cause.to_owned());
        self.remove(slot);
    }

    fn remove(&self, slot: &mut Option<Writer>) {
        *slot = None;
        self.generation.fetch_add(1, Ordering::AcqRel);
        lock(&self.idle).clear();
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
    }

    fn reader(&self) -> Result<(u64, Connection), StoreError> {
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            match lock(&self.idle).pop() {
                Some(idle) if idle.0 == generation => return Ok(idle),
                Some(_) => continue,
                None => {}
            }
            // The schema is there: nobody reads before the first writer.
            if let Ok(connection) = self.open_reader() {
                return Ok((generation, connection));
            }
            let generation = self.writer(&mut lock(&self.writer))?.generation;
            return Ok((generation, self.open_reader()?));
        }
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        let key = lock(&self.key).clone();
        let connection = engine::open(&self.path, &key, Mode::Read)?;
        let sql = "SELECT count(*) FROM cursor";
        connection.query_row(sql, [], |_| Ok(()))?;
        connection.execute_batch("PRAGMA cache_size = -16384;")?;
        Ok(connection)
    }

    fn writer<'a>(&self, slot: &'a mut Option<Writer>) -> Result<&'a Writer, StoreError> {
        if slot.is_none() {
            *slot = Some(match self.open_writer() {
                Err(error) if is_damage(&error) || matches!(error, StoreError::Newer { .. }) => {
                    self.discard_from(slot, &error.to_string());
                    self.open_writer()?
                }
                result => result?,
            });
        }
        slot.as_ref().ok_or(StoreError::Closed)
    }

    fn open_writer(&self) -> Result<Writer, StoreError> {
        let key = lock(&self.key).clone();
        let mut connection = engine::open(&self.path, &key, Mode::Create)?;
        // Nothing here needs to survive by itself: it is made from the log.
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768;")?;
        migrate::migrate(&mut connection, &self.path, migrate::INDEX, Mode::Create)?;
        Ok(Writer { generation: self.generation.load(Ordering::Acquire), connection })
    }
}

fn commit<T>(
    connection: &Connection,
    f: impl FnOnce(&mut RawWriteTx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let value = f(&mut RawWriteTx::new(&transaction))?;
    transaction.commit()?;
    let sql = "PRAGMA wal_checkpoint(NOOP)";
    let frames: i64 = connection.query_row(sql, [], |row| row.get(1)).unwrap_or(FRAMES);
    if frames >= FRAMES {
        wal::checkpoint(connection, "PASSIVE")?;
    }
    Ok(value)
}

fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Corrupt(_) | StoreError::WrongKey(_))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for IndexFile {
    fn drop(&mut self) {
        lock(&self.idle).clear();
        let slot = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = slot
            && let Err(error) = wal::checkpoint(&writer.connection, "TRUNCATE")
        {
            tracing::warn!(%error, "search index: WAL checkpoint at close failed");
        }
    }
}
