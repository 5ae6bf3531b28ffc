//! Rows of exports.

use super::{Export, ExportError, ExportFormat, ExportRequest, ExportState};
use crate::args;
use crate::crypto::{CryptoError, Field, Key32};
use crate::kernel::id::ExportId;
use crate::kernel::{Timestamp, limits};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, RealmTx, SystemWrite, WriteTx};

type Tx<'a> = WriteTx<'a, SystemWrite>;

pub struct NewExport {
    pub id: ExportId,
    pub request: ExportRequest,
    pub requester: String,
    pub key: Key32,
    pub created: Timestamp,
}

/// What was long over makes room.
pub fn insert(tx: &mut Tx<'_>, new: &NewExport) -> Result<(), DoorError> {
    let json = serde_json::to_vec(&new.request).unwrap_or_default();
    let request = tx.seal(Field::ExportRequest, new.id.bytes(), None, &json)?;
    let key = tx.seal(Field::ExportSpoolKey, new.id.bytes(), None, new.key.expose())?;
    let old = new.created.minus(limits::EXPORT_SHOWN);
    tx.execute("DELETE FROM exports WHERE created < $1", args![old])?;
    tx.execute(
        "INSERT INTO exports (id, requester, request, state, created, spool_key)
         VALUES ($1, $2, $3, 'waiting', $4, $5)",
        args![new.id, &new.requester, &request, new.created, &key],
    )?;
    Ok(())
}

/// From waiting to writing; false when it was cancelled before.
pub fn begin(tx: &mut Tx<'_>, id: ExportId) -> Result<bool, StoreError> {
    let sql = "UPDATE exports SET state = 'writing' WHERE id = $1 AND state = 'waiting'";
    Ok(tx.execute(sql, args![id])? > 0)
}

/// From writing to ready; false when it was cancelled before.
pub fn ready(
    tx: &mut Tx<'_>,
    id: ExportId,
    (entries, bytes): (u64, u64),
    (finished, expires): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE exports SET state = 'ready', entries = $1, bytes = $2, finished = $3, expires = $4
         WHERE id = $5 AND state = 'writing'",
        args![entries.cast_signed(), bytes.cast_signed(), finished, expires, id],
    )?;
    Ok(changed > 0)
}

/// Ends it without a file: the key that would open what is left of it goes. False when it was
/// over already.
pub fn end(
    tx: &mut Tx<'_>,
    id: ExportId,
    state: ExportState,
    problem: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE exports SET state = $1, problem = $2, finished = $3, spool_key = NULL
         WHERE id = $4 AND state IN ('waiting', 'writing', 'ready')",
        args![state.name(), problem, now, id],
    )?;
    Ok(changed > 0)
}

/// Ids and states of those that are not over.
pub fn open(tx: &impl Sql) -> Result<Vec<(ExportId, ExportState, Option<Timestamp>)>, StoreError> {
    let sql = "SELECT id, state, expires FROM exports
               WHERE state IN ('waiting', 'writing', 'ready')";
    tx.query(sql, &[], |row| Ok((row.get(0)?, state(row, 1)?, row.get(2)?)))
}

const COLUMNS: &str = "SELECT id, requester, request, state, created, finished, expires, entries, \
                       bytes, problem, spool_key FROM exports";

/// As many as anybody looks at, newest first.
pub fn newest(tx: &impl RealmTx) -> Result<Vec<Export>, ExportError> {
    let sql = format!("{COLUMNS} ORDER BY created DESC, id DESC LIMIT 100");
    let rows = tx.query(&sql, &[], raw)?;
    rows.into_iter().map(|row| row.open(tx)).collect()
}

pub fn one(tx: &impl RealmTx, id: ExportId) -> Result<Option<Export>, ExportError> {
    let found = tx.query_one(&format!("{COLUMNS} WHERE id = $1"), args![id], raw)?;
    found.map(|row| row.open(tx)).transpose()
}

/// The key of an export's file, as long as there is one.
pub fn key(tx: &impl RealmTx, id: ExportId) -> Result<Option<Key32>, ExportError> {
    let sql = "SELECT spool_key FROM exports WHERE id = $1 AND spool_key IS NOT NULL";
    let Some(sealed) = tx.query_one(sql, args![id], |row| row.get::<Vec<u8>>(0))? else {
        return Ok(None);
    };
    let key = tx.open(Field::ExportSpoolKey, id.bytes(), &sealed)?;
    Ok(Some(Key32::from_slice(&key).ok_or(CryptoError::Unreadable)?))
}

/// Whether it was thrown away, or is not there at all.
pub fn is_cancelled(tx: &impl Sql, id: ExportId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM exports WHERE id = $1 AND state <> 'cancelled'";
    Ok(tx.count(sql, args![id])? == 0)
}

struct Raw {
    export: Export,
    request: Vec<u8>,
}

impl Raw {
    fn open(self, tx: &impl RealmTx) -> Result<Export, ExportError> {
        let Self { mut export, request } = self;
        let json = tx.open(Field::ExportRequest, export.id.bytes(), &request)?;
        export.request = serde_json::from_slice(&json).map_err(|_| CryptoError::Unreadable)?;
        Ok(export)
    }
}

fn state(row: &Row<'_>, column: usize) -> Result<ExportState, StoreError> {
    let damaged = || StoreError::Sql("an export's row is damaged".into());
    ExportState::parse(&row.get::<String>(column)?).ok_or_else(damaged)
}

fn raw(row: &Row<'_>) -> Result<Raw, StoreError> {
    let requester: String = row.get(1)?;
    let (kind, id) = requester.split_once(':').unwrap_or(("", &requester));
    let state = state(row, 3)?;
    let entries = row.get(7)?;
    let export = Export {
        id: row.get(0)?,
        request: ExportRequest {
            format: ExportFormat::Jsonl,
            q: String::new(),
            from: None,
            to: None,
            log: None,
        },
        state,
        requester: (kind.to_owned(), id.to_owned()),
        created: row.get(4)?,
        finished: row.get(5)?,
        expires: row.get(6)?,
        done: entries,
        total: (state == ExportState::Ready).then_some(entries),
        bytes: row.get(8)?,
        problem: row.get(9)?,
    };
    Ok(Raw { export, request: row.get(2)? })
}
