//! One file with an audit log, for tests of the store and of the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use rusqlite::Connection;
use rusqlite::hooks::{AuthContext, Authorization};
use tempfile::TempDir;

use super::engine::{self, Mode};
use super::shelf::FileShelf;
use super::{
    Database, DatabaseOptions, Job, Outcome, RawReadTx, RawWriteTx, SqlMut, StoreError, Workers,
    migrate,
};
use crate::args;
use crate::audit::notary::Notary;
use crate::audit::note::Signer;
use crate::audit::verify::{Task, Verification, verify};
use crate::audit::{AuditLog, Event, catalogue};
use crate::crypto::signing::SigningKey;
use crate::crypto::{Key32, TenantKeys};
use crate::kernel::clock::ManualClock;
use crate::kernel::{Runtime, Timestamp};

pub struct Fixture {
    pub directory: TempDir,
    pub path: PathBuf,
    pub keys: Arc<TenantKeys>,
    pub clock: Arc<ManualClock>,
    pub runtime: Runtime,
    pub workers: Arc<Workers>,
    pub database: Database<AuditLog>,
}

pub type Run = super::writer::Run<AuditLog>;

pub const OPTIONS: DatabaseOptions = DatabaseOptions { readers: 2, queue: 10_000, group: 64 };

#[expect(clippy::new_without_default, reason = "a fixture makes files")]
impl Fixture {
    pub fn new() -> Self {
        Self::with(OPTIONS)
    }

    pub fn with(options: DatabaseOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let runtime = Runtime { clock: clock.clone(), ..Runtime::system() };
        let shelf_key = Key32::generate(runtime.random.as_ref());
        let shelf = FileShelf::create(&directory.path().join("keys.db"), &shelf_key).unwrap();
        let root = Key32::generate(runtime.random.as_ref());
        let keys = TenantKeys::create([7; 16], root, Box::new(shelf), &runtime).unwrap();
        let (keys, workers) = (Arc::new(keys), Workers::start(1).unwrap());
        let path = directory.path().join("tenant.db");
        let database = open(&path, &keys, &runtime, &workers, options, Mode::Create).unwrap();
        Self { directory, path, keys, clock, runtime, workers, database }
    }

    pub fn open_at(&self, path: &Path) -> Result<Database<AuditLog>, StoreError> {
        open(path, &self.keys, &self.runtime, &self.workers, OPTIONS, Mode::Write)
    }

    /// The same on other workers.
    pub fn open_with(&self, path: &Path, workers: &Workers) -> Database<AuditLog> {
        open(path, &self.keys, &self.runtime, workers, OPTIONS, Mode::Write).unwrap()
    }

    /// Another, new file on the same worker.
    pub fn make_at(&self, path: &Path) -> Database<AuditLog> {
        open(path, &self.keys, &self.runtime, &self.workers, OPTIONS, Mode::Create).unwrap()
    }

    /// Closes and opens again, as a restart does.
    pub fn reopen(&mut self) {
        self.database.close();
        self.database = self.open_at(&self.path).unwrap();
    }

