//! Why somebody is not erased.

use super::Kind;
use crate::approvals::ApprovalError;
use crate::audit::note::NoteError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::retention::holds::Held;
use crate::tenants::DoorError;
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum PrivacyError {
    #[error("nobody is stored under this {0}; whoever was erased cannot be found by it any more")]
    NobodyFound(&'static str),
    #[error("{0} persons fit: look at the preview, and name one of them by \"subject\"")]
    Several(usize),
    #[error(
        "the erasure is begun and not complete: no backup target took its line of the ledger of \
         erasures, so the person's key is not destroyed yet. It goes on by itself once a target can be \
         reached; only a legal hold stops it"
    )]
    Begun,
    #[error("there is no such erasure")]
    NotFound,
    #[error("to erase a {what}, type their {typed} exactly as it is stored, or the word erase",
        what = match .0 { Kind::DataSubject => "person", Kind::Member => "member" },
        typed = match .0 { Kind::DataSubject => "reference", Kind::Member => "e-mail address" })]
    Confirmation(Kind),
    #[error(
        "say in 1 to {} bytes on whose request or why, without naming the person",
        limits::LINE_BYTES
    )]
    Reason,
    #[error("a request's number has at most 128 bytes and no control characters")]
    Request,
    #[error(transparent)]
    Held(#[from] Held),
    #[error("the certificate cannot be signed: {0}")]
    Note(#[from] NoteError),
    #[error(transparent)]
    User(Box<UserError>),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(PrivacyError);

impl From<ApprovalError> for PrivacyError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<UserError> for PrivacyError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Door(error) => Self::Door(error),
            error => Self::User(Box::new(error)),
        }
    }
}

impl Fault for PrivacyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Several(_) | Self::Confirmation(_) | Self::Reason | Self::Request => {
                ErrorKind::Invalid
            }
            Self::NobodyFound(_) | Self::NotFound => ErrorKind::NotFound,
            Self::Held(error) => error.kind(),
            Self::Note(_) => ErrorKind::Internal,
            Self::Begun => ErrorKind::Unavailable,
            Self::User(error) => error.kind(),
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NobodyFound(_) => "person-not-found",
            Self::Several(_) => "person-ambiguous",
            Self::NotFound => "erasure-not-found",
            Self::Begun => "ledger-not-copied",
            Self::Confirmation(_) => "confirmation-wrong",
            Self::Reason => "reason-invalid",
            Self::Request => "request-invalid",
            Self::Held(error) => error.code(),
            Self::Note(_) => "internal",
            Self::User(error) => error.code(),
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Several(_) => Some("person"),
            Self::Confirmation(_) => Some("confirm"),
            Self::Reason => Some("reason"),
            Self::Request => Some("request"),
            Self::User(error) => error.field(),
            _ => None,
        }
    }
}
