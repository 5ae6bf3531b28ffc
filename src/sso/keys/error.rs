//! Why a key is not changed.

use crate::authn::saml::KeyError;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum SsoKeyError {
    #[error("there is no such key")]
    NotFound,
    #[error("a next key is published already: put it to use, or remove it")]
    Waiting,
    #[error("only the next key can be put to use")]
    NotNext,
    #[error("this key is in use: make a next one and put that to use first")]
    InUse,
    /// Of the machine's own making: nothing that anybody has sent.
    #[error("this service's key could not be made or read")]
    Broken,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SsoKeyError);

impl From<KeyError> for SsoKeyError {
    fn from(_: KeyError) -> Self {
        Self::Broken
    }
}

impl Fault for SsoKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Waiting | Self::NotNext | Self::InUse => ErrorKind::Conflict,
            Self::Broken => ErrorKind::Internal,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "sso-key-not-found",
            Self::Waiting => "sso-key-waiting",
            Self::NotNext => "sso-key-not-next",
            Self::InUse => "sso-key-in-use",
            Self::Broken => "internal",
            Self::Door(error) => error.code(),
        }
    }
}
