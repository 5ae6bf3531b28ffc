//! Why something was not done with a conversation.

use crate::behind_doors;
use crate::kernel::{ErrorKind, Fault};
use crate::retention::holds::Held;
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    #[error("there is no such conversation")]
    NotFound,
    #[error("the conversation is closed: reopen it first")]
    Closed,
    #[error(
        "the person of this conversation was erased: nothing more can be stored in it, start a new one"
    )]
    Erased,
    #[error("the person was changed by somebody else at the same time: send the request again")]
    SubjectChanged,
    #[error(transparent)]
    Held(#[from] Held),
    #[error("{problem}")]
    Invalid { field: &'static str, problem: String },
    /// `index` counts from 0, as JSON Pointer does.
    #[error("message {index} of the array: {problem}")]
    InvalidMessage { index: usize, field: &'static str, problem: String },
    #[error(transparent)]
    Door(DoorError),
}

behind_doors!(ConversationError);

impl ConversationError {
    pub(super) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }

    /// The same, for a message of an array.
    pub(super) fn at(self, index: usize) -> Self {
        match self {
            Self::Invalid { field, problem } => Self::InvalidMessage { index, field, problem },
            other => other,
        }
    }
}

impl Fault for ConversationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Closed | Self::Erased | Self::SubjectChanged => ErrorKind::Conflict,
            Self::Held(held) => held.kind(),
            Self::Invalid { .. } | Self::InvalidMessage { .. } => ErrorKind::Invalid,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "conversation-not-found",
            Self::Closed => "conversation-closed",
            Self::Erased => "data-subject-erased",
            Self::SubjectChanged => "data-subject-changed",
            Self::Held(held) => held.code(),
            Self::Invalid { field: "cursor", .. } => "cursor-invalid",
            Self::Invalid { .. } => "conversation-invalid",
            Self::InvalidMessage { .. } => "message-invalid",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } | Self::InvalidMessage { field, .. } => Some(field),
            Self::Door(error) => error.field(),
            _ => None,
        }
    }
}
