//! Why something about identity providers is not done.

use crate::authn::AuthnError;
use crate::authn::sso::Refusal;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    #[error("there is no such identity provider")]
    NotFound,
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Authn(AuthnError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SsoError);

impl From<Refusal> for SsoError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AuthnError> for SsoError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            error => Self::Authn(error),
        }
    }
}

impl Fault for SsoError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Refused(_) => ErrorKind::Unauthenticated,
            Self::Authn(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Refused(refusal) => refusal.code(),
            Self::Authn(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }
}
