//! A realm's audit log for those who may use it: search, one entry, verification, ingest.
//! The log itself is in [`crate::audit`].

mod admin_access;
mod checkpoint;
mod entry;
pub mod export;
mod ingest;
mod overview;
mod past;
mod past_removal;
mod pruning;
mod reindex;
mod retention;
mod search;
#[cfg(test)]
mod search_tests;
pub mod searches;
mod shred;
mod suggest;
mod tail;
mod verified;
mod verify;
pub mod witness;

pub use admin_access::record_admin_access;
pub use checkpoint::{
    CheckpointView, ConsistencyProof, InclusionProof, WitnessView, checkpoint, checkpoints,
    consistency_proof, inclusion_proof, public_key, witnessed_size,
};
pub use entry::{Entry, entry};
pub use ingest::{Appended, Refused, ingest, ingest_partial};
pub use overview::{Overview, latest, overview};
pub use past::{PastLogView, follows_since, past_logs};
pub use past_removal::{remove_past_files, remove_past_logs};
pub use pruning::{Pace, Removed, cut_log, cut_platform_log, prune_index, remove_rows};
pub use reindex::{Progress, feed, reindex, reindex_platform};
pub use retention::{
    Retention, retention, set_platform_retention, set_retention, set_retention_approved,
};
pub use search::{Page, SearchRequest, search, search_platform};
pub use shred::{Certificate, certificates, shred, shred_approved};
pub use suggest::suggest;
pub use tail::{News, Tail};
pub use verified::{LastVerification, VerificationState, Verified};
pub use verify::{OnProgress, start_verification, verify, verify_platform, verify_with};

use crate::approvals::ApprovalError;
use crate::audit::index::IndexError;
use crate::audit::ingest::IngestError;
use crate::audit::leaf::Hash;
use crate::audit::note::NoteError;
use crate::audit::proof::ProofError;
use crate::audit::query::QueryError;
use crate::kernel::{ErrorKind, Fault};
use crate::retention::holds::Held;
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    #[error("in the search {0}")]
    Query(#[from] QueryError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error("this page's cursor is not one that a search has given")]
    Cursor,
    #[error("this is not a time: write it like 2026-11-22T05:06:07Z")]
    Time,
    #[error("\"limit\" is a number from 1 to 1000")]
    Limit,
    #[error("{0}")]
    TooBroad(IndexError),
    #[error(transparent)]
    Proof(ProofError),
    #[error(
        "entries are kept for a whole number of days from {min} (two years) to {max}: give days or years",
        min = crate::kernel::limits::RETENTION_DAYS_MIN,
        max = crate::kernel::limits::RETENTION_DAYS_MAX
    )]
    Retention,
    #[error("to destroy what the log says, type the tenant's short name exactly as it is")]
    Confirmation,
    #[error("the certificate cannot be signed: {0}")]
    Note(#[from] NoteError),
    #[error("there is no such entry")]
    NotFound,
    #[error(
        "entry {seq} was removed when its retention ended, as all up to entry {through}; the log still proves that its hash is {hash}"
    )]
    Removed { seq: u64, through: u64, hash: Hash },
    #[error(transparent)]
    Held(#[from] Held),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(TrailError);

impl From<ApprovalError> for TrailError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<IndexError> for TrailError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Store(error) => DoorError::from(error).into(),
            too_broad @ IndexError::TooBroad => Self::TooBroad(too_broad),
        }
    }
}

impl From<ProofError> for TrailError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Store(error) => error.into(),
            error => Self::Proof(error),
        }
    }
}

impl Fault for TrailError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Ingest(error) if error.fault.is_too_large() => ErrorKind::TooLarge,
            Self::Query(_)
            | Self::Ingest(_)
            | Self::Cursor
            | Self::Time
            | Self::Limit
            | Self::TooBroad(_)
            | Self::Proof(_)
            | Self::Retention
            | Self::Confirmation => ErrorKind::Invalid,
            Self::Note(_) => ErrorKind::Internal,
            Self::NotFound | Self::Removed { .. } => ErrorKind::NotFound,
            Self::Held(held) => held.kind(),
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "query-invalid",
            Self::Ingest(error) => error.fault.code(),
            Self::Cursor => "cursor-invalid",
            Self::Time => "time-invalid",
            Self::Limit => "limit-invalid",
            Self::TooBroad(_) => "search-too-broad",
            Self::Proof(_) => "proof-invalid",
            Self::Retention => "retention-invalid",
            Self::Confirmation => "confirmation-wrong",
            Self::Note(_) => "internal",
            Self::NotFound => "entry-not-found",
            Self::Removed { .. } => "entry-removed",
            Self::Held(held) => held.code(),
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }
}
