//! Schedules and runs in the platform's file, and what the jobs look for in a tenant's.

use std::collections::HashMap;

use crate::args;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::{AdminId, JobRunId, KeyId};
use crate::retention::holds;
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{RealmTx, WriteTx};

/// Runs that are kept of each job.
const RUNS_KEPT: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Succeeded,
    Failed,
    /// Its process was stopped or killed.
    Interrupted,
    /// Somebody ended it.
    Cancelled,
    /// The settings gave it nothing to do.
    NotSetUp,
}

impl RunState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::NotSetUp => "not-set-up",
        }
    }

    /// As the table has it, which knew fewer at first.
    const fn stored(self) -> &'static str {
        match self {
            Self::Cancelled => "interrupted",
            Self::NotSetUp => "succeeded",
            other => other.name(),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// Why a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Schedule,
    /// With the server.
    Start,
    /// Its time had passed while nothing ran, or its run had failed.
    Missed,
    Person(AdminId),
    /// Somebody with a shell on the machine.
    Operator,
}

impl Origin {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Start => "start",
            Self::Missed => "missed",
            Self::Person(_) => "person",
            Self::Operator => "operator",
        }
    }

    /// Whether nobody asked for it.
    pub const fn is_by_itself(self) -> bool {
        matches!(self, Self::Schedule | Self::Start | Self::Missed)
    }

    const fn requester(self) -> Option<AdminId> {
        match self {
            Self::Person(id) => Some(id),
            _ => None,
        }
    }

    fn parse(name: &str, requester: Option<AdminId>) -> Self {
        match (name, requester) {
            ("person", Some(id)) => Self::Person(id),
            ("start", _) => Self::Start,
            ("missed", _) => Self::Missed,
            ("operator", _) => Self::Operator,
            _ => Self::Schedule,
        }
    }
}

/// One run of a job.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: JobRunId,
    pub origin: Origin,
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
    Ok(runs(tx, job, 1)?.into_iter().next())
}

/// The latest runs of a job, the latest first.
pub fn runs(tx: &impl Sql, job: &str, most: u32) -> Result<Vec<Run>, StoreError> {
    let sql = "SELECT id, state, started, finished, done, total, message, origin, requester,
                   cancelled FROM job_runs
               WHERE job = $1 ORDER BY started DESC, id DESC LIMIT $2";
    tx.query(sql, args![job, most], read_run)
}

/// What a run has said.
pub fn output(tx: &impl RealmTx, run: JobRunId) -> Result<String, StoreError> {
    let sql = "SELECT output FROM job_runs WHERE id = $1";
    let sealed: Option<Vec<u8>> = tx.query_one(sql, args![run], |row| row.get(0))?.flatten();
    let Some(sealed) = sealed else { return Ok(String::new()) };
    Ok(tx.open_text(Field::JobOutput, run.bytes(), &sealed)?.unwrap_or_default())
}

/// Keeps what a run has said so far.
pub fn say<P>(tx: &mut WriteTx<'_, P>, run: JobRunId, output: &str) -> Result<(), StoreError> {
    if output.is_empty() {
        return Ok(());
    }
    let sealed = tx.seal(Field::JobOutput, run.bytes(), None, output.as_bytes())?;
    tx.execute("UPDATE job_runs SET output = $1 WHERE id = $2", args![&sealed, run]).map(|_| ())
}

/// An administrator's name, sealed.
pub fn admin_name(tx: &impl Sql, id: AdminId) -> Result<Option<Vec<u8>>, StoreError> {
    tx.query_one("SELECT name FROM admins WHERE id = $1", args![id], |row| row.get(0))
}

/// Gives a job another schedule, or its own again.
pub fn set_schedule(
    tx: &mut impl SqlMut,
    job: &str,
    other: Option<&Override>,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM job_schedules WHERE job = $1", args![job])?;
    if let Some(other) = other {
        let sql = "INSERT INTO job_schedules (job, cron, enabled) VALUES ($1, $2, $3)";
        tx.execute(sql, args![job, other.cron.as_str(), other.enabled])?;
    }
    Ok(())
}

