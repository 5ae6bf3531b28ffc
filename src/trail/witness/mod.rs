//! Witnesses of a realm's log: who they are, what they are asked, what they answered.

mod image;
mod import;
mod list;
mod manage;
mod request;

pub use image::image;
pub use import::{Cosigned, import};
pub use list::{Contradiction, Witness, Witnesses, witnesses};
pub use manage::{NewWitness, add, remove};
pub use request::request;

use crate::audit::note::NoteError;
use crate::audit::proof::ProofError;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

/// Witnesses of one log; a note takes no more than 64 signatures.
const WITNESSES_MOST: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error("a witness needs a name of 1 to 128 characters that no other one has")]
    Name,
    #[error("{0}; a witness's key is one line, as strongroom audit witness keygen prints it")]
    Key(NoteError),
    #[error("a witness's key is for cosignatures; this one is a log's")]
    KeyKind,
    #[error("this key is a witness of the log already")]
    Known,
    #[error("a log has {WITNESSES_MOST} witnesses at the most: remove one that is not needed")]
    TooMany,
    #[error("there is no such witness")]
    NotFound,
    #[error("name the witness that is to be asked: the log has several")]
    Which,
    #[error("the proof cannot begin there: {0}")]
    From(ProofError),
    #[error("this is too long for a QR code: take the file instead")]
    TooLong,
    #[error("{0}")]
    Note(NoteError),
    #[error("this checkpoint is of another log, {0}")]
    OtherLog(String),
    #[error("no witness of this log has signed this checkpoint: add the witness's key first")]
    NotWitnessed,
    #[error(
        "ALARM: a witnessed checkpoint over {size} entries contradicts this log: {reason}. It is \
         recorded; keep the file as evidence, and verify the log"
    )]
    Contradicted { size: u64, reason: &'static str },
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(WitnessError);

impl From<ProofError> for WitnessError {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Store(error) => Self::from(error),
            other => Self::From(other),
        }
    }
}

impl Fault for WitnessError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Known | Self::TooMany | Self::Contradicted { .. } => ErrorKind::Conflict,
            Self::Door(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Key(_) | Self::KeyKind => "witness-key-invalid",
            Self::Known => "witness-exists",
            Self::TooMany => "too-many-witnesses",
            Self::NotFound => "witness-not-found",
            Self::Which => "witness-missing",
            Self::From(_) => "size-invalid",
            Self::TooLong => "request-too-long",
            Self::Note(_) | Self::OtherLog(_) | Self::NotWitnessed => "cosignature-invalid",
            Self::Contradicted { .. } => "checkpoint-contradicted",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("name"),
            Self::Key(_) | Self::KeyKind | Self::Known => Some("key"),
            Self::Note(_) | Self::OtherLog(_) | Self::NotWitnessed => Some("note"),
            _ => None,
        }
    }
}
