//! Checking a log from its first entry to its last: chain, payload hashes, tree, checkpoints.
//!
//! The log is taken in ranges of whole tiles. A range is checked by itself, because the tile before
//! it says with which hash it begins, and that tile is checked with the range that fills it. So all
//! cores work at once, each with a reading connection of its own and in short transactions: writers
//! are not held up, nor is the WAL.

mod range;
mod ranges;
mod signed;
#[cfg(test)]
mod tests;
mod tree;

use std::time::Duration;

use serde::Serialize;

use super::checkpoint;
use super::leaf::Hash;
use super::notary::{Head, Notary};
use super::past::PastVerification;
use crate::args;
use crate::kernel::id::LogId;
use crate::kernel::{Clock, Timestamp};
use crate::store::{RawReadTx, Readers, Sql, StoreError};

/// What a verification found.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    pub ok: bool,
    pub log_id: LogId,
    /// Entries in the log.
    pub size: u64,
    /// Hash of the last entry that follows from all before it; 64 zeros for an empty log.
    pub head: Hash,
    /// RFC 6962 root of the tree over the same entries.
    pub root: Hash,
    /// The first entry that is not what was written, as far as that can be told.
    pub first_bad: Option<u64>,
    /// What is wrong with it.
    pub reason: Option<&'static str>,
    /// Checkpoints whose signatures and roots were checked.
    pub checkpoints: u64,
    /// The highest checkpoint that is known from outside of the log's file: up to its size, nothing
    /// was cut off or exchanged. None when no such checkpoint is known.
    pub excluded_by: Option<Excludes>,
    /// The highest checkpoint that a witness signed.
    pub witnessed_by: Option<Excludes>,
    /// The logs that this one follows after restores; they count for `ok`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastVerification>,
    pub duration_ms: u64,
}

impl Verification {
    /// With what was found in the logs that this one follows.
    #[must_use]
    pub fn with_past(mut self, past: Vec<PastVerification>) -> Self {
        self.ok &= past.iter().all(|past| past.ok);
        self.past = past;
        self
    }

    /// The first of the logs before that is not whole.
    pub fn broken_past(&self) -> Option<&PastVerification> {
        self.past.iter().find(|past| !past.ok)
    }
}

/// A checkpoint that excludes a cut or exchanged log up to its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Excludes {
    pub size: u64,
    /// When it was signed.
    pub time: Option<Timestamp>,
    /// Who witnessed it.
    pub witnesses: Vec<String>,
}

/// A log to verify, and how.
pub struct Task<'a> {
    pub readers: &'a Readers,
    pub notary: &'a Notary,
    pub clock: &'a dyn Clock,
    /// Entries up to here were pruned, as a transaction sees it; 0 for none. Full tiles have their
    /// hashes.
    pub pruned_through: fn(&RawReadTx<'_>) -> Result<u64, StoreError>,
    /// Whether the log has to reach what is kept outside of its file. A copy from a backup is older.
    pub outside: bool,
    /// Cores that others use meanwhile, for the same user.
    pub busy: usize,
    /// Hears from time to time how many entries are done, of how many.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

/// An entry that is not what was written, and why.
type Break = (u64, &'static str);

/// The log as it is when the verification begins.
struct Look {
    log: LogId,
    origin: String,
    size: u64,
    /// What is wrong at a glance.
    broken: Option<Break>,
    /// The checkpoint kept outside of the file.
    head: Head,
    /// The first entry that was missing when the log was found not to reach `head`.
    missing: Option<u64>,
}

const MISSING: &str = "the entry is missing";
const FORM: &str = "the entry is not in the log's form";

/// Recomputes every hash, link, tile and root of a log, and checks every signature.
///
/// # Errors
/// Only when the file cannot be read; a broken log is an answer.
pub fn verify(task: &Task<'_>) -> Result<Verification, StoreError> {
    let start = task.clock.monotonic();
    let reader = task.readers.own()?;
    let unknown = || (LogId::from_bytes([0; 16]), String::new());
    let log = reader.read(|tx| checkpoint::log(tx, task.notary))??.unwrap_or_else(unknown);
    // What is kept outside is read before the file is: whatever it says was in the file by then.
    let head = match task.outside {
        true => task.notary.head(log.0, &log.1)?,
        false => Head::Missing,
    };
    let (look, beyond) = reader.read(|tx| {
        let look = look(tx, log, head)?;
        let beyond = signed::beyond(task, tx, &look)?;
        Ok::<_, StoreError>((look, beyond))
    })??;
    let walked = ranges::run(task, look.size, &|tx, span| range::walk(task, tx, look.log, span))?;
    let mut tree = tree::Grown::from(walked);
    reader.read(|tx| tree.check_upper(tx))??;
    let signed = signed::check(task, &reader, &look, tree.good(), beyond)?;
    let breaks = [tree.broken, signed.broken, look.broken];
    let (first_bad, reason) = breaks.into_iter().flatten().min().unzip();
    Ok(Verification {
        ok: first_bad.is_none(),
        log_id: look.log,
        size: look.size,
        head: tree.head,
        root: tree.root()?,
        first_bad,
        reason,
        checkpoints: signed.checked,
        excluded_by: signed.excluded_by,
        witnessed_by: signed.witnessed_by,
        past: Vec::new(),
        duration_ms: millis(task.clock.monotonic().saturating_sub(start)),
    })
}

fn look(
    tx: &RawReadTx<'_>,
    (log, origin): (LogId, String),
    head: Head,
) -> Result<Look, StoreError> {
    let size = super::read::size(tx)?;
    let beyond = tx.count("SELECT count(*) FROM audit_entries WHERE seq < 1", &[])?;
    let tiles =
        tx.count("SELECT coalesce(max(idx), -1) + 1 FROM audit_tiles WHERE level = 0", &[])?;
    let broken = match (beyond > 0, tiles > size / 256) {
        (true, _) => Some((1, FORM)),
        // Tiles are never removed: one beyond the entries means that the tail was cut off.
        (false, true) => Some((size + 1, MISSING)),
        (false, false) => None,
    };
    let missing = match &head {
        Head::Kept(kept) => checkpoint::missing_since(tx, kept.size, &kept.root)?,
        _ => None,
    };
    Ok(Look { log, origin, size, broken, head, missing })
}

fn stored_tile(tx: &impl Sql, level: u8, index: u64) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
    let key = args![i64::from(level), index.cast_signed()];
    Ok(tx.query_one(sql, key, |row| Ok(row.get(0).unwrap_or_default()))?.unwrap_or_default())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
