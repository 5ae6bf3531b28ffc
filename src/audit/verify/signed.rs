//! What was signed over a log: its checkpoints, the signatures of witnesses, and the checkpoint
//! that is kept outside of its file.

use super::ranges::{self, Found, Span};
use super::{Break, Excludes, Look, Task};
use crate::args;
use crate::audit::leaf::Hash;
use crate::audit::notary::Head;
use crate::audit::note::{Checkpoint, Note, Signature, Verifier};
use crate::audit::proof::{ProofError, Prover, StoredNodes};
use crate::kernel::Timestamp;
use crate::store::{OwnReader, RawReadTx, Sql, StoreError};

const CUT: &str = "the entry is missing: a checkpoint was signed over more";
const EXCHANGED: &str = "the entry may be another than the one that a checkpoint was signed over";
const FORGED: &str = "the checkpoint over so many entries is not one that this installation signed";
const ANOTHER: &str = "the checkpoint over so many entries is another log's";
const WITNESS: &str = "a witness's signature under the checkpoint over so many entries is wrong";
const OUTSIDE: &str =
    "the checkpoint kept outside of the log's file was not signed by this installation";

#[derive(Default)]
pub struct Signed {
    pub checked: u64,
    pub broken: Option<Break>,
    pub excluded_by: Option<Excludes>,
    pub witnessed_by: Option<Excludes>,
    /// The highest size that was signed as it is.
    agreed: u64,
    /// The lowest size that was signed otherwise.
    exchanged: Option<u64>,
}

impl Found for Signed {
    fn is_break(&self) -> bool {
        false
    }
}

/// Checks all that was signed over the first `good` entries, and adds it to what is signed beyond.
pub fn check(
    task: &Task<'_>,
    reader: &OwnReader,
    look: &Look,
    good: u64,
    beyond: Signed,
) -> Result<Signed, StoreError> {
    let quiet = Task { progress: &|_, _| (), ..*task };
    let found = ranges::run(&quiet, good, &|tx, span| in_range(task, tx, look, span, good))?;
    let mut all = found.into_iter().fold(beyond, Signed::then);
    if let Some(size) = all.exchanged {
        all.broken(all.agreed.min(size - 1) + 1, EXCHANGED);
    }
    reader.read(|tx| outside(tx, look, good, &mut all))??;
    if let Some(witnessed) = &all.witnessed_by
        && all.excluded_by.as_ref().is_none_or(|head| head.size <= witnessed.size)
    {
        all.excluded_by = all.witnessed_by.clone();
    }
    Ok(all)
}

impl Signed {
    fn broken(&mut self, seq: u64, reason: &'static str) {
        self.broken = self.broken.into_iter().chain([(seq, reason)]).min();
    }

    /// What two ranges say together, of which `next` is the later one.
    fn then(self, next: Self) -> Self {
        Self {
            checked: self.checked + next.checked,
            broken: self.broken.into_iter().chain(next.broken).min(),
            excluded_by: None,
            witnessed_by: next.witnessed_by.or(self.witnessed_by),
            agreed: match self.exchanged {
                Some(_) => self.agreed,
                None => next.agreed.max(self.agreed),
            },
            exchanged: self.exchanged.or(next.exchanged),
        }
    }
}

/// A checkpoint's row as somebody may have left it.
struct Row {
    size: u64,
    root: Option<[u8; 32]>,
    time: Option<Timestamp>,
    note: String,
}

fn rows(tx: &impl Sql, first: u64, last: u64) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT size, root, time, note FROM checkpoints WHERE size >= $1 AND size <= $2
               ORDER BY size";
    tx.query(sql, args![first.cast_signed(), last.cast_signed()], |row| {
        Ok(Row {
            size: row.get(0)?,
            root: row.get(1).ok(),
            time: row.get(2).ok(),
            note: row.get(3).unwrap_or_default(),
        })
    })
}

fn in_range(
    task: &Task<'_>,
    tx: &RawReadTx<'_>,
    look: &Look,
    span: Span,
    good: u64,
) -> Result<Signed, StoreError> {
    let mut found = Signed::default();
    let prover = Prover::new(StoredNodes::new(tx), good);
    let key = task.notary.verifier();
    for row in rows(tx, span.first, span.last)? {
        found.checked += 1;
        match opened(&row, &key, look) {
            Err(reason) => found.broken(row.size, reason),
            Ok((checkpoint, note)) => {
                if root(&prover, row.size)? == Some(checkpoint.root) {
                    if found.exchanged.is_none() {
                        found.agreed = row.size;
                    }
                    witnesses(tx, &row, &note, &mut found)?;
                } else {
                    found.exchanged.get_or_insert(row.size);
                }
            }
        }
    }
    Ok(found)
}

