//! Group commit: what waits for one file is run in one transaction and made durable by one fsync.
//!
//! A job is re-runnable and free of effects outside the transaction, because a group that the disk
//! spoils is abandoned and its jobs are run again one by one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use super::changes::Tap;
use super::wal::{self, Wal};
use super::workers::Runnable;
use super::{RawReadTx, RawWriteTx, StoreError, engine};

/// How long commits take; the name of the metric.
pub const COMMIT_TIME: &str = "strongroom_writer_commit_duration_seconds";
/// How many writes shared a commit.
pub const BATCH_SIZE: &str = "strongroom_writer_batch_jobs";

/// State in memory that follows the file transaction by transaction (the head of its log).
pub trait Companion: Send + 'static {
    /// Reads the state again: at open, and whenever a transaction was undone.
    fn reload(&mut self, tx: &mut RawWriteTx<'_>) -> Result<(), StoreError>;
    /// A number that rises with each change; equal numbers, equal states.
    fn version(&self) -> u64;
    /// The transaction is durable.
    fn committed(&mut self);
    /// Writes what it still has to, in the last transaction before the file closes.
    fn closing(&mut self, _: &mut RawWriteTx<'_>) -> Result<(), StoreError> {
        Ok(())
    }
    /// That transaction is durable.
    fn closed(&mut self, _: &RawReadTx<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// How a job ended.
pub enum Outcome {
    Committed,
    /// The job itself asked for it; what it wrote is undone.
    RolledBack,
    Failed(StoreError),
}

/// What a job does; may be run more than once.
pub type Run<C> = Box<dyn FnMut(&mut RawWriteTx<'_>, &mut C) -> Result<bool, StoreError> + Send>;

pub struct Job<C> {
    /// Writes and answers true to keep what it wrote. May be run more than once.
    pub run: Run<C>,
    pub done: Box<dyn FnOnce(Outcome) + Send>,
}

/// A job's closure after its end. It may hold the last handle on the file itself, so it is dropped
/// only when the writer's state is unlocked.
type Retired<C> = Vec<Run<C>>;

/// One file's queue and its writing connection.
pub struct Writer<C: Companion> {
    queue: Mutex<VecDeque<Job<C>>>,
    scheduled: AtomicBool,
    /// Nothing is taken in or written any more.
    closed: AtomicBool,
    state: Mutex<State<C>>,
    worker: Sender<Arc<dyn Runnable>>,
    this: Weak<Self>,
    limits: Limits,
    /// Rises with every commit that touched a credential table.
    credentials: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
pub struct Limits {
    /// Jobs waiting; one more is refused.
    pub queue: usize,
    /// Jobs in one transaction.
    pub group: usize,
}

pub struct State<C> {
    /// None once closed, or while a failed file could not be opened again.
    pub connection: Option<Connection>,
    pub wal: Option<Wal>,
    pub companion: C,
    /// Opens the file again after a failed commit.
    pub reopen: Box<dyn Fn() -> Result<Connection, StoreError> + Send>,
    /// Set by the update hook when a credential table changes.
    pub touched_credentials: Arc<AtomicBool>,
    /// Takes what is committed, for the archive.
    pub tap: Option<Arc<Tap>>,
}

impl<C: Companion> Writer<C> {
    pub fn new(
        state: State<C>,
        worker: Sender<Arc<dyn Runnable>>,
        limits: Limits,
        credentials: Arc<AtomicU64>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            queue: Mutex::default(),
            scheduled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            state: Mutex::new(state),
            worker,
            this: this.clone(),
            limits,
            credentials,
        })
    }

    /// # Errors
    /// [`StoreError::QueueFull`] when too many wait already, [`StoreError::Closed`] after
    /// [`close`](Self::close).
    pub fn submit(&self, job: Job<C>) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= self.limits.queue {
            return Err(StoreError::QueueFull);
        }
        queue.push_back(job);
        drop(queue);
        self.schedule();
        Ok(())
    }

    fn schedule(&self) {
        if !self.scheduled.swap(true, Ordering::AcqRel)
            && let Some(this) = self.this.upgrade()
            && self.worker.send(this).is_err()
        {
            tracing::error!("the writer thread is gone; restart the server");
        }
    }

    /// Gives back the memory that the connection keeps, unless it is at work.
    pub fn rest(&self) {
        if let Ok(state) = self.state.try_lock()
            && let Some(connection) = &state.connection
        {
            engine::rest(connection);
        }
    }

    /// Empties the WAL and closes the file for good. Waits for the group under way; what waits
    /// behind it is answered [`StoreError::Closed`].
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = state.connection.take() {
            if let Err(error) = last_words(&connection, &mut state.companion) {
                tracing::warn!(%error, "a file was closed without its last checkpoint");
            }
            if let Some(wal) = &state.wal {
                wal.before_close(&connection);
            }
        }
    }

    /// The state itself, while the writer stands still.
    #[cfg(test)]
    pub fn on_state<T>(&self, f: impl FnOnce(&mut State<C>) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Jobs that no group has taken yet.
    pub fn waiting(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn is_idle(&self) -> bool {
        !self.scheduled.load(Ordering::Acquire)
    }
}

/// The companion's last transaction.
fn last_words<C: Companion>(connection: &Connection, companion: &mut C) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let written = companion.closing(&mut RawWriteTx::new(connection));
    let end = if written.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end)?;
    written?;
    companion.closed(&RawReadTx(connection))
}

