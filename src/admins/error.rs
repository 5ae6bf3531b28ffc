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
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AdminError);

impl Fault for AdminError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::User(error) => error.kind(),
            Self::Link(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::User(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::User(error) => error.field(),
            _ => None,
        }
    }
}
