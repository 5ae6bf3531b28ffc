//! Which entries an export has.

use std::time::Duration;

use roaring::RoaringTreemap;

use super::ExportError;
use crate::audit::index::{self, Cursor};
use crate::audit::past::PastLog;
use crate::audit::query::Query;
use crate::audit::{pruning, read};
use crate::kernel::Timestamp;
use crate::kernel::id::LogId;
use crate::store::Sql;
use crate::tenants::ReadTx;

/// Numbers of the entries, as a compressed set: ten million that follow one another take a few
/// hundred bytes, ten million at random a few megabytes.
pub struct Plan {
    pub log: LogId,
    pub seqs: RoaringTreemap,
    /// More than half of what could be exported.
    pub is_whole: bool,
    /// Whether it is a log from before a restore.
    pub is_past: bool,
}

/// Numbers found in one search, and how long it may take.
const PAGE: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks the numbers up, at most `most`, none above `through`.
///
/// # Errors
/// [`ExportError::Behind`] when the index did not catch up within `budget`: an export has all that
/// was there when it was asked for. [`ExportError::TooMany`].
pub fn plan(
    tx: &ReadTx<'_>,
    query: &Query,
    budget: Duration,
    most: u64,
    through: u64,
) -> Result<Plan, ExportError> {
    let size = read::size(tx)?.min(through);
    let log = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
    let mut seqs = RoaringTreemap::new();
    if query.root.is_none() {
        seqs.insert_range(first(tx)?..=size);
    } else {
        let through = tx.catch_up_index(budget)?;
        if through < size {
            return Err(ExportError::Behind);
        }
        let mut above = Some(0);
        while let Some(last) = above
            && seqs.len() <= most
        {
            let found = tx.search_index(query, Cursor::Above(last), PAGE, size, PATIENCE)?;
            above = found.seqs.last().copied().filter(|_| found.more);
            seqs.extend(found.seqs);
        }
    }
    if seqs.len() > most {
        return Err(ExportError::TooMany);
    }
    // However it is worded: leaving out a few entries is no narrower export.
    let is_whole = seqs.len() * 2 > (size + 1).saturating_sub(first(tx)?);
    let log = log.unwrap_or(LogId::from_bytes([0; 16]));
    Ok(Plan { log, seqs, is_whole, is_past: false })
}

/// The same in the file of a log from before a restore, which no index is made of any more.
pub fn plan_past(
    tx: &impl Sql,
    past: &PastLog,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    most: u64,
) -> Result<Plan, ExportError> {
    let (first, size) = (first(tx)?, past.size);
    let from = from.map_or(Ok(first), |time| index::seq_from(tx, time))?;
    let to = to.map_or(Ok(size + 1), |time| index::seq_from(tx, time))?;
    let mut seqs = RoaringTreemap::new();
    seqs.insert_range(from..to.min(size + 1));
    if seqs.len() > most {
        return Err(ExportError::TooMany);
    }
    let is_whole = seqs.len() * 2 > (size + 1).saturating_sub(first);
    Ok(Plan { log: past.id, seqs, is_whole, is_past: true })
}

/// The oldest entry that may still be seen; rows before it may wait to be removed.
pub fn first(tx: &impl Sql) -> Result<u64, ExportError> {
    Ok(pruning::through(tx)? + 1)
}
