//! What an API key is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::kernel::id::ApiKeyId;
use crate::kernel::{ErrorKind, Fault, Timestamp};
use crate::tenants::DoorError;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The last characters of the token, to tell keys apart.
    pub hint: String,
    pub role: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// Accurate to ten seconds.
    pub last_used_at: Option<Timestamp>,
    pub uses: u64,
}

/// A key to be made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKey {
    pub name: String,
    /// `owner`, `admin`, `operator`, `viewer`, `auditor` or `privacy-officer`; not above one's own.
    pub role: String,
    pub expires_at: Option<Timestamp>,
}

/// A key with its token: the only time that the token is seen.
pub struct NewKey {
    pub key: ApiKey,
    pub token: Zeroizing<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    #[error("a key needs a name of 1 to 128 characters, so that people know what it is for")]
    Name,
    #[error(transparent)]
    Role(#[from] crate::authz::UnknownRole),
    #[error("the expiry lies in the past")]
    Expiry,
    #[error("you cannot give away more rights than you have")]
    TooMuch,
    #[error("there is no such key")]
    NotFound,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ApiKeyError);

impl Fault for ApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name | Self::Role(_) | Self::Expiry => ErrorKind::Invalid,
            Self::TooMuch => ErrorKind::Denied,
            Self::NotFound => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Role(_) => "role-unknown",
            Self::Expiry => "expiry-invalid",
            Self::TooMuch => "forbidden",
            Self::NotFound => "key-not-found",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("name"),
            Self::Role(_) => Some("role"),
            Self::Expiry => Some("expiresAt"),
            _ => None,
        }
    }
}
