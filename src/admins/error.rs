//! What can be wrong with an administrator to be made or changed.

use crate::authn::AuthnError;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Link(#[from] AuthnError),
    #[error("unknown role: use platform-admin, platform-auditor or platform-support")]
    Role,
    #[error(
        "the platform needs at least one active administrator: make another one first, here or with: strongroom admin create"
    )]
    LastAdmin,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AdminError);

impl Fault for AdminError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::User(error) => error.kind(),
            Self::Link(error) => error.kind(),
            Self::Role => ErrorKind::Invalid,
            Self::LastAdmin => ErrorKind::Conflict,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::User(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Role => "role-unknown",
            Self::LastAdmin => "last-administrator",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::User(error) => error.field(),
            Self::Role => Some("role"),
            _ => None,
        }
    }
}