/// The checkpoint that a row holds, if this installation signed it for this log.
fn opened(row: &Row, key: &Verifier, look: &Look) -> Result<(Checkpoint, Note), &'static str> {
    let (checkpoint, note) = Checkpoint::open(&row.note, key).map_err(|_| FORGED)?;
    if checkpoint.origin != look.origin {
        return Err(ANOTHER);
    }
    let same = checkpoint.size == row.size && row.root == Some(*checkpoint.root.bytes());
    if same { Ok((checkpoint, note)) } else { Err(FORGED) }
}

/// Checks the signatures of witnesses under a checkpoint.
fn witnesses(
    tx: &RawReadTx<'_>,
    row: &Row,
    note: &Note,
    found: &mut Signed,
) -> Result<(), StoreError> {
    let sql = "SELECT cosignatures.line, cosignatures.witness, witnesses.name FROM cosignatures
               LEFT JOIN witnesses ON witnesses.key = cosignatures.witness
               WHERE cosignatures.size = $1 ORDER BY cosignatures.time";
    let lines = tx.query(sql, args![row.size.cast_signed()], |row| {
        let text = |column| row.get::<String>(column).unwrap_or_default();
        Ok((text(0), text(1), row.get::<Option<String>>(2).unwrap_or_default()))
    })?;
    let mut names = Vec::new();
    for (line, witness, name) in lines {
        let key = witness.parse::<Verifier>().ok();
        let mut note = note.clone();
        let valid = Signature::parse(&line).ok().zip(key).is_some_and(|(signature, key)| {
            note.add(signature);
            note.verify(&key).is_ok_and(|checked| checked.cosigned.is_some())
        });
        match (valid, name) {
            (false, _) => found.broken(row.size, WITNESS),
            (true, Some(name)) => names.push(name),
            // Nobody named this witness: its signature proves nothing to anybody here.
            (true, None) => {}
        }
    }
    if !names.is_empty() {
        found.witnessed_by = Some(Excludes { size: row.size, time: row.time, witnesses: names });
    }
    Ok(())
}

/// Checkpoints over more entries than there are, in the transaction of the first look: the log goes
/// on growing while it is verified.
pub fn beyond(task: &Task<'_>, tx: &RawReadTx<'_>, look: &Look) -> Result<Signed, StoreError> {
    let mut all = Signed::default();
    for row in rows(tx, look.size + 1, i64::MAX.cast_unsigned())? {
        all.checked += 1;
        match opened(&row, &task.notary.verifier(), look) {
            Ok(_) => all.broken(look.size + 1, CUT),
            Err(reason) => all.broken(row.size, reason),
        }
    }
    Ok(all)
}

/// The checkpoint outside: whoever changed the file alone could not change it.
fn outside(tx: &RawReadTx<'_>, look: &Look, good: u64, all: &mut Signed) -> Result<(), StoreError> {
    let kept = match &look.head {
        Head::Missing => return Ok(()),
        Head::Foreign => {
            all.broken(look.size.max(1), OUTSIDE);
            return Ok(());
        }
        Head::Kept(kept) => kept,
    };
    if kept.size > look.size {
        all.broken(look.missing.unwrap_or(look.size + 1), CUT);
    } else if kept.size <= good {
        let prover = Prover::new(StoredNodes::new(tx), good);
        if root(&prover, kept.size)? == Some(kept.root) {
            let row = rows(tx, kept.size, kept.size)?.pop();
            let time = row.and_then(|row| row.time);
            all.excluded_by = Some(Excludes { size: kept.size, time, witnesses: Vec::new() });
        } else {
            let agreed = all.agreed.min(kept.size - 1);
            all.broken(look.missing.unwrap_or(agreed + 1), EXCHANGED);
        }
    }
    Ok(())
}

/// The root at a size; none when the tree has holes.
fn root(
    prover: &Prover<StoredNodes<'_, RawReadTx<'_>>>,
    size: u64,
) -> Result<Option<Hash>, StoreError> {
    match prover.root(size) {
        Ok(root) => Ok(Some(root)),
        Err(ProofError::Store(StoreError::Corrupt(_))) => Ok(None),
        Err(ProofError::Store(error)) => Err(error),
        Err(_) => Ok(None),
    }
}
