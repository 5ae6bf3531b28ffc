//! Statements about what is published, in the platform's file.

use std::collections::HashMap;

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::{Sql, SqlMut, StoreError};

/// Sizes by place and log.
pub type Sizes = HashMap<(String, LogId), u64>;

/// The highest that was published of each log at each place.
pub fn all(tx: &impl Sql) -> Result<Sizes, StoreError> {
    let rows = tx.query("SELECT place, log, size FROM publications", &[], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
    })?;
    Ok(rows.into_iter().collect())
}

pub fn put(
    tx: &mut impl SqlMut,
    place: &str,
    log: LogId,
    size: u64,
    time: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO publications (place, log, size, time) VALUES ($1, $2, $3, $4)
               ON CONFLICT (place, log) DO UPDATE
               SET size = excluded.size, time = excluded.time, marked = 0";
    tx.execute(sql, args![place, log, size.cast_signed(), time]).map(|_| ())
}

/// What the logs' own files do not say yet.
pub fn unmarked(tx: &impl Sql) -> Result<Vec<(LogId, u64)>, StoreError> {
    let sql = "SELECT DISTINCT log, size FROM publications WHERE marked = 0";
    tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub fn marked(tx: &mut impl SqlMut, log: LogId, size: u64) -> Result<(), StoreError> {
    let sql = "UPDATE publications SET marked = 1 WHERE log = $1 AND size = $2";
    tx.execute(sql, args![log, size.cast_signed()]).map(|_| ())
}
