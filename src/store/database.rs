//! One encrypted file with many readers and one group-committing writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;

use super::engine::{self, Mode};
use super::migrate::{self, Migrations};
use super::readers::Readers;
use super::wal::Wal;
use super::writer::{Companion, Job, Limits, State, Writer};
use super::{RawReadTx, RawWriteTx, StoreError, Workers};
use crate::crypto::Key32;

/// A change in one of these makes cached credentials of the file stale.
const CREDENTIAL_TABLES: [&str; 8] = [
    "api_keys",
    "users",
    "sessions",
    "roles",
    "settings",
    "admins",
    "admin_sessions",
    "token_keys",
];

#[derive(Clone, Copy)]
pub struct DatabaseOptions {
    /// Reading connections at most.
    pub readers: usize,
    /// Writes waiting at most.
    pub queue: usize,
    /// Writes in one commit at most.
    pub group: usize,
}

/// How often a file was opened in this process. A file that is closed and opened again must not
/// count its generations from where a cached credential remembers them.
static OPENED: AtomicU64 = AtomicU64::new(0);

pub struct Database<C: Companion> {
    readers: Arc<Readers>,
    writer: Arc<Writer<C>>,
    credentials: Arc<AtomicU64>,
}

impl<C: Companion> Database<C> {
    /// Opens the file (makes it only in [`Mode::Create`]), brings its schema up to date and loads the companion.
    pub fn open(
        path: &Path,
        key: &Key32,
        migrations: Migrations,
        mut companion: C,
        options: DatabaseOptions,
        mode: Mode,
        workers: &Workers,
    ) -> Result<Self, StoreError> {
        let touched = Arc::new(AtomicBool::new(false));
        let mut connection = open_writer(path, key, migrations, mode, &touched)?;
        let tap = workers.tap(path);
        let wal = Wal::watch(&mut connection, tap.clone())?;
        companion.reload(&mut RawWriteTx::new(&connection))?;
        let reopen = {
            let (path, key, touched) = (path.to_owned(), key.clone(), touched.clone());
            Box::new(move || open_writer(&path, &key, migrations, Mode::Write, &touched))
        };
        let state = State {
            connection: Some(connection),
            wal: Some(wal),
            companion,
            reopen,
            touched_credentials: touched,
            tap,
        };
        let limits = Limits { queue: options.queue, group: options.group };
        let credentials = Arc::new(AtomicU64::new(OPENED.fetch_add(1, Ordering::Relaxed) << 32));
        let worker = workers.pin(spread(path));
        let readers = Arc::new(Readers::new(PathBuf::from(path), key.clone(), options.readers));
        Ok(Self {
            readers,
            writer: Writer::new(state, worker, limits, credentials.clone()),
            credentials,
        })
    }

    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&RawReadTx<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(f).await
    }

    /// For work that reads on connections of its own.
    pub fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    /// A short look-up on this thread.
    pub fn read_here<T>(&self, f: impl FnOnce(&RawReadTx<'_>) -> T) -> Result<T, StoreError> {
        self.readers.read_here(f)
    }

    pub fn submit(&self, job: Job<C>) -> Result<(), StoreError> {
        self.writer.submit(job)
    }

    /// Changes whenever a credential, session or user in the file may have changed.
    pub fn credentials_generation(&self) -> u64 {
        self.credentials.load(Ordering::Acquire)
    }

    /// The writer's state, while it stands still.
    #[cfg(test)]
    pub(crate) fn on_state<T>(&self, f: impl FnOnce(&mut State<C>) -> T) -> T {
        self.writer.on_state(f)
    }

    /// Writes that wait.
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    pub fn is_idle(&self) -> bool {
        self.writer.is_idle()
    }

    /// Gives back the memory that makes a file fast which nobody uses now.
    pub fn rest(&self) {
        self.readers.rest();
        self.writer.rest();
    }

    /// Writes the WAL back and closes the file.
    pub fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

fn open_writer(
    path: &Path,
    key: &Key32,
    migrations: Migrations,
    mode: Mode,
    touched: &Arc<AtomicBool>,
) -> Result<Connection, StoreError> {
    let mut connection = engine::open(path, key, mode)?;
    migrate::upgrade(&mut connection, path, migrations, mode)?;
    let touched = touched.clone();
    connection.update_hook(Some(
        move |_: rusqlite::hooks::Action, _: &str, table: &str, _: i64| {
            if CREDENTIAL_TABLES.contains(&table) {
                touched.store(true, Ordering::Release);
            }
        },
    ))?;
    engine::seal_schema(&mut connection)?;
    Ok(connection)
}

/// Spreads files over the workers; it need not be strong, only even.
fn spread(path: &Path) -> u64 {
    u64::from(crc32fast::hash(path.as_os_str().as_encoded_bytes()))
}
