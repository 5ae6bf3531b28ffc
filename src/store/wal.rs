//! The one owner of WAL checkpoints: no connection makes one by itself, so that continuous
//! archiving can be added without losing a frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::changes::Tap;
use super::{StoreError, engine};

/// Frames (pages) in the WAL after which a checkpoint copies them into the file: about 8 MiB.
const FRAMES: usize = 1000;

/// Frames after which readers are waited for: overlapping without end they would let it grow so.
/// Whoever writes waits with them; where a reader stays (a backup), ever more seldom.
const FRAMES_MOST: usize = 16 * FRAMES;
/// For how long, each time.
const PATIENCE: Duration = Duration::from_millis(100);

/// Frames after which a copy of the file that is being made is given up: about 2 GiB.
const FRAMES_WITHHELD: usize = 256 * FRAMES;

/// Follows the length of one file's WAL.
pub struct Wal {
    frames: Arc<AtomicUsize>,
    /// Length at the last checkpoint.
    copied: AtomicUsize,
    /// Length at which readers are waited for.
    patient_until: AtomicUsize,
    /// Takes what is committed, for the archive. None when nothing is archived.
    tap: Option<Arc<Tap>>,
}

impl Wal {
    pub fn watch(connection: &mut Connection, tap: Option<Arc<Tap>>) -> Result<Self, StoreError> {
        let frames = Arc::new(AtomicUsize::new(0));
        let (seen, told) = (frames.clone(), tap.clone());
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            if let Some(tap) = &told {
                tap.committed(u32::try_from(pages).unwrap_or(0));
            }
            Ok(())
        }))?;
        if let Some(tap) = &tap {
            tap.opened(|| beat(connection));
        }
        Ok(Self {
            frames,
            copied: AtomicUsize::new(0),
            patient_until: AtomicUsize::new(FRAMES_MOST),
            tap,
        })
    }

    /// Called after each commit, outside any transaction. Waits for readers only when they have
    /// kept the WAL from being begun anew for long, and then shortly.
    pub fn after_commit(&self, connection: &Connection) {
        if let Some(tap) = &self.tap {
            match tap.wants_base() {
                true => tap.begin_base(|| copied(connection)),
                false => tap.nudge(),
            }
        }
        let frames = self.frames.load(Ordering::Relaxed);
        if frames < self.copied.load(Ordering::Relaxed) {
            self.copied.store(0, Ordering::Relaxed); // begun anew
            self.patient_until.store(FRAMES_MOST, Ordering::Relaxed);
        }
        if frames - self.copied.load(Ordering::Relaxed) < FRAMES {
            return;
        }
        let must = frames >= FRAMES_WITHHELD;
        if self.tap.as_ref().is_some_and(|tap| !tap.before_checkpoint(must)) {
            return;
        }
        self.copied.store(frames, Ordering::Relaxed);
        let result = if frames < self.patient_until.load(Ordering::Relaxed) {
            checkpoint(connection, "PASSIVE")
        } else {
            let again = frames + (frames - FRAMES_MOST).max(FRAMES);
            self.patient_until.store(again, Ordering::Relaxed);
            restart(connection)
        };
        if let Err(error) = result {
            tracing::warn!(%error, "WAL checkpoint failed; it will be tried again");
        }
    }

    /// Empties the WAL before a file is closed.
    pub fn before_close(&self, connection: &Connection) {
        if let Some(tap) = &self.tap {
            tap.before_checkpoint(true);
        }
        let emptied = empty(connection);
        if let Some(tap) = &self.tap {
            tap.closed(emptied.is_ok());
        }
        if let Err(error) = emptied {
            tracing::warn!(%error, "WAL checkpoint at close failed; the next open continues it");
        }
    }

    /// Whether everything in the WAL could be copied into the file and synced there.
    pub fn is_copied(&self, connection: &Connection) -> bool {
        if let Some(tap) = &self.tap {
            tap.before_checkpoint(true);
        }
        copied(connection).is_some()
    }
}

/// A commit that says nothing.
pub(super) fn beat(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch("UPDATE store_state SET heartbeat = heartbeat + 1")?)
}

fn restart(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(PATIENCE)?;
    let result = checkpoint(connection, "RESTART");
    connection.busy_timeout(engine::BUSY_TIMEOUT)?;
    result
}

pub(super) fn checkpoint(connection: &Connection, how: &str) -> Result<(), StoreError> {
    Ok(connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))?)
}

/// Empties the WAL.
///
/// # Errors
/// [`StoreError::Locked`] when somebody reads, so that old pages stay in it.
pub(super) fn empty(connection: &Connection) -> Result<(), StoreError> {
    let busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        true => Err(StoreError::Locked(connection.path().unwrap_or("a file").into())),
        false => Ok(()),
    }
}

/// Copies the WAL into the file; the number of its frames when that could be done with all.
fn copied(connection: &Connection) -> Option<u32> {
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    let counts =
        connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
    let (frames, copied) = counts.ok()?;
    (frames == copied).then(|| u32::try_from(frames).ok())?
}
