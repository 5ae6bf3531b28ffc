//! Schedules and runs in the platform's file, and what the jobs look for in a tenant's.

use std::collections::HashMap;

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{JobRunId, KeyId};
use crate::store::{Row, Sql, SqlMut, StoreError};

/// Runs that are kept of each job.
const RUNS_KEPT: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Succeeded,
    Failed,
    /// Its process was stopped or killed.
    Interrupted,
}

impl RunState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// One run of a job.
#[derive(Clone, Debug)]
pub struct Run {
    pub state: RunState,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    pub done: u64,
    pub total: u64,
    pub message: Option<String>,
}

/// Another schedule than the built-in one.
#[derive(Clone, Debug)]
pub struct Override {
    pub cron: String,
    pub enabled: bool,
}

pub fn overrides(tx: &impl Sql) -> Result<HashMap<String, Override>, StoreError> {
    let rows = tx.query("SELECT job, cron, enabled FROM job_schedules", &[], |row| {
        Ok((row.get(0)?, Override { cron: row.get(1)?, enabled: row.get(2)? }))
    })?;
    Ok(rows.into_iter().collect())
}

/// The latest run of a job.
pub fn latest(tx: &impl Sql, job: &str) -> Result<Option<Run>, StoreError> {
    let sql = "SELECT state, started, finished, done, total, message FROM job_runs
               WHERE job = $1 ORDER BY started DESC, id DESC LIMIT 1";
    tx.query_one(sql, args![job], read_run)
}

/// When the last run began that came to its end.
pub fn last_ended(tx: &impl Sql, job: &str) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(started) FROM job_runs
               WHERE job = $1 AND state IN ('succeeded', 'failed')";
    Ok(tx.query_one(sql, args![job], |row| row.get(0))?.flatten())
}

/// When the runs of a job that are known of began, the latest first.
pub fn starts(tx: &impl Sql, job: &str) -> Result<Vec<Timestamp>, StoreError> {
    let sql = "SELECT started FROM job_runs WHERE job = $1 ORDER BY started DESC, id DESC";
    tx.query(sql, args![job], |row| row.get(0))
}

fn read_run(row: &Row<'_>) -> Result<Run, StoreError> {
    let damaged = || StoreError::Sql("a job's run is damaged".into());
    Ok(Run {
        state: RunState::parse(&row.get::<String>(0)?).ok_or_else(damaged)?,
        started: row.get(1)?,
        finished: row.get(2)?,
        done: row.get(3)?,
        total: row.get(4)?,
        message: row.get(5)?,
    })
}

pub fn start(
    tx: &mut impl SqlMut,
    id: JobRunId,
    job: &str,
    started: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO job_runs (id, job, state, started) VALUES ($1, $2, 'running', $3)";
    tx.execute(sql, args![id, job, started]).map(|_| ())
}

pub fn progress(
    tx: &mut impl SqlMut,
    id: JobRunId,
    done: u64,
    total: u64,
) -> Result<(), StoreError> {
    let sql = "UPDATE job_runs SET done = $1, total = $2 WHERE id = $3";
    tx.execute(sql, args![done.cast_signed(), total.cast_signed(), id]).map(|_| ())
}

/// Ends a run and forgets the oldest ones.
pub fn finish(
    tx: &mut impl SqlMut,
    id: JobRunId,
    job: &str,
    state: RunState,
    finished: Timestamp,
    message: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE job_runs SET state = $1, finished = $2, message = $3 WHERE id = $4",
        args![state.name(), finished, message, id],
    )?;
    tx.execute(
        "DELETE FROM job_runs WHERE job = $1 AND id NOT IN (
             SELECT id FROM job_runs WHERE job = $2 ORDER BY started DESC, id DESC LIMIT $3)",
        args![job, job, RUNS_KEPT],
    )?;
    Ok(())
}

/// Writes down a finished run in the place of the one before.
pub fn replace(tx: &mut impl SqlMut, id: JobRunId, job: &str, run: &Run) -> Result<(), StoreError> {
    tx.execute("DELETE FROM job_runs WHERE job = $1", args![job])?;
    tx.execute(
        "INSERT INTO job_runs (id, job, state, started, finished, message)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![id, job, run.state.name(), run.started, run.finished, run.message.as_ref()],
    )?;
    Ok(())
}

/// Marks what a killed process left behind.
pub fn interrupt(tx: &mut impl SqlMut) -> Result<(), StoreError> {
    let sql = "UPDATE job_runs SET state = 'interrupted' WHERE state = 'running'";
    tx.execute(sql, &[]).map(|_| ())
}

/// Deletes sessions that began before `began` or were last seen before `seen`, and answers to
/// repeated calls that were given before `answered`.
pub fn expire(
    tx: &mut impl SqlMut,
    sessions: &str,
    (seen, began): (Timestamp, Timestamp),
    answered: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {sessions} WHERE seen <= $1 OR created <= $2");
    tx.execute(&sql, args![seen, began])?;
    tx.execute("DELETE FROM idempotency WHERE created < $1", args![answered])?;
    Ok(())
}

/// Devices that nobody has signed in with since then.
pub fn forget_devices(tx: &mut impl SqlMut, since: Timestamp) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM devices WHERE seen <= $1", args![since])
}

/// The same in a tenant, where a legal hold may keep what is known of a member's sign-ins.
pub fn forget_devices_not_held(
    tx: &mut impl SqlMut,
    since: Timestamp,
) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM devices WHERE seen <= $1 AND NOT EXISTS
             (SELECT 1 FROM legal_holds h WHERE h.lifted IS NULL
                 AND (h.scope = 'tenant' OR (h.scope = 'member' AND h.target =
                     (SELECT u.subject FROM users u WHERE u.id = devices.person))))",
        args![since],
    )
}

/// Which of these subject keys no row names.
pub fn unnamed(
    tx: &impl Sql,
    people: &[(&str, &str)],
    keys: Vec<KeyId>,
) -> Result<Vec<KeyId>, StoreError> {
    let mut unnamed = Vec::new();
    'keys: for key in keys {
        for (table, column) in people {
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
            if tx.count(&sql, args![key])? > 0 {
                continue 'keys;
            }
        }
        unnamed.push(key);
    }
    Ok(unnamed)
}
