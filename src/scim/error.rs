//! Why a provisioning request is not done. Codes are those of RFC 7644, 3.12, in the house's form;
//! the edge writes them as `scimType`.

use super::limits;
use crate::kernel::{ErrorKind, Fault};
use crate::roles::RoleError;
use crate::tenants::DoorError;
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    #[error(
        "there is no such resource here: provisioning sees only what it has made or taken over"
    )]
    NotFound,
    #[error("this filter cannot be read: {0}")]
    Filter(String),
    #[error("a filter has at most {} bytes", limits::FILTER_BYTES)]
    FilterLength,
    #[error(
        "this would look at more than {} resources: filter by userName, externalId, displayName or emails.value",
        limits::SCAN
    )]
    TooMany,
    #[error("the body is no {0}")]
    Syntax(&'static str),
    #[error("this path is none of this resource: {0}")]
    Path(String),
    #[error("nothing is there that this path and filter select")]
    NoTarget,
    #[error("{0}")]
    Value(String),
    #[error("{0} cannot be changed")]
    Mutability(&'static str),
    #[error("{0}")]
    Taken(&'static str),
    /// Not for provisioning to touch.
    #[error("{0}")]
    OutOfReach(&'static str),
    #[error("the resource was changed meanwhile: get it again, then send the change again")]
    Changed,
    #[error("at most {most} {what}")]
    Most { what: &'static str, most: usize },
    /// Whose address an identity provider may name, it could be.
    #[error("only somebody with all of an owner's rights may set up who is provisioned")]
    NotAnOwner,
    /// In the settings.
    #[error("{message}")]
    Setting { field: &'static str, message: String },
    #[error(transparent)]
    User(UserError),
    #[error(transparent)]
    Role(RoleError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ScimError);

impl From<UserError> for ScimError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Door(error) => Self::Door(error),
            UserError::Taken => {
                Self::Taken("somebody else here has this address: change it, or remove them first")
            }
            UserError::NotFound => Self::NotFound,
            error => Self::User(error),
        }
    }
}

impl From<RoleError> for ScimError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::Door(error) => Self::Door(error),
            error => Self::Role(error),
        }
    }
}

impl ScimError {
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::Value(message.into())
    }
}

impl Fault for ScimError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Taken(_) | Self::Changed => ErrorKind::Conflict,
            Self::OutOfReach(_) | Self::NotAnOwner => ErrorKind::Denied,
            Self::User(error) => error.kind(),
            Self::Role(error) => error.kind(),
            Self::Door(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Filter(_) | Self::FilterLength => "invalid-filter",
            Self::TooMany => "too-many",
            Self::Syntax(_) => "invalid-syntax",
            Self::Path(_) => "invalid-path",
            Self::NoTarget => "no-target",
            Self::Value(_) | Self::Most { .. } => "invalid-value",
            Self::Mutability(_) => "mutability",
            Self::Taken(_) => "uniqueness",
            Self::OutOfReach(_) | Self::NotAnOwner => "forbidden",
            Self::Changed => "precondition-failed",
            Self::Setting { .. } => "setting-invalid",
            Self::User(error) => error.code(),
            Self::Role(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Setting { field, .. } => Some(field),
            Self::User(error) => error.field(),
            Self::Role(error) => error.field(),
            _ => None,
        }
    }
}
