//! Why something was not done with a hold.

use super::Held;
use crate::approvals::ApprovalError;
use crate::behind_doors;
use crate::conversations::ConversationError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

/// A reason is a case number and a sentence or two.
pub const REASON_BYTES: usize = 2_000;
/// Holds in force in one tenant: more is a hold on the tenant.
pub const HOLDS_MOST: u64 = 100_000;

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("there is no such hold")]
    NotFound,
    #[error("this hold was lifted already")]
    Lifted,
    #[error(
        "a reason has 1 to {REASON_BYTES} bytes: name the case, so that others know when it is over"
    )]
    Reason,
    #[error("there is no such person, member or conversation")]
    NoTarget,
    #[error("a hold on a person, member or conversation names it; one on the tenant names nothing")]
    Target,
    #[error("{0} is not in the future: choose a later date")]
    Past(&'static str),
    #[error("there are {HOLDS_MOST} holds already: lift what is over, or set one on the tenant")]
    TooMany,
    #[error("this page's cursor is not one that a list has given")]
    Cursor,
    #[error("a page has 1 to {} holds", limits::PAGE_ITEMS)]
    Limit,
    #[error(transparent)]
    Held(#[from] Held),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

behind_doors!(HoldError);

impl From<ApprovalError> for HoldError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<ConversationError> for HoldError {
    fn from(error: ConversationError) -> Self {
        match error {
            ConversationError::Door(error) => Self::Door(error),
            _ => Self::NoTarget,
        }
    }
}

impl Fault for HoldError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Lifted | Self::TooMany => ErrorKind::Conflict,
            Self::Reason
            | Self::NoTarget
            | Self::Target
            | Self::Past(_)
            | Self::Cursor
            | Self::Limit => ErrorKind::Invalid,
            Self::Held(held) => held.kind(),
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "hold-not-found",
            Self::Lifted => "hold-lifted",
            Self::Reason => "reason-invalid",
            Self::NoTarget => "target-not-found",
            Self::Target => "target-invalid",
            Self::Past(_) => "date-invalid",
            Self::TooMany => "too-many-holds",
            Self::Cursor => "cursor-invalid",
            Self::Limit => "limit-invalid",
            Self::Held(held) => held.code(),
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Reason => Some("reason"),
            Self::NoTarget | Self::Target => Some("target"),
            Self::Past(field) => Some(field),
            Self::Approval(error) => error.field(),
            Self::Door(error) => error.field(),
            _ => None,
        }
    }
}
