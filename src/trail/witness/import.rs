//! Taking a witness's signature, and the alarm when what it signed is not this log.

use std::sync::Arc;

use serde::Serialize;

use super::WitnessError;
use super::list::id;
use crate::audit::checkpoint::{self, Stored};
use crate::audit::event::{Outcome, Resource};
use crate::audit::notary::{self, Contradiction, Notary};
use crate::audit::note::{Checkpoint, Note, NoteError};
use crate::audit::witness::repo::{self, StoredWitness};
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Writes};
use crate::kernel::Timestamp;
use crate::store::{Sql, StoreError};
use crate::tenants::{AuditEvents, Tenants, WriteTx};

/// A checkpoint that was witnessed.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Cosigned {
    /// Entries that it covers.
    pub size: u64,
    /// The witnesses whose signatures were stored.
    pub witnesses: Vec<String>,
    /// False when all of them were there already.
    pub new: bool,
}

/// What became of a note.
enum Taken {
    Stored(Cosigned),
    Contradicted(Contradiction),
}

/// Stores what witnesses of this log signed: a checkpoint of this installation with their
/// cosignatures. `P` is a permission about the realm's witnesses.
///
/// # Errors
/// [`WitnessError::Contradicted`] after the alarm was recorded.
pub async fn import<P: Writes>(
    tenants: &Tenants,
    grant: &Grant<P>,
    note: &str,
) -> Result<Cosigned, WitnessError> {
    // Files that crossed an editor or a photograph end in blank lines, or in none.
    let note = Note::parse(&format!("{}\n", note.trim())).map_err(WitnessError::Note)?;
    let checkpoint: Checkpoint = note.text().parse().map_err(WitnessError::Note)?;
    let notary = tenants.notary().clone();
    // What this installation did not sign itself proves nothing against it.
    note.verify(&notary.verifier()).map_err(WitnessError::Note)?;
    let now = tenants.runtime().now();
    let written = tenants.write(grant, move |tx| take(tx, &notary, &note, &checkpoint, now));
    match written.await?.value {
        Taken::Stored(cosigned) => Ok(cosigned),
        Taken::Contradicted(found) => {
            tracing::error!(
                log = found.checkpoint.origin,
                signed_size = found.checkpoint.size,
                reason = found.reason(),
                "an audit log contradicts a witnessed checkpoint; see: strongroom audit verify"
            );
            metrics::counter!("strongroom_audit_contradictions_total").increment(1);
            let (size, reason) = (found.checkpoint.size, found.reason());
            Err(WitnessError::Contradicted { size, reason })
        }
    }
}

fn take<P>(
    tx: &mut WriteTx<'_, P>,
    notary: &Arc<Notary>,
    note: &Note,
    checkpoint: &Checkpoint,
    now: Timestamp,
) -> Result<(Taken, AuditEvents), WitnessError> {
    let own = checkpoint::log(tx, notary)?;
    let Some((log, _)) = own.filter(|(_, origin)| *origin == checkpoint.origin) else {
        return Err(WitnessError::OtherLog(checkpoint.origin.clone()));
    };
    let signed = signatures(tx, note)?;
    if let Some(found) = notary::contradicts(tx, checkpoint.clone())? {
        checkpoint::note_contradiction(tx, checkpoint.size, &checkpoint.root, found.missing, now)?;
        let mut event = Event::new(catalogue::CHECKPOINT_CONTRADICTED);
        event.outcome = Outcome::Failure;
        event.resource = Some(Resource::new("audit_log", log.to_string()));
        event.custom_fields.insert("reason".into(), found.reason().into());
        event.custom_fields.insert("note".into(), note.to_string().into());
        return Ok((Taken::Contradicted(found), event.into()));
    }
    let Checkpoint { size, root, .. } = *checkpoint;
    // It may have been thinned away; and it must stay from now on.
    let own = own_note(note, notary)?;
    checkpoint::insert(tx, &Stored { size, root, time: now, note: own, kept: true })?;
    checkpoint::keep(tx, size)?;
    let mut new = false;
    for (witness, time, line) in &signed {
        new |= repo::cosigned(tx, size, &witness.key, *time, line)?;
    }
    let witnesses: Vec<_> = signed.into_iter().map(|(witness, ..)| witness).collect();
    let event = witnessed(checkpoint, &witnesses);
    let names = witnesses.into_iter().map(|witness| witness.name).collect();
    Ok((Taken::Stored(Cosigned { size, witnesses: names, new }), event.into()))
}

/// The signatures of this log's witnesses; each that is there must be good.
fn signatures(
    tx: &impl Sql,
    note: &Note,
) -> Result<Vec<(StoredWitness, Timestamp, String)>, WitnessError> {
    let mut signed = Vec::new();
    for witness in repo::all(tx)?.into_iter().filter(|witness| witness.removed.is_none()) {
        let checked = match note.verify(&witness.key) {
            Ok(checked) => checked,
            Err(NoteError::NotSigned(_)) => continue,
            Err(error) => return Err(WitnessError::Note(error)),
        };
        let (name, key_id) = (witness.key.name(), witness.key.key_id());
        let mut lines = note.signatures().iter();
        let line = lines.find(|line| line.name() == name && line.key_id() == key_id);
        let seconds = i64::try_from(checked.cosigned.unwrap_or(0)).unwrap_or(0);
        let time = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        if let Some(line) = line {
            signed.push((witness, time, line.to_string()));
        }
    }
    if signed.is_empty() { Err(WitnessError::NotWitnessed) } else { Ok(signed) }
}

/// The checkpoint with this installation's signature alone, as it is stored.
fn own_note(note: &Note, notary: &Notary) -> Result<String, StoreError> {
    let checkpoint: Checkpoint = note
        .text()
        .parse()
        .map_err(|error: NoteError| StoreError::Corrupt(error.to_string().into()))?;
    Ok(notary.sign(&checkpoint)?.to_string())
}

fn witnessed(checkpoint: &Checkpoint, witnesses: &[StoredWitness]) -> Event {
    let mut event = Event::new(catalogue::CHECKPOINT_WITNESSED);
    event.resource = Some(Resource::new("checkpoint", checkpoint.size.to_string()));
    let names: Vec<_> = witnesses.iter().map(|witness| witness.name.as_str()).collect();
    let ids: Vec<_> = witnesses.iter().map(id).collect();
    event.custom_fields.insert("root".into(), checkpoint.root.to_string().into());
    event.custom_fields.insert("witnesses".into(), names.into());
    event.custom_fields.insert("keys".into(), ids.into());
    event
}
