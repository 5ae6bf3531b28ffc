//! The catalogue's rows, and what manifests say of a file.

use std::collections::BTreeMap;

use super::catalogue::{Elsewhere, Entry, Placement, PlacementState};
use super::{Kind, Manifest};
use crate::args;
use crate::audit::pruning;
use crate::authz::Realm;
use crate::kernel::Timestamp;
use crate::kernel::id::{BackupId, TenantId};
use crate::store::{Row, Sql, SqlMut, StoreError, Value};

fn owner(realm: Realm) -> Option<TenantId> {
    match realm {
        Realm::Platform => None,
        Realm::Tenant(id) => Some(id),
    }
}

pub fn insert(
    tx: &mut impl SqlMut,
    realm: Realm,
    manifest: &Manifest,
    note: &str,
    placements: &[Placement],
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO backups (id, kind, owner, taken, path, bytes, manifest)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            manifest.id,
            manifest.kind.name(),
            owner(realm),
            manifest.taken,
            manifest.path.as_str(),
            manifest.bytes.cast_signed(),
            note
        ],
    )?;
    for placement in placements {
        place(tx, manifest.id, placement)?;
    }
    Ok(())
}

/// Says how an archive is in one target.
pub fn place(
    tx: &mut impl SqlMut,
    backup: BackupId,
    placement: &Placement,
) -> Result<(), StoreError> {
    let Placement { target, state, since, verified } = placement;
    tx.execute(
        "INSERT INTO backup_placements (backup, target, state, since, verified)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (backup, target) DO UPDATE SET
             state = excluded.state, since = excluded.since, verified = excluded.verified",
        args![backup, target.as_str(), state.name(), *since, *verified],
    )?;
    Ok(())
}

pub fn remove(tx: &mut impl SqlMut, backup: BackupId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM backup_placements WHERE backup = $1", args![backup])?;
    tx.execute("DELETE FROM backups WHERE id = $1", args![backup]).map(|_| ())
}

pub fn displace(tx: &mut impl SqlMut, backup: BackupId, target: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM backup_placements WHERE backup = $1 AND target = $2";
    tx.execute(sql, args![backup, target]).map(|_| ())
}

const COLUMNS: &str = "SELECT id, manifest, rowid FROM backups";

/// Every archive, the newest first.
pub fn all(tx: &impl Sql) -> Result<Vec<Entry>, StoreError> {
    entries(tx, &format!("{COLUMNS} ORDER BY taken DESC, id DESC"), &[])
}

pub fn of_owner(tx: &impl Sql, realm: Realm) -> Result<Vec<Entry>, StoreError> {
    let order = "ORDER BY taken DESC, id DESC";
    match owner(realm) {
        None => entries(tx, &format!("{COLUMNS} WHERE owner IS NULL {order}"), &[]),
        Some(id) => entries(tx, &format!("{COLUMNS} WHERE owner = $1 {order}"), args![id]),
    }
}

/// The newest archives that hold keys of an owner, `most` of them, the newest first.
pub fn keys(tx: &impl Sql, realm: Realm, most: u32) -> Result<Vec<Entry>, StoreError> {
    let kinds = "kind IN ('keys', 'keys-delta') ORDER BY taken DESC, id DESC";
    match owner(realm) {
        None => {
            let sql = format!("{COLUMNS} WHERE owner IS NULL AND {kinds} LIMIT $1");
            entries(tx, &sql, args![most])
        }
        Some(id) => {
            let sql = format!("{COLUMNS} WHERE owner = $1 AND {kinds} LIMIT $2");
            entries(tx, &sql, args![id, most])
        }
    }
}

pub fn find(tx: &impl Sql, backup: BackupId) -> Result<Option<Entry>, StoreError> {
    let found = entries(tx, &format!("{COLUMNS} WHERE id = $1"), args![backup])?;
    Ok(found.into_iter().next())
}

/// Every target that archives were stored in and should still be.
pub fn in_use(tx: &impl Sql) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT target FROM backup_placements WHERE state <> 'missing'";
    tx.query(sql, &[], |row| row.get(0))
}

