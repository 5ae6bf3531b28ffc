//! Which entries an export has.

use std::time::Duration;

use roaring::RoaringTreemap;

use super::ExportError;
use crate::audit::index::Cursor;
use crate::audit::query::Query;
use crate::audit::{pruning, read};
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
    Ok(Plan { log: log.unwrap_or(LogId::from_bytes([0; 16])), seqs, is_whole })
}

/// The oldest entry that may still be seen; rows before it may wait to be removed.
pub fn first(tx: &ReadTx<'_>) -> Result<u64, ExportError> {
    Ok(pruning::through(tx)? + 1)
}