impl<C: Companion> Runnable for Writer<C> {
    fn run(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let group = self.take(0);
        let mut retired = Vec::with_capacity(group.len());
        let closed = self.closed.load(Ordering::Acquire);
        let run = || match closed {
            true => refuse(group, &StoreError::Closed, &mut retired),
            false => {
                let mut more = |taken| self.take(taken);
                state.commit_group(group, &mut more, &self.credentials, &mut retired);
            }
        };
        if catch_unwind(AssertUnwindSafe(run)).is_err() {
            // Jobs without an answer are dropped, and their callers take that for what it is.
            state.connection = None;
            tracing::error!("a writer panicked; its file is opened again by the next write");
        }
        drop(state);
        drop(retired);
        self.scheduled.store(false, Ordering::Release);
        if !self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.schedule();
        }
    }
}

impl<C: Companion> Writer<C> {
    /// What waits, as far as it fits a group that has `taken` jobs already.
    fn take(&self, taken: usize) -> Vec<Job<C>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let most = queue.len().min(self.limits.group.saturating_sub(taken));
        queue.drain(..most).collect()
    }
}

/// What became of a job inside its group.
enum Ran {
    Kept,
    Undone,
    Failed(StoreError),
}

fn refuse<C>(group: Vec<Job<C>>, error: &StoreError, retired: &mut Retired<C>) {
    for Job { run, done } in group {
        done(Outcome::Failed(error.clone()));
        retired.push(run);
    }
}

impl<C: Companion> State<C> {
    fn commit_group(
        &mut self,
        group: Vec<Job<C>>,
        more: &mut dyn FnMut(usize) -> Vec<Job<C>>,
        credentials: &AtomicU64,
        retired: &mut Retired<C>,
    ) {
        let mut rest = self.commit_some(group, more, credentials, retired);
        while !rest.is_empty() {
            rest = self.commit_some(rest, &mut |_| Vec::new(), credentials, retired);
        }
    }

    /// Commits the first jobs of a group, all of them unless they write a lot; what is left.
    fn commit_some(
        &mut self,
        mut group: Vec<Job<C>>,
        more: &mut dyn FnMut(usize) -> Vec<Job<C>>,
        credentials: &AtomicU64,
        retired: &mut Retired<C>,
    ) -> Vec<Job<C>> {
        if group.is_empty() {
            return group;
        }
        match self.try_group(&mut group, more) {
            Ok(ran) => {
                let rest = group.split_off(ran.len());
                self.answer(group, ran, credentials, retired);
                return rest;
            }
            Err(Spoiled::BeforeCommit { .. }) if group.len() > 1 => {
                for job in group {
                    self.commit_some(vec![job], &mut |_| Vec::new(), credentials, retired);
                }
            }
            Err(spoiled) => {
                if let Spoiled::AtCommit { .. } = spoiled {
                    // It may have been written after all.
                    credentials.fetch_add(1, Ordering::AcqRel);
                }
                refuse(group, &spoiled.into_error(), retired);
            }
        }
        Vec::new()
    }

