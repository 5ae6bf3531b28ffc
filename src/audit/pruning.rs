//! Removing entries that are past their retention: where a log is cut, and the cut itself.
//!
//! A cut is at the size of a signed checkpoint, so that what is left begins at something signed;
//! the tiles of the tree stay, so that what was removed can still be proven. From the moment in
//! which the cut is recorded, entries up to it are gone for every reader; their rows are removed
//! after it, a few at a time.

use super::event::Resource;
use super::leaf::Hash;
use super::{Event, catalogue, read, retention};
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::{RawWriteTx, Sql, SqlMut, StoreError};

/// The table of entries.
pub const ENTRIES: &str = "audit_entries";

/// Entries up to this number have been removed; 0 when none was.
pub fn through(tx: &impl Sql) -> Result<u64, StoreError> {
    tx.count("SELECT coalesce(max(through), 0) FROM audit_pruned", &[])
}

/// Whether rows are left that a cut has left behind.
pub fn is_unfinished(tx: &impl Sql) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM
                   (SELECT seq FROM audit_entries WHERE seq <= $1 ORDER BY seq LIMIT 1)";
    Ok(tx.count(sql, args![through(tx)?.cast_signed()])? > 0)
}

/// Rows of entries in the file, as they are when none is missing in between, which a verification
/// finds out. To count them is to read and decrypt nearly all of the file.
pub fn rows(tx: &impl Sql) -> Result<u64, StoreError> {
    let (pruned, size) = (through(tx)?, read::size(tx)?);
    let sql = "SELECT count(*) FROM audit_entries WHERE seq <= $1";
    let left = tx.count(sql, args![pruned.cast_signed()])?;
    Ok(left + size.saturating_sub(pruned))
}

/// Where a log is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The first entry that goes.
    pub from: u64,
    /// The last one.
    pub through: u64,
    /// The signed checkpoint of the log when it had that many entries.
    pub checkpoint: String,
    /// Its root.
    pub root: Hash,
}

/// What a retention of `days` cuts off now; nothing when nothing is due.
///
/// Three things hold it back (a legal hold is asked before): the setting, the tiles (an entry goes when a full one has its hash),
/// and the checkpoints.
pub fn cut(tx: &impl Sql, days: u32, now: Timestamp) -> Result<Option<Cut>, StoreError> {
    let (pruned, size) = (through(tx)?, read::size(tx)?);
    let Some(keep_from) = keep_from(tx, days, now)? else { return Ok(None) };
    let due = retention::last_before(tx, pruned, size, keep_from)?;
    let proven = size - size % 256;
    let sql = "SELECT size, note, root FROM checkpoints WHERE size > $1 AND size <= $2
               ORDER BY size DESC LIMIT 1";
    tx.query_one(sql, args![pruned.cast_signed(), due.min(proven).cast_signed()], |row| {
        Ok(Cut {
            from: pruned + 1,
            through: row.get(0)?,
            checkpoint: row.get(1)?,
            root: Hash::from_bytes(row.get(2)?),
        })
    })
}

/// From when on entries are kept now; none for an empty log. The end of a log is by its own clock: a
/// wall clock that runs ahead while nothing is written must not make the whole log look old.
pub fn keep_from(
    tx: &impl Sql,
    days: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let last = retention::entry_time(tx, read::size(tx)?)?;
    Ok(last.map(|last| retention::keep_from(now.min(last), days)))
}

/// Cuts the log; the event goes with it.
///
/// # Errors
/// [`StoreError::Constraint`] for a cut that the file's own rules refuse.
pub fn record(
    tx: &mut impl SqlMut,
    cut: &Cut,
    log: LogId,
    days: u32,
    now: Timestamp,
) -> Result<Event, StoreError> {
    tx.execute(
        "INSERT INTO audit_pruned (through, checkpoint, time) VALUES ($1, $2, $3)",
        args![cut.through.cast_signed(), &cut.checkpoint, now],
    )?;
    Ok(pruned(cut, log, days))
}

/// That entries of a log were removed.
pub fn pruned(cut: &Cut, log: LogId, days: u32) -> Event {
    let mut event = Event::new(catalogue::AUDIT_PRUNED);
    event.resource = Some(Resource::new("audit_log", log.to_string()));
    let fields = &mut event.custom_fields;
    fields.insert("from".into(), cut.from.into());
    fields.insert("through".into(), cut.through.into());
    fields.insert("root".into(), cut.root.to_string().into());
    fields.insert("checkpoint".into(), cut.checkpoint.as_str().into());
    fields.insert("retentionDays".into(), days.into());
    event
}

/// Removes up to `most` rows that a recorded cut left behind, oldest first; answers how many.
pub fn remove(tx: &mut RawWriteTx<'_>, most: u32) -> Result<u64, StoreError> {
    match through(tx)? {
        0 => Ok(0),
        through => tx.remove_entries(through, most),
    }
}
