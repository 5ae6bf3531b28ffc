//! How targets are, and what is missing in them.

use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::BackupId;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// How a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetState {
    pub target: String,
    pub last_success: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    /// Whether somebody was told that it fails.
    pub alarmed: bool,
    pub error: Option<String>,
    /// Lines of the ledger of erasures that are there.
    pub ledger: u64,
}

const COLUMNS: &str = "SELECT target, last_success, failing_since, alarmed, error, ledger
    FROM backup_targets";

pub fn states(tx: &impl Sql) -> Result<Vec<TargetState>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY target"), &[], state)
}

pub fn find(tx: &impl Sql, target: &str) -> Result<Option<TargetState>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE target = $1"), args![target], state)
}

fn state(row: &Row<'_>) -> Result<TargetState, StoreError> {
    Ok(TargetState {
        target: row.get(0)?,
        last_success: row.get(1)?,
        failing_since: row.get(2)?,
        alarmed: row.get(3)?,
        error: row.get(4)?,
        ledger: row.get(5)?,
    })
}

pub fn put(tx: &mut impl SqlMut, state: &TargetState) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO backup_targets (target, last_success, failing_since, alarmed, error, ledger)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (target) DO UPDATE SET
             last_success = excluded.last_success, failing_since = excluded.failing_since,
             alarmed = excluded.alarmed, error = excluded.error, ledger = excluded.ledger",
        args![
            state.target.as_str(),
            state.last_success,
            state.failing_since,
            state.alarmed,
            state.error.as_ref(),
            state.ledger.cast_signed()
        ],
    )?;
    Ok(())
}

/// Whatever is kept elsewhere is missing in a target that has never heard of it.
pub fn expect_all(tx: &mut impl SqlMut, target: &str, now: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "INSERT INTO backup_placements (backup, target, state, since)
         SELECT id, $1, 'missing', $2 FROM backups
         WHERE NOT EXISTS (SELECT 1 FROM backup_placements p
                           WHERE p.backup = backups.id AND p.target = $3)
             AND EXISTS (SELECT 1 FROM backup_placements p
                         WHERE p.backup = backups.id AND p.state = 'stored')",
        args![target, now, target],
    )
}

/// Archives that a target misses or has damaged and another has, the newest first: id, manifest, and
/// where they are.
pub fn missing(
    tx: &impl Sql,
    target: &str,
    most: u32,
) -> Result<Vec<(BackupId, String, Vec<String>)>, StoreError> {
    let sql = "SELECT b.id, b.manifest FROM backup_placements p JOIN backups b ON b.id = p.backup
               WHERE p.target = $1 AND p.state IN ('missing', 'damaged')
                   AND EXISTS (SELECT 1 FROM backup_placements o
                               WHERE o.backup = p.backup AND o.target <> p.target
                                   AND o.state = 'stored')
               ORDER BY b.taken DESC LIMIT $2";
    let rows = tx.query(sql, args![target, most], |row| {
        Ok((row.get::<BackupId>(0)?, row.get::<String>(1)?))
    })?;
    let stored = "SELECT target FROM backup_placements
                  WHERE backup = $1 AND state = 'stored' ORDER BY target";
    rows.into_iter()
        .map(|(id, note)| Ok((id, note, tx.query(stored, args![id], |row| row.get(0))?)))
        .collect()
}

/// How many archives a target misses.
pub fn count_missing(tx: &impl Sql, target: &str) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM backup_placements WHERE target = $1 AND state = 'missing'";
    tx.count(sql, args![target])
}

/// Says how an archive is in a target, unless it was pruned meanwhile.
pub fn mark(
    tx: &mut impl SqlMut,
    backup: BackupId,
    target: &str,
    state: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE backup_placements SET state = $1, since = $2
               WHERE backup = $3 AND target = $4";
    tx.execute(sql, args![state, now, backup, target]).map(|_| ())
}