/// What lies in targets other than these.
pub fn elsewhere(tx: &impl Sql, here: &[String]) -> Result<Vec<Elsewhere>, StoreError> {
    let sql = "SELECT target, sum(archive), sum(keys), sum(changes), min(oldest), max(newest)
               FROM (SELECT p.target, 1 AS archive, 0 AS changes, b.taken AS oldest,
                            b.kind IN ('root', 'keys', 'keys-delta') AS keys, b.taken AS newest
                     FROM backup_placements p JOIN backups b ON b.id = p.backup
                     WHERE p.state <> 'missing'
                     UNION ALL SELECT target, 0, 1, since, 0, last FROM archive_targets)
               GROUP BY target ORDER BY target";
    let mut found = tx.query(sql, &[], |row| {
        Ok(Elsewhere {
            target: row.get(0)?,
            archives: row.get(1)?,
            key_archives: row.get(2)?,
            changes: row.get(3)?,
            oldest: row.get(4)?,
            newest: row.get(5)?,
        })
    })?;
    found.retain(|one| !here.contains(&one.target));
    Ok(found)
}

/// What [`forget_target`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    pub archives: u64,
    /// Whether continuous archiving had sent changes there.
    pub changes: bool,
}

/// Forgets what lies in a target, and archives that lie nowhere else.
pub fn forget_target(tx: &mut impl SqlMut, target: &str) -> Result<Forgotten, StoreError> {
    let sql = "SELECT count(*) FROM backup_placements WHERE target = $1";
    let archives = tx.count(sql, args![target])?;
    let alone = "DELETE FROM backups WHERE id IN (
                     SELECT backup FROM backup_placements GROUP BY backup
                     HAVING min(target) = $1 AND max(target) = $1)";
    tx.execute(alone, args![target])?;
    tx.execute("DELETE FROM backup_placements WHERE target = $1", args![target])?;
    let changes = tx.execute("DELETE FROM archive_targets WHERE target = $1", args![target])? > 0;
    tx.execute("DELETE FROM backup_overdue WHERE target = $1", args![target])?;
    Ok(Forgotten { archives, changes })
}

/// Changes are sent to this target, at this time still.
pub fn changes_in(tx: &mut impl SqlMut, target: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO archive_targets (target, since, last) VALUES ($1, $2, $2)
         ON CONFLICT (target) DO UPDATE SET last = excluded.last",
        args![target, now],
    )?;
    Ok(())
}

/// When the first archive of data was taken that is still known.
pub fn first(tx: &impl Sql) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(taken) FROM backups WHERE kind = 'data'";
    Ok(tx.query_one(sql, &[], |row| row.get(0))?.flatten())
}

/// When the last archive of a kind was taken.
pub fn last(tx: &impl Sql, kind: Kind) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(taken) FROM backups WHERE kind = $1";
    Ok(tx.query_one(sql, args![kind.name()], |row| row.get(0))?.flatten())
}

fn entries(tx: &impl Sql, sql: &str, args: &[Value<'_>]) -> Result<Vec<Entry>, StoreError> {
    let read =
        |row: &Row<'_>| Ok((row.get::<BackupId>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?));
    tx.query(sql, args, read)?
        .into_iter()
        .map(|(id, note, row)| {
            let manifest = Manifest::unchecked(&note)
                .map_err(|_| StoreError::Sql(format!("backup {id} has no manifest").into()))?;
            Ok(Entry { row, placements: placements(tx, id)?, manifest, note })
        })
        .collect()
}

fn placements(tx: &impl Sql, backup: BackupId) -> Result<Vec<Placement>, StoreError> {
    let sql = "SELECT target, state, since, verified FROM backup_placements
               WHERE backup = $1 ORDER BY target";
    tx.query(sql, args![backup], |row| {
        let state: String = row.get(1)?;
        Ok(Placement {
            target: row.get(0)?,
            state: PlacementState::parse(&state),
            since: row.get(2)?,
            verified: row.get(3)?,
        })
    })
}

/// The number of the file's schema.
pub fn schema(tx: &impl Sql) -> Result<u32, StoreError> {
    Ok(tx.query_one("PRAGMA user_version", &[], |row| row.get(0))?.unwrap_or(0))
}

/// Rows of each table; of entries as [`pruning::rows`] has it.
pub fn rows(tx: &impl Sql) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = tx.query(sql, &[], |row| row.get(0))?;
    let count = |table: String| {
        let rows = match table.as_str() {
            pruning::ENTRIES => pruning::rows(tx)?,
            _ => tx.count(&format!("SELECT count(*) FROM \"{table}\""), &[])?,
        };
        Ok((table, rows))
    };
    tables.into_iter().map(count).collect()
}
