//! The table `closings` of the platform's file.

use serde::{Deserialize, Serialize};

use super::ClosingState;
use crate::args;
use crate::audit::shreds::AskedBy;
use crate::kernel::Timestamp;
use crate::kernel::id::{ClosingId, LogId, TenantId};
use crate::store::{Row, Sql, SqlMut, StoreError};

/// A closing as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub id: ClosingId,
    pub tenant: TenantId,
    pub slug: String,
    pub name: String,
    pub state: ClosingState,
    /// The state that the tenant had.
    pub before: String,
    pub actor: AskedBy,
    pub reason: Vec<u8>,
    pub closed: Timestamp,
    pub due: Timestamp,
    pub held: bool,
    pub reopened: Option<Timestamp>,
    pub log: Option<LogEnd>,
    pub finished: Option<Timestamp>,
    pub keys_until: Option<Timestamp>,
    pub data_until: Option<Timestamp>,
    pub certificate: Option<String>,
}

/// How a tenant's log ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogEnd {
    pub log: LogId,
    pub size: u64,
    /// Root of the tree, in Base64.
    pub root: String,
}

/// How a destruction ended.
pub struct End<'a> {
    pub time: Timestamp,
    pub keys_until: Option<Timestamp>,
    pub data_until: Option<Timestamp>,
    pub certificate: &'a str,
}

const COLUMNS: &str =
    "SELECT id, tenant, slug, name, state, before, actor, reason, closed, due, held,
    reopened, log, finished, keys_until, data_until, certificate FROM closings";

pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<(), StoreError> {
    let actor = serde_json::to_string(&new.actor).unwrap_or_default();
    tx.execute(
        "INSERT INTO closings (id, tenant, slug, name, state, before, actor, reason, closed, due)
         VALUES ($1, $2, $3, $4, 'closed', $5, $6, $7, $8, $9)",
        args![
            new.id,
            new.tenant,
            &new.slug,
            &new.name,
            &new.before,
            &actor,
            &new.reason,
            new.closed,
            new.due,
        ],
    )?;
    Ok(())
}

pub fn reopen(tx: &mut impl SqlMut, id: ClosingId, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE closings SET state = 'reopened', reopened = $1 WHERE id = $2";
    tx.execute(sql, args![now, id]).map(|_| ())
}

pub fn hold(tx: &mut impl SqlMut, id: ClosingId, held: bool) -> Result<(), StoreError> {
    let held = i64::from(held);
    tx.execute("UPDATE closings SET held = $1 WHERE id = $2", args![held, id]).map(|_| ())
}

pub fn begin(tx: &mut impl SqlMut, id: ClosingId, log: &LogEnd) -> Result<(), StoreError> {
    let log = serde_json::to_string(log).unwrap_or_default();
    let sql = "UPDATE closings SET state = 'destroying', held = 0, log = $1 WHERE id = $2";
    tx.execute(sql, args![&log, id]).map(|_| ())
}

pub fn finish(tx: &mut impl SqlMut, id: ClosingId, end: &End<'_>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE closings SET state = 'destroyed', finished = $1, keys_until = $2, data_until = $3,
             certificate = $4 WHERE id = $5",
        args![end.time, end.keys_until, end.data_until, end.certificate, id],
    )?;
    Ok(())
}

pub fn find(tx: &impl Sql, id: ClosingId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], stored)
}

/// The one that is in its time of grace.
pub fn of_tenant(tx: &impl Sql, tenant: TenantId) -> Result<Option<Stored>, StoreError> {
    tx.query_one(
        &format!("{COLUMNS} WHERE tenant = $1 AND state = 'closed'"),
        args![tenant],
        stored,
    )
}

/// The latest first.
pub fn list(tx: &impl Sql, most: u32) -> Result<Vec<Stored>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY closed DESC, id DESC LIMIT $1"), args![most], stored)
}

/// Those to be destroyed or to be completed, oldest first.
pub fn due(tx: &impl Sql, now: Timestamp) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE state = 'destroying' OR (state = 'closed' AND due <= $1) ORDER BY due"
    );
    tx.query(&sql, args![now], stored)
}

/// Whether a tenant was destroyed, or is being so: nothing of it may be restored.
pub fn is_destroyed(tx: &impl Sql, tenant: TenantId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM closings
               WHERE tenant = $1 AND state IN ('destroying', 'destroyed')";
    Ok(tx.count(sql, args![tenant])? > 0)
}

/// Every tenant that was destroyed, with when: backups of its data are of no use.
pub fn was_destroyed(tx: &impl Sql) -> Result<Vec<(TenantId, Timestamp)>, StoreError> {
    let sql = "SELECT tenant, finished FROM closings WHERE state = 'destroyed' ORDER BY finished";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    let damaged = || StoreError::Sql("the record of a closing is damaged".into());
    let log: Option<String> = row.get(12)?;
    let certificate: String = row.get(16)?;
    Ok(Stored {
        id: row.get(0)?,
        tenant: row.get(1)?,
        slug: row.get(2)?,
        name: row.get(3)?,
        state: ClosingState::parse(&row.get::<String>(4)?).ok_or_else(damaged)?,
        before: row.get(5)?,
        actor: serde_json::from_str(&row.get::<String>(6)?).map_err(|_| damaged())?,
        reason: row.get(7)?,
        closed: row.get(8)?,
        due: row.get(9)?,
        held: row.get(10)?,
        reopened: row.get(11)?,
        log: log.map(|log| serde_json::from_str(&log)).transpose().map_err(|_| damaged())?,
        finished: row.get(13)?,
        keys_until: row.get(14)?,
        data_until: row.get(15)?,
        certificate: Some(certificate).filter(|text| !text.is_empty()),
    })
}
