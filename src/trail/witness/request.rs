//! What a witness is asked to sign.

use super::WitnessError;
use super::manage::find;
use crate::audit::checkpoint;
use crate::audit::note::Note;
use crate::audit::proof::Prover;
use crate::audit::witness::{Request, repo};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// The log's latest checkpoint, with the proof that it grew from the last one that `witness` (by
/// name or id) signed, or from size `from`. Without a name the one witness is meant that there is.
///
/// Sizes and hashes: no contents, so no entry. `P` is a permission about the realm's witnesses, or
/// to verify its log.
pub async fn request<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    witness: Option<String>,
    from: Option<u64>,
) -> Result<Request, WitnessError> {
    let signed = tenants.checkpoint(grant.realm()).await;
    let request = tenants.read(grant, move |tx| {
        let Some(latest) = checkpoint::latest(tx)? else { return Ok::<_, WitnessError>(None) };
        let old = match from {
            Some(from) => from,
            None => last_signed(repo::all(tx)?, witness.as_deref())?,
        };
        let proof = match old {
            0 => Vec::new(),
            old => Prover::of_log(tx)?.consistency(old, latest.size)?,
        };
        let note = Note::parse(&latest.note).map_err(WitnessError::Note)?;
        Ok(Some(Request { old, proof, note }))
    });
    match (request.await?, signed) {
        (Some(request), _) => Ok(request),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(WitnessError::NotFound),
    }
}

/// Size up to which the witness has signed; 0 when it has not.
fn last_signed(all: Vec<repo::StoredWitness>, which: Option<&str>) -> Result<u64, WitnessError> {
    let witness = match which {
        Some(which) => Some(find(all, which)?),
        None => {
            let mut active: Vec<_> =
                all.into_iter().filter(|witness| witness.removed.is_none()).collect();
            if active.len() > 1 {
                return Err(WitnessError::Which);
            }
            active.pop()
        }
    };
    Ok(witness.and_then(|witness| witness.last).map_or(0, |(size, _)| size))
}