    /// Hands a job in; how it ended comes through the channel.
    pub fn submit(&self, run: Run) -> Result<Receiver<Outcome>, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let done = Box::new(move |outcome| drop(sender.send(outcome)));
        self.database.submit(Job { run, done })?;
        Ok(receiver)
    }

    pub fn run(&self, run: Run) -> Outcome {
        self.submit(run).unwrap().recv().unwrap()
    }

    /// Jobs that find each other in one group: the writer stands still while they are handed in.
    pub fn group(&self, runs: Vec<Run>) -> Vec<Outcome> {
        let answers: Vec<_> = self
            .database
            .on_state(|_| runs.into_iter().map(|run| self.submit(run).unwrap()).collect());
        answers.into_iter().map(|answer: Receiver<_>| answer.recv().unwrap()).collect()
    }

    pub fn append(&self, count: u64) {
        self.group((0..count).map(|n| write(n, 10)).collect())
            .iter()
            .for_each(|outcome| assert!(matches!(outcome, Outcome::Committed)));
    }

    pub fn verify(&self) -> Verification {
        verified(&self.database, &self.runtime)
    }

    /// Whether the head in memory is the one in the file.
    pub fn assert_head_in_step(&self) {
        let inside = self.database.on_state(|state| state.companion.size());
        let verification = self.verify();
        assert!(verification.ok, "{verification:?}");
        assert_eq!(verification.size, inside);
    }

    pub fn names(&self) -> Vec<u64> {
        names(&self.database)
    }

    /// A connection as an attacker with the key has it: without triggers, without the authorizer.
    pub fn raw(&self) -> Connection {
        let connection =
            engine::open(&self.path, self.keys.file_key().unwrap(), Mode::Write).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
        let triggers: Vec<String> = connection
            .prepare(sql)
            .and_then(|mut sql| sql.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        for trigger in triggers {
            connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        connection
    }

    /// Runs a statement on the writing connection past its authorizer.
    pub fn past_authorizer(&self, sql: &str) {
        self.database.on_state(|state| {
            let connection = state.connection.as_mut().unwrap();
            connection
                .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
                .and_then(|()| {
                    connection.execute_batch(sql).or_else(|error| match error {
                        rusqlite::Error::ExecuteReturnedResults => Ok(()),
                        error => Err(error),
                    })
                })
                .unwrap();
            engine::seal_schema(connection).unwrap();
        });
    }
}

fn open(
    path: &Path,
    keys: &Arc<TenantKeys>,
    runtime: &Runtime,
    workers: &Workers,
    options: DatabaseOptions,
    mode: Mode,
) -> Result<Database<AuditLog>, StoreError> {
    let notary = Arc::new(notary(path.parent().unwrap()));
    let log = AuditLog::new(keys.clone(), notary, runtime);
    Database::open(path, keys.file_key()?, migrate::TENANT, log, options, mode, workers)
}

/// Signs as no real installation does, always with the same key.
pub fn notary(directory: &Path) -> Notary {
    let key = SigningKey::from_seed(Key32::from_slice(&[9; 32]).unwrap()).unwrap();
    let signer = Signer::new("strongroom/test".parse().unwrap(), key);
    Notary::new(Arc::new(signer), directory).unwrap()
}

pub fn verified(database: &Database<AuditLog>, runtime: &Runtime) -> Verification {
    try_verified(database, runtime).unwrap()
}

pub fn try_verified(
    database: &Database<AuditLog>,
    runtime: &Runtime,
) -> Result<Verification, StoreError> {
    let task = Task {
        readers: database.readers(),
        notary: &notary(database.readers().path().parent().unwrap()),
        clock: runtime.clock.as_ref(),
        pruned_through: |tx| crate::audit::pruning::through(tx),
        outside: true,
        busy: 0,
        progress: &|_, _| (),
    };
    verify(&task)
}

pub fn names(database: &Database<AuditLog>) -> Vec<u64> {
    use super::Sql;
    let sql = "SELECT created FROM idempotency ORDER BY created";
    database.read_here(|tx: &RawReadTx<'_>| tx.query(sql, &[], |row| row.get(0))).unwrap().unwrap()
}

/// A row that is called `name` and weighs `bytes`, and its entry.
pub fn write(name: u64, bytes: usize) -> Run {
    Box::new(move |tx, log| {
        put(tx, name, bytes)?;
        append(tx, log)?;
        Ok(true)
    })
}

pub fn put(tx: &mut RawWriteTx<'_>, name: u64, bytes: usize) -> Result<(), StoreError> {
    let (key, weight) = (name.to_string(), vec![0_u8; bytes]);
    let sql = "INSERT INTO idempotency (principal, route, key, body_hash, row_id, answer, created)
               VALUES ('p', 'r', $1, $2, $3, $4, $5)
               ON CONFLICT (principal, route, key) DO UPDATE SET created = excluded.created";
    tx.execute(sql, args![&key, &weight, &weight, &weight, name.cast_signed()])?;
    Ok(())
}

pub fn append(tx: &mut RawWriteTx<'_>, log: &mut AuditLog) -> Result<u64, StoreError> {
    log.append(tx, Event::new(catalogue::TENANT_CREATED), None)
}

/// The pages of a file and of its WAL, decrypted as they lie there, free ones included.
pub fn pages(path: &Path, key: &Key32) -> Vec<u8> {
    use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
    /// A page ends with its initialisation vector and MAC.
    const PAGE: usize = 8192;
    const RESERVED: usize = 48;
    let file = std::fs::read(path).unwrap();
    let wal = std::fs::read(path.with_extension("db-wal")).unwrap_or_default();
    let frames = wal.get(32..).unwrap_or_default().chunks(24 + PAGE).map(|frame| &frame[24..]);
    let mut plain = Vec::new();
    for (at, page) in file.chunks(PAGE).chain(frames).enumerate() {
        let body = &page[if at == 0 { 16 } else { 0 }..PAGE - RESERVED];
        let mut text = body.to_vec();
        let aes = UnboundCipherKey::new(&AES_256, key.expose()).unwrap();
        DecryptingKey::ecb(aes).unwrap().decrypt(&mut text, DecryptionContext::None).unwrap();
        let before = [&page[PAGE - RESERVED..][..16], body].concat();
        text.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
        plain.extend(text);
    }
    plain
}
