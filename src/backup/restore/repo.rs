//! Rows of restores and of restore tests.

use std::collections::HashMap;

use super::model::{Restore, RestoreState};
use super::rehearse::{RestoreTest, Tried, parse};
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{RestoreId, RestoreTestId, TenantId};
use crate::store::{Row, Sql, SqlMut, StoreError};

const COLUMNS: &str = "SELECT id, tenant, state, moment, backup, target, started, finished, lost,
                       past, problem FROM restores";
/// Restores that a list shows.
const LISTED: u32 = 100;

fn read(row: &Row<'_>) -> Result<Restore, StoreError> {
    let state: String = row.get(2)?;
    Ok(Restore {
        id: row.get(0)?,
        tenant: row.get(1)?,
        state: RestoreState::parse(&state)
            .ok_or_else(|| StoreError::Sql("a restore's row is damaged".into()))?,
        moment: row.get(3)?,
        backup: row.get(4)?,
        target: row.get(5)?,
        started: row.get(6)?,
        finished: row.get(7)?,
        lost: row.get(8)?,
        past: row.get(9)?,
        problem: row.get(10)?,
    })
}

/// The newest first.
pub fn all(tx: &impl Sql) -> Result<Vec<Restore>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY started DESC, id DESC LIMIT $1");
    tx.query(&sql, args![LISTED], read)
}

pub fn find(tx: &impl Sql, id: RestoreId) -> Result<Option<Restore>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], read)
}

pub fn in_state(tx: &impl Sql, state: RestoreState) -> Result<Vec<Restore>, StoreError> {
    tx.query(&format!("{COLUMNS} WHERE state = $1 ORDER BY started"), args![state.name()], read)
}

pub fn in_states_but_failed(tx: &impl Sql) -> Result<Vec<Restore>, StoreError> {
    let failed = RestoreState::Failed.name();
    tx.query(&format!("{COLUMNS} WHERE state <> $1"), args![failed], read)
}

pub fn of_tenant(tx: &impl Sql, tenant: TenantId) -> Result<Vec<Restore>, StoreError> {
    tx.query(&format!("{COLUMNS} WHERE tenant = $1"), args![tenant], read)
}

/// Nothing of a tenant's restores is undone any more.
pub fn close(tx: &mut impl SqlMut, tenant: TenantId) -> Result<(), StoreError> {
    let sql = "UPDATE restores SET state = 'confirmed' WHERE tenant = $1 AND state = 'restored'";
    tx.execute(sql, args![tenant]).map(|_| ())
}

/// Whether a tenant's conversations have changed since.
pub fn has_changed(tx: &impl Sql, since: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM conversations WHERE updated >= $1)
                   OR EXISTS (SELECT 1 FROM messages WHERE created >= $2)";
    Ok(tx.query_one(sql, args![since, since], |row| row.get(0))?.unwrap_or(false))
}

pub fn of_tenant_in(
    tx: &impl Sql,
    tenant: TenantId,
    state: RestoreState,
) -> Result<Option<Restore>, StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant = $1 AND state = $2");
    tx.query_one(&sql, args![tenant, state.name()], read)
}

pub fn insert(tx: &mut impl SqlMut, new: &Restore) -> Result<(), StoreError> {
    let sql = "INSERT INTO restores (id, tenant, state, moment, backup, target, started, lost)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Restore { id, tenant, state, moment, backup, target, started, lost, .. } = new;
    let lost = lost.cast_signed();
    let state = state.name();
    let args = args![*id, *tenant, state, *moment, backup, target, *started, lost];
    tx.execute(sql, args).map(|_| ())
}

/// How it ended.
pub fn end(tx: &mut impl SqlMut, ended: &Restore, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE restores SET state = $1, finished = $2, lost = $3, past = $4, problem = $5
               WHERE id = $6";
    let Restore { id, state, lost, past, problem, .. } = ended;
    let args = args![state.name(), now, lost.cast_signed(), *past, problem.as_ref(), *id];
    tx.execute(sql, args).map(|_| ())
}

/// Tests that are looked back at.
const TESTS: u32 = 50;

pub fn insert_test(tx: &mut impl SqlMut, test: &RestoreTest) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO restore_tests (id, started, millis, passed, archives, bytes, problem, note)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let number = |value: u64| value.cast_signed();
    let RestoreTest { id, started, millis, passed, archives, bytes, problem, note, .. } = test;
    let (millis, archives, bytes) = (number(*millis), number(*archives), number(*bytes));
    let args = args![*id, *started, millis, *passed, archives, bytes, problem.as_ref(), note];
    tx.execute(sql, args).map(|_| ())
}

/// When an owner's backups were tried.
pub fn put_trial(
    tx: &mut impl SqlMut,
    owner: &str,
    at: Timestamp,
    passed: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO restore_trials (owner, tried, passed) VALUES ($1, $2, $3)
               ON CONFLICT (owner) DO UPDATE SET
                   tried = excluded.tried, passed = coalesce(excluded.passed, passed)";
    tx.execute(sql, args![owner, at, passed.then_some(at)]).map(|_| ())
}

pub fn trials(tx: &impl Sql) -> Result<HashMap<String, Tried>, StoreError> {
    let sql = "SELECT owner, tried, passed FROM restore_trials";
    let rows = tx.query(sql, &[], |row| {
        Ok((row.get(0)?, Tried { tried: row.get(1)?, passed: row.get(2)? }))
    })?;
    Ok(rows.into_iter().collect())
}

/// When the last test began that went well.
pub fn last_passed(tx: &impl Sql) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(started) FROM restore_tests WHERE passed";
    Ok(tx.query_one(sql, &[], |row| row.get(0))?.flatten())
}

pub fn test(tx: &impl Sql, id: RestoreTestId) -> Result<Option<RestoreTest>, StoreError> {
    let sql = "SELECT note FROM restore_tests WHERE id = $1";
    let note: Option<String> = tx.query_one(sql, args![id], |row| row.get(0))?;
    Ok(note.and_then(|note| parse(&note)))
}

/// The newest first; one whose note cannot be read is left out.
pub fn last_tests(tx: &impl Sql) -> Result<Vec<RestoreTest>, StoreError> {
    let sql = "SELECT note FROM restore_tests ORDER BY started DESC, id DESC LIMIT $1";
    let notes = tx.query(sql, args![TESTS], |row| row.get::<String>(0))?;
    Ok(notes.iter().filter_map(|note| parse(note)).collect())
}
