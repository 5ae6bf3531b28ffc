//! A realm's audit log for those who may use it: search, one entry, verification, ingest.
//! The log itself is in [`crate::audit`].

mod admin_access;
mod checkpoint;
mod entry;
mod ingest;
mod overview;
mod reindex;
mod search;
#[cfg(test)]
mod search_tests;
pub mod searches;
mod suggest;
mod tail;
mod verified;
mod verify;

pub use admin_access::record_admin_access;
pub use checkpoint::{
    CheckpointView, ConsistencyProof, InclusionProof, WitnessView, checkpoint, checkpoints,
    consistency_proof, inclusion_proof, public_key,
};
pub use entry::{Entry, entry};
pub use ingest::{Appended, ingest};
pub use overview::{Overview, latest, overview};
pub use reindex::{Progress, feed, reindex, reindex_platform};
pub use search::{Page, SearchRequest, search, search_platform};
pub use suggest::suggest;
pub use tail::{News, Tail};
pub use verified::{LastVerification, Verified};
pub use verify::{verify, verify_platform};

use crate::audit::index::IndexError;
use crate::audit::ingest::IngestError;
use crate::audit::proof::ProofError;
use crate::audit::query::QueryError;
use crate::kernel::{ErrorKind, Fault};
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
    #[error("there is no such entry")]
    NotFound,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(TrailError);

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
            Self::Query(_)
            | Self::Ingest(_)
            | Self::Cursor
            | Self::Time
            | Self::Limit
            | Self::TooBroad(_)
            | Self::Proof(_) => ErrorKind::Invalid,
            Self::NotFound => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "query-invalid",
            Self::Ingest(_) => "event-invalid",
            Self::Cursor => "cursor-invalid",
            Self::Time => "time-invalid",
            Self::Limit => "limit-invalid",
            Self::TooBroad(_) => "search-too-broad",
            Self::Proof(_) => "proof-invalid",
            Self::NotFound => "entry-not-found",
            Self::Door(error) => error.code(),
        }
    }
}
