//! A log's checkpoints, and proofs against them. They show sizes and hashes, no contents: handing
//! them out is no entry.

use serde::Serialize;

use super::TrailError;
use crate::audit::checkpoint::{self, Stored};
use crate::audit::leaf::Hash;
use crate::audit::note::Verifier;
use crate::audit::proof::Prover;
use crate::authz::{Grant, Permission};
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, StoreError};
use crate::tenants::{DoorError, Tenants};

/// A checkpoint as it is shown.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct CheckpointView {
    /// Entries that it covers.
    pub size: u64,
    pub root: Hash,
    /// When it was signed.
    pub time: Timestamp,
    /// The signed note, with the lines of its witnesses.
    pub note: String,
    pub witnesses: Vec<WitnessView>,
}

/// Who witnessed a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct WitnessView {
    pub name: String,
    /// When the witness says that it signed.
    pub time: Timestamp,
}

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct InclusionProof {
    pub seq: u64,
    /// The entry's hash.
    pub hash: Hash,
    pub size: u64,
    pub root: Hash,
    /// From the entry's neighbour up.
    pub hashes: Vec<Hash>,
}

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsistencyProof {
    pub from: u64,
    pub from_root: Hash,
    pub to: u64,
    pub to_root: Hash,
    pub hashes: Vec<Hash>,
}

/// The latest checkpoint; a log that has grown since is signed first. `P` is a permission to verify
/// the realm's log.
pub async fn checkpoint<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<CheckpointView, TrailError> {
    let signed = tenants.checkpoint(grant.realm()).await;
    let latest = tenants.read(grant, |tx| match checkpoint::latest(tx)? {
        Some(latest) => Ok::<_, TrailError>(Some(view(tx, latest)?)),
        None => Ok(None),
    });
    match (latest.await?, signed) {
        // While the disk is full, the last one is still true.
        (Some(latest), _) => Ok(latest),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(TrailError::NotFound),
    }
}

/// Checkpoints over fewer than `below` entries, the largest first.
pub async fn checkpoints<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    below: Option<u64>,
    limit: Option<usize>,
) -> Result<(Vec<CheckpointView>, Option<u64>), TrailError> {
    let limit = limit.unwrap_or(limits::PAGE_ITEMS_DEFAULT);
    if !(1..=limits::PAGE_ITEMS).contains(&limit) {
        return Err(TrailError::Limit);
    }
    tenants
        .read(grant, move |tx| {
            let mut found = checkpoint::list(tx, below, limit as u64 + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().map(|last| last.size).filter(|_| more);
            let views: Result<_, TrailError> =
                found.into_iter().map(|stored| view(tx, stored)).collect();
            Ok((views?, next))
        })
        .await
}

/// Proves that entry `seq` is in the tree of `size` entries: the latest checkpoint's when none is
/// given, or the whole log when no checkpoint reaches that far.
pub async fn inclusion_proof<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    seq: u64,
    size: Option<u64>,
) -> Result<InclusionProof, TrailError> {
    tenants
        .read(grant, move |tx| {
            let prover = Prover::of_log(tx)?;
            let size = size.map_or_else(|| signed_size(tx, seq, prover.size()), Ok)?;
            Ok(InclusionProof {
                seq,
                hashes: prover.inclusion(seq, size)?,
                hash: prover.entry(seq)?,
                size,
                root: prover.root(size)?,
            })
        })
        .await
}

/// Entries of the largest checkpoint that a witness signed, if it reaches entry `seq`.
pub async fn witnessed_size<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    seq: u64,
) -> Result<Option<u64>, TrailError> {
    let read = tenants.read(grant, |tx| Ok::<_, TrailError>(checkpoint::witnessed(tx)?));
    let witnessed = read.await?;
    Ok(witnessed.map(|witnessed| witnessed.size).filter(|size| *size >= seq))
}

/// Proves that the log of `to` entries begins with that of `from` entries.
pub async fn consistency_proof<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    from: u64,
    to: Option<u64>,
) -> Result<ConsistencyProof, TrailError> {
    tenants
        .read(grant, move |tx| {
            let prover = Prover::of_log(tx)?;
            let to = to.map_or_else(|| signed_size(tx, from, prover.size()), Ok)?;
            Ok(ConsistencyProof {
                from,
                from_root: prover.root(from)?,
                to,
                to_root: prover.root(to)?,
                hashes: prover.consistency(from, to)?,
            })
        })
        .await
}

fn signed_size(tx: &impl Sql, at_least: u64, size: u64) -> Result<u64, StoreError> {
    let latest = checkpoint::latest(tx)?.map(|latest| latest.size);
    Ok(latest.filter(|signed| (at_least..=size).contains(signed)).unwrap_or(size))
}

/// The key with which the checkpoints of this installation are checked, as C2SP writes it.
pub fn public_key(tenants: &Tenants) -> Verifier {
    tenants.notary().verifier()
}

fn view(tx: &impl Sql, stored: Stored) -> Result<CheckpointView, TrailError> {
    let note = checkpoint::with_cosignatures(tx, &stored).map_err(DoorError::from)?;
    let witness = |cosignature: checkpoint::StoredCosignature| {
        let name = cosignature.witness.split('+').next().unwrap_or_default().to_owned();
        WitnessView { name, time: cosignature.time }
    };
    let witnesses = checkpoint::cosignatures(tx, stored.size).map_err(DoorError::from)?;
    let witnesses = witnesses.into_iter().map(witness).collect();
    Ok(CheckpointView { size: stored.size, root: stored.root, time: stored.time, note, witnesses })
}
