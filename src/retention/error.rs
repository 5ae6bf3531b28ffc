//! Why retention did not do something.

use super::class::Class;
use super::holds::HoldError;
use crate::approvals::ApprovalError;
use crate::behind_doors;
use crate::conversations::ConversationError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    #[error("{} takes {min} to {max} days{}", .class.name(), if *.may_be_off { ", or null (at a shell: off) to keep it" } else { "" })]
    Days { class: Class, min: u32, max: u32, may_be_off: bool },
    #[error("{} is not set here but {}", .0.name(), match .0 {
        Class::AuditLog => "with the log: its settings page, or strongroom audit retention",
        Class::Backups | Class::ClosedTenants => "for the installation: backup.days, closing.grace_days",
        _ => "elsewhere: see the list of policies",
    })]
    Elsewhere(Class),
    #[error("retention is running in this tenant already: wait for its report")]
    Running,
    #[error(
        "the clock is more than 45 days ahead of the last time that retention looked; for a week \
         nothing is deleted. Check the clock"
    )]
    ClockInDoubt,
    #[error("the run was stopped before it was done; the next one goes on where it stopped")]
    Stopped,
    #[error("there is no such run; reports of the last {} are kept", super::runs::KEPT)]
    NoRun,
    #[error("this page's cursor is not one that a list has given")]
    Cursor,
    #[error("a page has 1 to {} runs", limits::PAGE_ITEMS)]
    Limit,
    #[error(transparent)]
    Hold(#[from] HoldError),
    #[error(transparent)]
    Conversation(ConversationError),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

behind_doors!(RetentionError);

impl From<ApprovalError> for RetentionError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<ConversationError> for RetentionError {
    fn from(error: ConversationError) -> Self {
        match error {
            ConversationError::Door(error) => Self::Door(error),
            error => Self::Conversation(error),
        }
    }
}

impl Fault for RetentionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Days { .. } | Self::Elsewhere(_) | Self::Cursor | Self::Limit => {
                ErrorKind::Invalid
            }
            Self::Running | Self::ClockInDoubt => ErrorKind::Conflict,
            Self::Stopped => ErrorKind::Unavailable,
            Self::NoRun => ErrorKind::NotFound,
            Self::Hold(error) => error.kind(),
            Self::Conversation(error) => error.kind(),
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Days { .. } => "retention-invalid",
            Self::Elsewhere(_) => "retention-elsewhere",
            Self::Running => "retention-running",
            Self::ClockInDoubt => "clock-in-doubt",
            Self::Stopped => "retention-stopped",
            Self::NoRun => "run-not-found",
            Self::Cursor => "cursor-invalid",
            Self::Limit => "limit-invalid",
            Self::Hold(error) => error.code(),
            Self::Conversation(error) => error.code(),
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Days { class, .. } | Self::Elsewhere(class) => Some(class.name()),
            Self::Hold(error) => error.field(),
            Self::Approval(error) => error.field(),
            Self::Door(error) => error.field(),
            _ => None,
        }
    }
}
