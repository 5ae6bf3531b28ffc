//! Checking a log from its first entry to its last.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
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
/// Reading and hashing go on side by side: this thread reads, a second one follows the chain.
///
/// # Errors
/// Only when the file cannot be read; a broken chain is an answer.
pub fn verify(tx: &impl Sql, clock: &dyn Clock) -> Result<Verification, StoreError> {
    let start = clock.monotonic();
    let log = tx.query_one("SELECT id FROM audit_log", &[], |row| row.get(0))?;
    let log = log.unwrap_or(LogId::from_bytes([0; 16]));
    let mut tiles = Tiles::default();
    let (size, walk) = std::thread::scope(|scope| {
        let (rows, chunks) = sync_channel(4);
        let (filled, full) = channel();
        let walker = scope.spawn(move || Walk::new(log, filled).follow(chunks));
        let read = read_all(tx, rows, |tx| tiles.check(tx, full.try_iter()));
        let walk = walker.join().map_err(|_| StoreError::Panicked)?;
        let size = read?;
        tiles.check(tx, full.iter())?;
        Ok::<_, StoreError>((size, walk))
    })?;
    tiles.check_count(tx, walk.tree.size(), walk.broken.is_some())?;
    let broken = [walk.broken, tiles.broken].into_iter().flatten().min();
    let (first_bad, reason) = broken.unzip();
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

/// Entries handed over in one go.
const CHUNK: usize = 512;

/// An entry as it is stored; nothing for something that the server never writes.
type Stored = Option<(u64, Timestamp, Vec<u8>, Hash)>;

/// Hands all entries to the walker and counts them; `between` runs after each chunk.
fn read_all<S: Sql>(
    tx: &S,
    rows: SyncSender<Vec<Stored>>,
    mut between: impl FnMut(&S) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let (mut size, mut chunk) = (0, Vec::with_capacity(CHUNK));
    tx.for_each("SELECT seq, time, envelope, hash FROM audit_entries ORDER BY seq", &[], |row| {
        size += 1;
        chunk.push(read(row).ok());
        if chunk.len() == CHUNK {
            // A walker that found a break is gone; what follows is only counted.
            let _ = rows.send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
            between(tx)?;
        }
        Ok(())
    })?;
    let _ = rows.send(chunk);
    Ok(size)
}

fn read(row: &Row<'_>) -> Result<(u64, Timestamp, Vec<u8>, Hash), StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, Hash::from_bytes(row.get(3)?)))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Follows the chain from entry to entry.
struct Walk {
    log: LogId,
    tree: Tree,
    prev: Hash,
    time: Timestamp,
    broken: Option<(u64, &'static str)>,
    filled: Sender<Tile>,
}

impl Walk {
    fn new(log: LogId, filled: Sender<Tile>) -> Self {
        let time = Timestamp::from_micros(i64::MIN);
        Self { log, tree: Tree::empty(), prev: Hash::ZERO, time, broken: None, filled }
    }

    fn follow(mut self, chunks: Receiver<Vec<Stored>>) -> Done {
        for stored in chunks.into_iter().flatten() {
            self.entry(stored);
            if self.broken.is_some() {
                break;
            }
        }
        Done { tree: self.tree, prev: self.prev, broken: self.broken }
    }

    fn entry(&mut self, stored: Stored) {
        let expected = self.tree.size() + 1;
        let Some((seq, time, envelope, hash)) = stored else {
            self.broken = Some((expected, "the entry is not in the log's form"));
            return;
        };
        if seq != expected {
            self.broken = Some((expected, "the entry is missing"));
            return;
        }
        let payload_hash = Hash::of(&envelope);
        let leaf = Leaf { log: self.log, seq, time, payload_hash, prev_hash: self.prev };
        if leaf.hash() != hash {
            let reason = "the entry was changed, or does not follow the one before it";
            self.broken = Some((seq, reason));
        } else if time < self.time {
            self.broken = Some((seq, "the entry is older than the one before it"));
        } else {
            for tile in self.tree.append(hash) {
                let _ = self.filled.send(tile); // the reader is there until we are done
            }
            (self.prev, self.time) = (hash, time);
        }
    }
}

/// Where a walk ended.
struct Done {
    tree: Tree,
    prev: Hash,
    broken: Option<(u64, &'static str)>,
}

/// Compares the tiles that the entries fill with those that are stored.
#[derive(Default)]
struct Tiles {
    broken: Option<(u64, &'static str)>,
}

impl Tiles {
    fn check(
        &mut self,
        tx: &impl Sql,
        filled: impl Iterator<Item = Tile>,
    ) -> Result<(), StoreError> {
        for tile in filled {
            let sql = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
            let key = args![i64::from(tile.level), tile.index.cast_signed()];
            let stored: Vec<u8> = tx.query_one(sql, key, |row| row.get(0))?.unwrap_or_default();
            let computed = tile.to_bytes();
            if stored != computed && self.broken.is_none() {
                self.broken = Some((first_difference(&tile, &stored, &computed), FOREIGN));
            }
        }
        Ok(())
    }

    /// Tiles beyond the entries mean that the tail was cut off.
    fn check_count(&mut self, tx: &impl Sql, size: u64, broken: bool) -> Result<(), StoreError> {
        let tiles = tx.count("SELECT count(*) FROM audit_tiles WHERE level = 0", &[])?;
        if !broken && self.broken.is_none() && tiles > size / 256 {
            self.broken = Some((size + 1, "the entry is missing"));
        }
        Ok(())
    }
}

const FOREIGN: &str = "the entry is not the one that the tree was built from";

/// A chain that was recomputed after a change is given away by the first leaf that differs.
fn first_difference(tile: &Tile, stored: &[u8], computed: &[u8]) -> u64 {
    let differs = stored.chunks(32).zip(computed.chunks(32)).position(|(a, b)| a != b);
    let span = 256_u64.saturating_pow(u32::from(tile.level));
    tile.index * 256 * span + differs.unwrap_or(0) as u64 * span + 1
}
