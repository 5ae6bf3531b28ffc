//! What an API key is.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::kernel::id::ApiKeyId;
use crate::kernel::{ErrorKind, Fault, Timestamp};
use crate::tenants::DoorError;

/// How long a replaced secret goes on working unless somebody says otherwise …
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// … and at the most: time to roll out a new one everywhere.
pub const OVERLAP_MOST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Networks of one key: more is a firewall's work.
pub const NETWORKS_MOST: usize = 64;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The last characters of the token, to tell keys apart.
    pub hint: String,
    /// Absent when the key was limited to `scopes`.
    pub role: Option<String>,
    /// The permissions that it was limited to; absent when it has a role.
    pub scopes: Option<Vec<String>>,
    /// What it may do today.
    pub permissions: Vec<String>,
    /// Networks that it works from; everywhere when empty.
    pub networks: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    /// When it got its present secret, if that is not its first.
    pub rotated_at: Option<Timestamp>,
    /// Until when the secret before that works.
    pub former_secret_until: Option<Timestamp>,
    /// Accurate to ten seconds.
    pub last_used_at: Option<Timestamp>,
    /// The address that it was used from last.
    pub last_used_from: Option<String>,
    pub uses: u64,
}

/// A key to be made: with a role or with scopes, which are no more than one has oneself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApiKey {
    pub name: String,
    /// A built-in role or one of the tenant's own.
    #[serde(default)]
    pub role: Option<String>,
    /// Permissions, as the role list names them.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Addresses and networks (CIDR) that it works from; everywhere when empty.
    #[serde(default)]
    pub networks: Vec<String>,
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// For everywhere and for ever.
    pub fn with_role(name: impl Into<String>, role: impl Into<String>) -> Self {
        Self { name: name.into(), role: Some(role.into()), ..Self::default() }
    }
}

/// Changes to a key; what is absent stays as it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeApiKey {
    #[serde(default)]
    pub name: Option<String>,
    /// In the place of scopes, if it had some.
    #[serde(default)]
    pub role: Option<String>,
    /// In the place of the role, if it had one.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    #[serde(default)]
    pub networks: Option<Vec<String>>,
    /// `null`: it does not expire.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Timestamp>")]
    pub expires_at: Option<Option<Timestamp>>,
}

/// Tells `null` from what is absent.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::deserialize(from).map(Some)
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
    #[error("give \"role\" or \"scopes\", one of the two")]
    Rights,
    #[error(
        "there is no role {0}: use owner, admin, operator, viewer, auditor, privacy-officer or a role of the tenant's own"
    )]
    Role(String),
    #[error("there is no permission {0} that a key can have: the list of roles names them all")]
    Scope(String),
    #[error(
        "{0} is no address or network: write for example 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"
    )]
    Network(String),
    #[error("a key can be limited to 64 networks at the most")]
    Networks,
    #[error("the expiry lies in the past")]
    Expiry,
    #[error("a replaced secret can go on working for 0 seconds to 7 days")]
    Overlap,
    #[error("this key was revoked or has expired: make a new one")]
    Over,
    #[error("you cannot give away more rights than you have")]
    TooMuch,
    #[error(
        "a key that is limited to networks or a time makes and changes no keys, and none changes itself"
    )]
    ByLimitedKey,
    #[error(
        "an earlier call with this idempotency key has done this already, and a secret is shown once: list the keys, and rotate the one whose secret you missed"
    )]
    ShownBefore,
    #[error("there is no such key")]
    NotFound,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ApiKeyError);

impl Fault for ApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name
            | Self::Rights
            | Self::Role(_)
            | Self::Scope(_)
            | Self::Network(_)
            | Self::Networks
            | Self::Overlap
            | Self::Expiry => ErrorKind::Invalid,
            Self::TooMuch | Self::ByLimitedKey => ErrorKind::Denied,
            Self::ShownBefore | Self::Over => ErrorKind::Conflict,
            Self::NotFound => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Rights => "rights-invalid",
            Self::Role(_) => "role-unknown",
            Self::Scope(_) => "permission-unknown",
            Self::Network(_) | Self::Networks => "network-invalid",
            Self::Expiry => "expiry-invalid",
            Self::Overlap => "overlap-invalid",
            Self::Over => "key-over",
            Self::TooMuch | Self::ByLimitedKey => "forbidden",
            Self::ShownBefore => "secret-shown-before",
            Self::NotFound => "key-not-found",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name => Some("name"),
            Self::Role(_) | Self::Rights => Some("role"),
            Self::Scope(_) => Some("scopes"),
            Self::Network(_) | Self::Networks => Some("networks"),
            Self::Expiry => Some("expiresAt"),
            Self::Overlap => Some("overlapSeconds"),
            _ => None,
        }
    }
}