/// When the last run began that went well, of a job that ever ran; the beginning of time when none
/// did.
pub fn last_good(tx: &impl Sql, job: &str) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(iif(state = 'succeeded', started, 0)) FROM job_runs WHERE job = $1";
    Ok(tx.query_one(sql, args![job], |row| row.get(0))?.flatten())
}

/// When the runs of a job that are known of began, the latest first.
pub fn starts(tx: &impl Sql, job: &str) -> Result<Vec<Timestamp>, StoreError> {
    let sql = "SELECT started FROM job_runs WHERE job = $1 ORDER BY started DESC, id DESC";
    tx.query(sql, args![job], |row| row.get(0))
}

fn read_run(row: &Row<'_>) -> Result<Run, StoreError> {
    let damaged = || StoreError::Sql("a job's run is damaged".into());
    let state = RunState::parse(&row.get::<String>(1)?).ok_or_else(damaged)?;
    let message: Option<String> = row.get(6)?;
    let idle = message.as_ref().is_some_and(|text| text.starts_with(super::job::NOT_SET_UP));
    let state = match state {
        _ if row.get(9)? => RunState::Cancelled,
        RunState::Succeeded if idle => RunState::NotSetUp,
        other => other,
    };
    Ok(Run {
        id: row.get(0)?,
        state,
        started: row.get(2)?,
        finished: row.get(3)?,
        done: row.get(4)?,
        total: row.get(5)?,
        message,
        origin: Origin::parse(&row.get::<String>(7)?, row.get(8)?),
    })
}

pub fn start(
    tx: &mut impl SqlMut,
    id: JobRunId,
    job: &str,
    started: Timestamp,
    origin: Origin,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO job_runs (id, job, state, started, origin, requester)
               VALUES ($1, $2, 'running', $3, $4, $5)";
    tx.execute(sql, args![id, job, started, origin.name(), origin.requester()]).map(|_| ())
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
        "UPDATE job_runs SET state = $1, finished = $2, message = $3, cancelled = $4 WHERE id = $5",
        args![state.stored(), finished, message, state == RunState::Cancelled, id],
    )?;
    forget_old(tx, job)
}

fn forget_old(tx: &mut impl SqlMut, job: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM job_runs WHERE job = $1 AND id NOT IN (
                   SELECT id FROM job_runs WHERE job = $2 ORDER BY started DESC, id DESC LIMIT $3)";
    tx.execute(sql, args![job, job, RUNS_KEPT]).map(|_| ())
}

/// Writes down a finished run in the place of those before that nobody asked for.
pub fn replace(tx: &mut impl SqlMut, job: &str, run: &Run) -> Result<(), StoreError> {
    let asked_for = "('person', 'operator')";
    let sql = format!("DELETE FROM job_runs WHERE job = $1 AND origin NOT IN {asked_for}");
    tx.execute(&sql, args![job])?;
    tx.execute(
        "INSERT INTO job_runs (id, job, state, started, finished, message, origin, requester)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            run.id,
            job,
            run.state.stored(),
            run.started,
            run.finished,
            run.message.as_ref(),
            run.origin.name(),
            run.origin.requester()
        ],
    )?;
    forget_old(tx, job)
}

/// Runs that a killed process left behind: their jobs, and themselves.
pub fn left_behind(tx: &impl Sql) -> Result<Vec<(String, JobRunId)>, StoreError> {
    let sql = "SELECT job, id FROM job_runs WHERE state = 'running' ORDER BY started";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Ends them, for a reason. When their process died nobody knows.
pub fn interrupt(tx: &mut impl SqlMut, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE job_runs SET state = 'interrupted', message = $1 WHERE state = 'running'";
    tx.execute(sql, args![reason]).map(|_| ())
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

/// Those of a tenant's keys that no legal hold keeps.
pub fn not_held(tx: &impl Sql, keys: Vec<KeyId>) -> Result<Vec<KeyId>, StoreError> {
    let mut free = Vec::new();
    for key in keys {
        if !holds::is_held_subject(tx, key)? {
            free.push(key);
        }
    }
    Ok(free)
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