    /// What ran is durable: says so to whoever waits for it.
    fn answer(
        &mut self,
        group: Vec<Job<C>>,
        ran: Vec<Ran>,
        credentials: &AtomicU64,
        retired: &mut Retired<C>,
    ) {
        self.companion.committed();
        if self.touched_credentials.swap(false, Ordering::AcqRel) {
            credentials.fetch_add(1, Ordering::AcqRel);
        }
        for (Job { run, done }, ran) in group.into_iter().zip(ran) {
            retired.push(run);
            done(match ran {
                Ran::Kept => Outcome::Committed,
                Ran::Undone => Outcome::RolledBack,
                Ran::Failed(error) => Outcome::Failed(error),
            });
        }
        if let (Some(wal), Some(connection)) = (&self.wal, &self.connection) {
            wal.after_commit(connection);
        }
    }

    /// Runs and commits; on an error nothing of the group is in the file, or it is not known.
    fn try_group(
        &mut self,
        group: &mut Vec<Job<C>>,
        more: &mut dyn FnMut(usize) -> Vec<Job<C>>,
    ) -> Result<Vec<Ran>, Spoiled> {
        self.ensure_open().map_err(|error| Spoiled::NotBegun { error })?;
        let before = self.companion.version();
        let Some(connection) = &self.connection else {
            return Err(Spoiled::NotBegun { error: StoreError::Closed });
        };
        begin(connection)?;
        let mut ran = run_group(connection, &mut self.companion, group, more);
        if let Ok(None) = ran {
            // A job failed that had written already: once more, each job in a savepoint.
            self.abandon();
            let Some(connection) = &self.connection else {
                return Err(Spoiled::NotBegun { error: StoreError::Closed });
            };
            begin(connection)?;
            ran = run_apart(connection, &mut self.companion, group).map(Some);
        }
        let (ran, Some(connection)) = (ran, &self.connection) else {
            return Err(Spoiled::NotBegun { error: StoreError::Closed });
        };
        let ran = match ran {
            Ok(ran) => ran.unwrap_or_default(),
            Err(error) => {
                self.abandon();
                return Err(Spoiled::BeforeCommit { error });
            }
        };
        let begun = Instant::now();
        match connection.execute_batch("COMMIT") {
            Ok(()) => {
                metrics::histogram!(COMMIT_TIME).record(begun.elapsed().as_secs_f64());
                metrics::histogram!(BATCH_SIZE).record(ran.len() as f64);
                Ok(ran)
            }
            // The WAL grows while committing. A write that found no space never wrote the frame
            // that commits; unlike after a failed fsync there is nothing to find out.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                self.abandon();
                Err(Spoiled::BeforeCommit { error: StoreError::Full })
            }
            Err(error) => self.after_failed_commit(before, error.into()).map(|()| ran),
        }
    }

    fn ensure_open(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let mut connection = (self.reopen)()?;
        self.companion.reload(&mut RawWriteTx::new(&connection))?;
        self.wal = Some(Wal::watch(&mut connection, self.tap.clone())?);
        self.connection = Some(connection);
        Ok(())
    }

    /// Undoes the transaction and reads the state that is left.
    fn abandon(&mut self) {
        self.touched_credentials.store(false, Ordering::Release);
        let Some(connection) = &self.connection else { return };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            self.connection = None; // opened anew by the next group
        } else if self.companion.reload(&mut RawWriteTx::new(connection)).is_err() {
            self.connection = None;
        }
    }

    /// The truth after a COMMIT that failed. Its frames may lie in the WAL complete but unsynced;
    /// only another commit on top of them, or their presence after reopening, settles the matter.
    fn after_failed_commit(&mut self, before: u64, error: StoreError) -> Result<(), Spoiled> {
        tracing::error!(%error, "a commit failed; reopening the file to find out what is in it");
        let expected = self.companion.version();
        self.abandon();
        self.connection = None;
        self.ensure_open().map_err(|_| Spoiled::AtCommit { error: StoreError::OutcomeUnknown })?;
        let found = self.companion.version();
        let settled = match (&self.connection, &self.wal) {
            (Some(connection), Some(wal)) => settle(connection, wal),
            _ => false,
        };
        match found {
            _ if !settled => Err(Spoiled::AtCommit { error: StoreError::OutcomeUnknown }),
            found if found == expected && expected != before => {
                // Undone when the transaction was abandoned: cached credentials must not outlive it.
                self.touched_credentials.store(true, Ordering::Release);
                Ok(())
            }
            found if found == before && expected != before => {
                Err(Spoiled::AtCommit { error: not_written(error) })
            }
            _ => Err(Spoiled::AtCommit { error: StoreError::OutcomeUnknown }),
        }
    }
}

