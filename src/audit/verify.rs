//! Checking a log from its first entry to its last.

use std::time::Duration;

use serde::Serialize;

use super::leaf::{Hash, Leaf};
use super::tree::{Tile, Tree};
use crate::args;
use crate::kernel::id::LogId;
use crate::kernel::{Clock, Timestamp};
use crate::store::{Row, Sql, StoreError};

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
    /// The first entry that does not follow from those before it.
    pub first_bad: Option<u64>,
    /// What is wrong with it.
    pub reason: Option<&'static str>,
    pub duration_ms: u64,
}

/// Recomputes every hash, link and tile of a log.
///
/// # Errors
/// Only when the file cannot be read; a broken chain is an answer.
pub fn verify(tx: &impl Sql, clock: &dyn Clock) -> Result<Verification, StoreError> {
    let start = clock.monotonic();
    let log = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
    let log = log.unwrap_or(LogId::from_bytes([0; 16]));
    let mut walk = Walk {
        log,
        tree: Tree::empty(),
        prev: Hash::ZERO,
        time: Timestamp::from_micros(i64::MIN),
        broken: None,
    };
    let mut size = 0;
    tx.for_each("SELECT seq, time, envelope, hash FROM audit_entries ORDER BY seq", &[], |row| {
        size += 1;
        if walk.broken.is_some() {
            return Ok(());
        }
        match read(row) {
            Ok((seq, time, payload, stored)) => walk.entry(tx, seq, time, payload, stored),
            // Something that the server never writes: tampered with, not unreadable.
            Err(_) => {
                walk.broken = Some((walk.tree.size() + 1, "the entry is not in the log's form"));
                Ok(())
            }
        }
    })?;
    walk.check_tile_count(tx)?;
    let (first_bad, reason) = walk.broken.unzip();
    Ok(Verification {
        ok: first_bad.is_none(),
        log_id: log,
        size,
        head: walk.prev,
        root: walk.tree.root(),
        first_bad,
        reason,
        duration_ms: millis(clock.monotonic().saturating_sub(start)),
    })
}

fn read(row: &Row<'_>) -> Result<(u64, Timestamp, Hash, Hash), StoreError> {
    let stored = Hash::from_bytes(row.get(3)?);
    Ok((row.get(0)?, row.get(1)?, Hash::of(row.blob(2)?), stored))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Walk {
    log: LogId,
    tree: Tree,
    prev: Hash,
    time: Timestamp,
    broken: Option<(u64, &'static str)>,
}

impl Walk {
    fn entry(
        &mut self,
        tx: &impl Sql,
        seq: u64,
        time: Timestamp,
        payload_hash: Hash,
        stored: Hash,
    ) -> Result<(), StoreError> {
        let expected = self.tree.size() + 1;
        if seq != expected {
            self.broken = Some((expected, "the entry is missing"));
            return Ok(());
        }
        let leaf = Leaf { log: self.log, seq, time, payload_hash, prev_hash: self.prev };
        if leaf.hash() != stored {
            self.broken =
                Some((seq, "the entry was changed, or does not follow the one before it"));
        } else if time < self.time {
            self.broken = Some((seq, "the entry is older than the one before it"));
        } else {
            for tile in self.tree.append(stored) {
                self.tile(tx, &tile)?;
            }
            (self.prev, self.time) = (stored, time);
        }
        Ok(())
    }

    fn tile(&mut self, tx: &impl Sql, tile: &Tile) -> Result<(), StoreError> {
        let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
        let key = args![i64::from(tile.level), tile.index.cast_signed()];
        let stored: Vec<u8> = tx.query_one(sql, key, |row| row.get(0))?.unwrap_or_default();
        let computed = tile.to_bytes();
        if stored == computed {
            return Ok(());
        }
        // A chain that was recomputed after a change is given away by the first leaf that differs.
        let differs = stored.chunks(32).zip(computed.chunks(32)).position(|(a, b)| a != b);
        let span = 256_u64.saturating_pow(u32::from(tile.level));
        let at = tile.index * 256 * span + differs.unwrap_or(0) as u64 * span + 1;
        self.broken = Some((at, "the entry is not the one that the tree was built from"));
        Ok(())
    }

    /// Tiles beyond the entries mean that the tail was cut off.
    fn check_tile_count(&mut self, tx: &impl Sql) -> Result<(), StoreError> {
        let tiles = tx.count("SELECT count(*) FROM audit_tiles WHERE level = 0", &[])?;
        if self.broken.is_none() && tiles > self.tree.size() / 256 {
            self.broken = Some((self.tree.size() + 1, "the entry is missing"));
        }
        Ok(())
    }
}
