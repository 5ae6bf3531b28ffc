//! Why something about a stream was refused.

use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("a stream needs a name of 1 to 128 characters, so that people know where it goes")]
    Name,
    #[error("{0}")]
    Address(String),
    #[error("{0}")]
    Target(String),
    #[error("{0}")]
    Tls(String),
    #[error("this destination needs a credential: {0}")]
    CredentialMissing(&'static str),
    #[error(
        "the stream would go to another host: give its secrets again, or they would be sent there unseen"
    )]
    SecretsElsewhere,
    #[error("a secret holds characters that cannot be sent, or is longer than {0} bytes")]
    Secret(usize),
    #[error("there are {0} streams already: remove one first")]
    TooMany(usize),
    #[error("there is no such stream")]
    NotFound,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(StreamError);

impl Fault for StreamError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::TooMany(_) => ErrorKind::Conflict,
            Self::Door(error) => error.kind(),
            _ => ErrorKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Address(_) => "address-invalid",
            Self::Target(_) => "destination-invalid",
            Self::Tls(_) => "tls-invalid",
            Self::CredentialMissing(_) => "credential-missing",
            Self::SecretsElsewhere => "secrets-needed",
            Self::Secret(_) => "secret-invalid",
            Self::TooMany(_) => "too-many-streams",
            Self::NotFound => "stream-not-found",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("name"),
            Self::Address(_) | Self::Target(_) => Some("destination"),
            Self::Tls(_) => Some("destination.tls"),
            Self::CredentialMissing(_) | Self::SecretsElsewhere | Self::Secret(_) => {
                Some("secrets")
            }
            _ => None,
        }
    }
}
