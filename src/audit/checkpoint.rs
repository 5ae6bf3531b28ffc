//! Checkpoints of a log as they are stored with it: signed notes over size and root.
//!
//! One is signed in the append transaction at each multiple of [`EVERY`] entries, within a minute
//! of growth, when the file closes, and when somebody asks for one and the log has grown.

use super::leaf::Hash;
use super::notary::Notary;
use super::note::Signature;
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::{Row, Sql, SqlMut, StoreError};

/// Entries after which a checkpoint is signed in the transaction that appends.
pub const EVERY: u64 = 10_000;
/// Older ones are thinned to one a day, unless somebody else may hold them.
pub const THINNED_AFTER: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);
/// Rows removed in one transaction.
const THINNED_AT_ONCE: u64 = 1000;

/// A checkpoint as it is stored. Its note proves it; the other columns are for finding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub size: u64,
    pub root: Hash,
    /// When it was signed.
    pub time: Timestamp,
    /// With the log's signature alone.
    pub note: String,
    /// Published or witnessed: it is never thinned.
    pub kept: bool,
}

/// A witness's signature under a checkpoint, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCosignature {
    pub size: u64,
    /// The witness's verifier key.
    pub witness: String,
    /// When the witness says that it signed.
    pub time: Timestamp,
    pub line: String,
}

/// The log's id, and what it calls itself in checkpoints; none in a file without a log.
pub fn log(tx: &impl Sql, notary: &Notary) -> Result<Option<(LogId, String)>, StoreError> {
    let sql = "SELECT id, origin FROM audit_log";
    let found = tx.query_one(sql, &[], |row| Ok((row.get::<LogId>(0)?, row.get::<String>(1)?)))?;
    Ok(found.map(|(id, origin)| match origin.is_empty() {
        true => (id, notary.origin(id)),
        false => (id, origin),
    }))
}

const COLUMNS: &str = "SELECT size, root, time, note, kept FROM checkpoints";

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    Ok(Stored {
        size: row.get(0)?,
        root: Hash::from_bytes(row.get(1)?),
        time: row.get(2)?,
        note: row.get(3)?,
        kept: row.get::<i64>(4)? != 0,
    })
}

/// The checkpoint over the most entries.
pub fn latest(tx: &impl Sql) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} ORDER BY size DESC LIMIT 1"), &[], stored)
}

/// The checkpoint over exactly so many entries.
pub fn at(tx: &impl Sql, size: u64) -> Result<Option<Stored>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE size = $1"), args![size.cast_signed()], stored)
}

/// The largest checkpoint over at most so many entries.
pub fn at_most(tx: &impl Sql, size: u64) -> Result<Option<Stored>, StoreError> {
    let sql = format!("{COLUMNS} WHERE size <= $1 ORDER BY size DESC LIMIT 1");
    tx.query_one(&sql, args![size.cast_signed()], stored)
}

/// Checkpoints over fewer than `below` entries, the largest first.
pub fn list(tx: &impl Sql, below: Option<u64>, most: u64) -> Result<Vec<Stored>, StoreError> {
    let below = below.map_or(i64::MAX, u64::cast_signed);
    let sql = format!("{COLUMNS} WHERE size < $1 ORDER BY size DESC LIMIT $2");
    tx.query(&sql, args![below, most.cast_signed()], stored)
}

/// The largest checkpoint that a witness has signed.
pub fn witnessed(tx: &impl Sql) -> Result<Option<Stored>, StoreError> {
    let sql = format!("{COLUMNS} WHERE size = (SELECT max(size) FROM cosignatures)");
    tx.query_one(&sql, &[], stored)
}

/// The cosignatures under the checkpoint over so many entries, the earliest first.
pub fn cosignatures(tx: &impl Sql, size: u64) -> Result<Vec<StoredCosignature>, StoreError> {
    let sql = "SELECT size, witness, time, line FROM cosignatures WHERE size = $1
               ORDER BY time, witness";
    tx.query(sql, args![size.cast_signed()], |row| {
        Ok(StoredCosignature {
            size: row.get(0)?,
            witness: row.get(1)?,
            time: row.get(2)?,
            line: row.get(3)?,
        })
    })
}

/// The note with the lines of those who witnessed it, as it is handed out.
pub fn with_cosignatures(tx: &impl Sql, checkpoint: &Stored) -> Result<String, StoreError> {
    let mut note = checkpoint.note.clone();
    for cosignature in cosignatures(tx, checkpoint.size)? {
        // One that somebody spoiled would make the whole note unreadable.
        if Signature::parse(&cosignature.line).is_ok() {
            note.push_str(&cosignature.line);
            note.push('\n');
        }
    }
    Ok(note)
}

/// Stores a checkpoint. One over as many entries that is there already stays.
pub fn insert(tx: &mut impl SqlMut, new: &Stored) -> Result<bool, StoreError> {
    let sql = "INSERT INTO checkpoints (size, root, time, note, kept) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (size) DO NOTHING";
    let Stored { size, root, time, note, kept } = new;
    let args = args![size.cast_signed(), root.bytes(), *time, note, i64::from(*kept)];
    Ok(tx.execute(sql, args)? > 0)
}

/// Marks a checkpoint as published or witnessed: from now on it is kept for ever.
pub fn keep(tx: &mut impl SqlMut, size: u64) -> Result<(), StoreError> {
    let sql = "UPDATE checkpoints SET kept = 1 WHERE size = $1 AND kept = 0";
    tx.execute(sql, args![size.cast_signed()]).map(|_| ())
}

/// Removes old checkpoints but the last of each day and those that are kept for ever, a bounded
/// number of them; how many.
pub fn thin(tx: &mut impl SqlMut, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "DELETE FROM checkpoints WHERE size IN (
                   SELECT old.size FROM checkpoints AS old
                   WHERE old.time < $1 AND old.kept = 0 AND EXISTS (
                       SELECT 1 FROM checkpoints AS later
                       WHERE later.time >= old.time - old.time % 86400000000
                       AND later.time < old.time - old.time % 86400000000 + 86400000000
                       AND later.size > old.size)
                   ORDER BY old.time LIMIT $2)";
    tx.execute(sql, args![now.minus(THINNED_AFTER), THINNED_AT_ONCE.cast_signed()])
}

/// Writes down that the log does not fit a signed checkpoint; false when that is known.
pub fn note_contradiction(
    tx: &mut impl SqlMut,
    size: u64,
    root: &Hash,
    missing: Option<u64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO contradictions (size, root, missing, found) VALUES ($1, $2, $3, $4)
               ON CONFLICT (size, root) DO NOTHING";
    let missing = missing.map(u64::cast_signed);
    Ok(tx.execute(sql, args![size.cast_signed(), root.bytes(), missing, now])? > 0)
}

/// The first entry that was missing when the log was found not to reach this checkpoint; since
/// then others may have taken its place.
pub fn missing_since(tx: &impl Sql, size: u64, root: &Hash) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT missing FROM contradictions WHERE size = $1 AND root = $2";
    let found = tx.query_one(sql, args![size.cast_signed(), root.bytes()], |row| row.get(0))?;
    Ok(found.flatten())
}