/// Another commit on top of what was found, and all of it copied into the file: after a failed
/// fsync a second one on the same WAL proves nothing, one of the file itself does.
fn settle(connection: &Connection, wal: &Wal) -> bool {
    wal::beat(connection).is_ok() && wal.is_copied(connection)
}

fn not_written(error: StoreError) -> StoreError {
    StoreError::Io(error.to_string().into())
}

enum Spoiled {
    /// Not even a transaction could be had; no single job will fare better.
    NotBegun {
        error: StoreError,
    },
    /// Nothing was written; the jobs can be run again.
    BeforeCommit {
        error: StoreError,
    },
    AtCommit {
        error: StoreError,
    },
}

impl Spoiled {
    fn into_error(self) -> StoreError {
        match self {
            Self::NotBegun { error } | Self::BeforeCommit { error } | Self::AtCommit { error } => {
                error
            }
        }
    }
}

fn begin(connection: &Connection) -> Result<(), Spoiled> {
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| Spoiled::NotBegun { error: error.into() })
}

/// Changes after which a transaction is closed even if more jobs wait: its pages should fit the
/// cache, or they are written twice.
const LARGE: u64 = 4096;

/// Runs jobs, and what comes to wait meanwhile, without savepoints: those cost a copy of every
/// page touched. Nothing when a job failed after it had written; the group is then run again.
///
/// # Errors
/// When the whole transaction is spoiled: full disk, failed disk, out of memory, a panic.
fn run_group<C: Companion>(
    connection: &Connection,
    companion: &mut C,
    group: &mut Vec<Job<C>>,
    more: &mut dyn FnMut(usize) -> Vec<Job<C>>,
) -> Result<Option<Vec<Ran>>, StoreError> {
    let mut ran = Vec::with_capacity(group.len());
    let start = companion.version();
    while ran.len() < group.len() && companion.version() - start < LARGE {
        let before = (connection.total_changes(), companion.version());
        let result = run_job(connection, companion, &mut group[ran.len()])?;
        let kept = matches!(result, Ran::Kept);
        if !kept && before != (connection.total_changes(), companion.version()) {
            return Ok(None);
        }
        ran.push(result);
        if ran.len() == group.len() && companion.version() - start < LARGE {
            group.append(&mut more(ran.len()));
        }
    }
    Ok(Some(ran))
}

/// Runs each job in a savepoint, so that one that fails is undone alone.
fn run_apart<C: Companion>(
    connection: &Connection,
    companion: &mut C,
    group: &mut [Job<C>],
) -> Result<Vec<Ran>, StoreError> {
    let one = |job| {
        connection.prepare_cached("SAVEPOINT job")?.raw_execute()?;
        let before = companion.version();
        let ran = run_job(connection, companion, job)?;
        if !matches!(ran, Ran::Kept) {
            connection.prepare_cached("ROLLBACK TO job")?.raw_execute()?;
            if companion.version() != before {
                companion.reload(&mut RawWriteTx::new(connection))?;
            }
        }
        connection.prepare_cached("RELEASE job")?.raw_execute()?;
        Ok(ran)
    };
    group.iter_mut().map(one).collect()
}

fn run_job<C: Companion>(
    connection: &Connection,
    companion: &mut C,
    job: &mut Job<C>,
) -> Result<Ran, StoreError> {
    let mut tx = RawWriteTx::new(connection);
    let result = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut tx, companion)))
        .unwrap_or(Err(StoreError::Panicked));
    // A job that makes light of a full disk would commit half of what it meant to.
    let result = tx.spoiled().map_or(result, Err);
    if connection.is_autocommit() {
        return Err(result.err().unwrap_or(StoreError::Panicked));
    }
    match result {
        Err(error) if error.spoils_transaction() => Err(error),
        Ok(true) => Ok(Ran::Kept),
        Ok(false) => Ok(Ran::Undone),
        Err(error) => Ok(Ran::Failed(error)),
    }
}
