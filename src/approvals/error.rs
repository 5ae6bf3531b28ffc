//! Why something is not approved.

use super::Act;
use crate::authn::AuthnError;
use crate::authz::Denied;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::privacy::PrivacyError;
use crate::retention::RetentionError;
use crate::retention::holds::HoldError;
use crate::settings::SettingsError;
use crate::sso::SsoError;
use crate::tenants::DoorError;
use crate::trail::TrailError;
use crate::trail::export::ExportError;
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The act that somebody has to ask for.
    #[error("a second person has to approve this: send it again with a \"reason\" to ask for that")]
    Needed(Box<Act>),
    #[error(
        "somebody who could approve is made in two steps: add them in a role without the right to approve, then ask to change it"
    )]
    RoleAtOnce,
    #[error("say in 1 to {} bytes why this has to be done", limits::LINE_BYTES)]
    Reason,
    #[error("{} requests wait already: have some of them decided first", limits::APPROVALS_WAITING)]
    TooMany,
    #[error("there is no such request")]
    NotFound,
    #[error("this request is {0}: nothing can be decided about it any more")]
    Over(&'static str),
    #[error("you have asked for this yourself: somebody else has to approve it")]
    Own,
    #[error("only the one who asked can take it back")]
    NotOwn,
    #[error("this takes a person who is signed in: a key can neither ask for approval nor give it")]
    NotAPerson,
    #[error("whoever asked for this may no longer do it themselves: refuse it")]
    Unentitled,
    #[error("what was asked for has changed meanwhile: refuse it, and ask again")]
    Changed,
    #[error(
        "two active people have to be able to approve and to turn this off again: make another owner first"
    )]
    Alone,
    #[error(transparent)]
    User(Box<UserError>),
    #[error(transparent)]
    Trail(Box<TrailError>),
    #[error(transparent)]
    Export(Box<ExportError>),
    #[error(transparent)]
    Settings(Box<SettingsError>),
    #[error(transparent)]
    Sso(Box<SsoError>),
    #[error(transparent)]
    Privacy(Box<PrivacyError>),
    #[error(transparent)]
    Retention(Box<RetentionError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ApprovalError);

impl From<Denied> for ApprovalError {
    fn from(denied: Denied) -> Self {
        Self::Door(denied.into())
    }
}

impl From<AuthnError> for ApprovalError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            _ => Self::Unentitled,
        }
    }
}

impl From<UserError> for ApprovalError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Approval(error) => *error,
            error => Self::User(Box::new(error)),
        }
    }
}

impl From<TrailError> for ApprovalError {
    fn from(error: TrailError) -> Self {
        match error {
            TrailError::Approval(error) => *error,
            error => Self::Trail(Box::new(error)),
        }
    }
}

impl From<ExportError> for ApprovalError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Approval(error) => *error,
            error => Self::Export(Box::new(error)),
        }
    }
}

impl From<SettingsError> for ApprovalError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Approval(error) => *error,
            error => Self::Settings(Box::new(error)),
        }
    }
}

impl From<PrivacyError> for ApprovalError {
    fn from(error: PrivacyError) -> Self {
        match error {
            PrivacyError::Approval(error) => *error,
            PrivacyError::Door(error) => Self::Door(error),
            error => Self::Privacy(Box::new(error)),
        }
    }
}

impl From<RetentionError> for ApprovalError {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::Approval(error) => *error,
            RetentionError::Hold(error) => error.into(),
            RetentionError::Door(error) => Self::Door(error),
            error => Self::Retention(Box::new(error)),
        }
    }
}

impl From<HoldError> for ApprovalError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Approval(error) => *error,
            HoldError::Door(error) => Self::Door(error),
            error => Self::Retention(Box::new(error.into())),
        }
    }
}

impl From<SsoError> for ApprovalError {
    fn from(error: SsoError) -> Self {
        match error {
            SsoError::Approval(error) => *error,
            error => Self::Sso(Box::new(error)),
        }
    }
}

impl Fault for ApprovalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Needed(_)
            | Self::RoleAtOnce
            | Self::TooMany
            | Self::Over(_)
            | Self::Own
            | Self::NotOwn
            | Self::Unentitled
            | Self::Changed
            | Self::Alone => ErrorKind::Conflict,
            Self::Reason | Self::NotAPerson => ErrorKind::Invalid,
            Self::NotFound => ErrorKind::NotFound,
            Self::User(error) => error.kind(),
            Self::Trail(error) => error.kind(),
            Self::Export(error) => error.kind(),
            Self::Settings(error) => error.kind(),
            Self::Sso(error) => error.kind(),
            Self::Privacy(error) => error.kind(),
            Self::Retention(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Needed(_) => "approval-needed",
            Self::RoleAtOnce => "approval-role",
            Self::Reason => "reason-invalid",
            Self::TooMany => "approvals-too-many",
            Self::NotFound => "approval-not-found",
            Self::Over(_) => "approval-over",
            Self::Own => "approval-own",
            Self::NotOwn => "approval-not-own",
            Self::NotAPerson => "not-a-person",
            Self::Unentitled => "approval-unentitled",
            Self::Changed => "approval-changed",
            Self::Alone => "approval-alone",
            Self::User(error) => error.code(),
            Self::Trail(error) => error.code(),
            Self::Export(error) => error.code(),
            Self::Settings(error) => error.code(),
            Self::Sso(error) => error.code(),
            Self::Privacy(error) => error.code(),
            Self::Retention(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        matches!(self, Self::Reason).then_some("reason")
    }
}
