//! Logs that a log follows: a restore that takes one back to fewer entries than were known begins a
//! new one, so that an id never stands for two histories. What there was is kept, read-only.

use serde::Serialize;

use super::checkpoint;
use super::event::Event;
use super::leaf::Hash;
use super::notary::Notary;
use super::note::{Checkpoint, Note};
use super::proof::Prover;
use super::pruning::{self, Cut};
use crate::args;
use crate::kernel::Timestamp;
use crate::kernel::id::{LogId, RestoreId};
use crate::store::{Row, Sql, SqlMut, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastLog {
    pub id: LogId,
    pub origin: String,
    /// Entries that its file has, and the root of the tree over them.
    pub size: u64,
    pub root: Hash,
    /// Entries that it is known to have had.
    pub known: u64,
    pub ended: Timestamp,
    pub restore: RestoreId,
    /// None while its file is kept.
    pub removed: Option<Removal>,
}

/// That all of a log was past its retention and its file was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The signed note over all that it had.
    pub checkpoint: String,
    pub time: Timestamp,
}

/// What a verification of one found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastVerification {
    pub ok: bool,
    pub log_id: LogId,
    pub size: u64,
    pub root: Hash,
    /// Entries at its end that are known to have been and could not be brought back.
    pub lost: u64,
    /// When the log that follows it began.
    pub ended: Timestamp,
    /// When its file was removed, past its retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
    pub first_bad: Option<u64>,
    pub reason: Option<String>,
}

/// The log that a file holds, as the past of the one that follows it.
///
/// # Errors
/// [`StoreError::Corrupt`] when its tree has holes.
pub fn of_file(
    tx: &impl Sql,
    notary: &Notary,
    known: u64,
    ended: Timestamp,
    restore: RestoreId,
) -> Result<Option<PastLog>, StoreError> {
    let Some((id, origin)) = checkpoint::log(tx, notary)? else { return Ok(None) };
    let size = super::read::size(tx)?;
    let root = Prover::of_log(tx)?
        .root(size)
        .map_err(|error| StoreError::Corrupt(format!("the audit log's tree: {error}").into()))?;
    let sql = "SELECT time FROM audit_entries ORDER BY seq DESC LIMIT 1";
    let newest: Option<Timestamp> = tx.query_one(sql, &[], |row| row.get(0))?;
    Ok(Some(PastLog {
        id,
        origin,
        size,
        root,
        known: known.max(size),
        // Never before its last entry, whatever this machine's clock says: it is kept by this.
        ended: newest.map_or(ended, |newest| newest.max(ended)),
        restore,
        removed: None,
    }))
}

/// Whether this one is `shorter` at a later time: the same log, with the same entries so far.
///
/// # Errors
/// [`StoreError::Corrupt`] when the tree of the file that holds it has holes.
pub fn goes_on(tx: &impl Sql, longer: &PastLog, shorter: &PastLog) -> Result<bool, StoreError> {
    if longer.id != shorter.id || longer.size < shorter.size {
        return Ok(false);
    }
    let root = Prover::of_log(tx)?.root(shorter.size);
    let root =
        root.map_err(|error| StoreError::Corrupt(format!("the kept log's tree: {error}").into()))?;
    Ok(root == shorter.root)
}

const COLUMNS: &str = "SELECT past.id, origin, size, root, known, ended, restore, checkpoint, time
                       FROM audit_past_logs AS past
                       LEFT JOIN audit_past_removed AS removed ON removed.id = past.id";

/// The past logs of a file, the latest first.
pub fn list(tx: &impl Sql) -> Result<Vec<PastLog>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY ended DESC, past.id DESC"), &[], read)
}

/// One of them.
pub fn find(tx: &impl Sql, log: LogId) -> Result<Option<PastLog>, StoreError> {
    tx.query_one(&format!("{COLUMNS} WHERE past.id = $1"), args![log], read)
}

/// When the oldest entry that a log still has was written.
pub fn oldest(tx: &impl Sql) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT time FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT 1";
    tx.query_one(sql, args![pruning::through(tx)?.cast_signed()], |row| row.get(0))
}

/// The checkpoint over all that a past log's file has, with the lines of its witnesses; signed now
/// when none was, as after a disaster in which the last minute was lost.
///
/// # Errors
/// [`StoreError::Corrupt`] when the file holds another tree than the one that is followed.
pub fn checkpoint(tx: &impl Sql, notary: &Notary, past: &PastLog) -> Result<Note, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt(format!("log {}: {what}", past.id).into());
    let root = Prover::of_log(tx)?.root(past.size).map_err(|error| corrupt(error.to_string()))?;
    if root != past.root {
        return Err(corrupt("its file holds another tree than the one that is followed".into()));
    }
    match checkpoint::at(tx, past.size)?.filter(|signed| signed.root == root) {
        Some(signed) => Note::parse(&checkpoint::with_cosignatures(tx, &signed)?)
            .map_err(|error| corrupt(error.to_string())),
        None => notary.sign(&Checkpoint { origin: past.origin.clone(), size: past.size, root }),
    }
}

fn read(row: &Row<'_>) -> Result<PastLog, StoreError> {
    Ok(PastLog {
        id: row.get(0)?,
        origin: row.get(1)?,
        size: row.get(2)?,
        root: Hash::from_bytes(row.get(3)?),
        known: row.get(4)?,
        ended: row.get(5)?,
        restore: row.get(6)?,
        removed: removal(row.get(7)?, row.get(8)?),
    })
}

fn removal(checkpoint: Option<String>, time: Option<Timestamp>) -> Option<Removal> {
    Some(Removal { checkpoint: checkpoint?, time: time? })
}

/// Writes one down.
pub fn insert(tx: &mut impl SqlMut, past: &PastLog) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_past_logs (id, origin, size, root, known, ended, restore)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING";
    let PastLog { id, origin, size, root, known, ended, restore, removed } = past;
    let (size, known) = (size.cast_signed(), known.cast_signed());
    let args = args![*id, origin, size, root.bytes(), known, *ended, *restore];
    tx.execute(sql, args)?;
    removed.iter().try_for_each(|removal| insert_removal(tx, *id, removal))
}

fn insert_removal(
    tx: &mut impl SqlMut,
    log: LogId,
    Removal { checkpoint, time }: &Removal,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_past_removed (id, checkpoint, time) VALUES ($1, $2, $3)
               ON CONFLICT (id) DO NOTHING";
    tx.execute(sql, args![log, checkpoint, *time]).map(|_| ())
}

/// What a log's file has to say before it is removed.
#[derive(Clone, Debug)]
pub struct LastWords {
    /// The first entry that it still had.
    from: u64,
    /// Over all that it had.
    checkpoint: String,
}

/// Asks a past log's file.
///
/// # Errors
/// As [`checkpoint`].
pub fn last_words(
    file: &impl Sql,
    notary: &Notary,
    past: &PastLog,
) -> Result<LastWords, StoreError> {
    let checkpoint = checkpoint(file, notary, past)?.to_string();
    Ok(LastWords { from: pruning::through(file)? + 1, checkpoint })
}

/// Writes down that a log's file is removed, with a retention of `days`; the event goes with it. From
/// then on it is gone for every reader.
///
/// # Errors
/// [`StoreError::Constraint`] when it is younger than any retention.
pub fn remove(
    tx: &mut impl SqlMut,
    past: &PastLog,
    LastWords { from, checkpoint }: &LastWords,
    days: u32,
    now: Timestamp,
) -> Result<Event, StoreError> {
    insert_removal(tx, past.id, &Removal { checkpoint: checkpoint.clone(), time: now })?;
    let cut =
        Cut { from: *from, through: past.size, checkpoint: checkpoint.clone(), root: past.root };
    Ok(pruning::pruned(&cut, past.id, days))
}

/// Whether the removed log is the one that was followed, by the note that was signed over it.
pub fn is_attested(notary: &Notary, past: &PastLog, removal: &Removal) -> bool {
    Checkpoint::open(&removal.checkpoint, &notary.verifier()).is_ok_and(|(signed, _)| {
        (&signed.origin, signed.size, signed.root) == (&past.origin, past.size, past.root)
    })
}

/// Says in a log's first entry which log it follows.
pub fn say(event: &mut Event, past: &PastLog) {
    let mut say = |name: &str, value| event.custom_fields.insert(name.into(), value);
    say("cause", "restore".into());
    say("restore", past.restore.to_string().into());
    say("follows", past.id.to_string().into());
    say("size", past.size.into());
    say("root", past.root.to_string().into());
    if past.known > past.size {
        say("knownSize", past.known.into());
    }
}
