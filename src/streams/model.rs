//! What a stream is.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Destination, Format};
use crate::authz::permission::{
    AuditStream, AuditStreamRead, PlatformAuditStream, PlatformAuditStreamRead,
};
use crate::authz::{Permission, Writes};
use crate::kernel::Timestamp;
use crate::kernel::id::StreamId;

/// The permissions under which streams are seen: a tenant's and the platform's.
pub trait Sees: Permission {}
impl Sees for AuditStreamRead {}
impl Sees for PlatformAuditStreamRead {}

/// The permissions under which streams are set up.
pub trait Manages: Writes {}
impl Manages for AuditStream {}
impl Manages for PlatformAuditStream {}

/// A stream to be set up.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewStream {
    pub name: String,
    pub destination: Destination,
    #[serde(default)]
    pub format: Format,
    #[serde(default)]
    pub begin: Begin,
    #[serde(default)]
    pub secrets: Secrets,
}

/// Members that are absent stay as they are.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeStream {
    pub name: Option<String>,
    pub destination: Option<Destination>,
    pub format: Option<Format>,
    /// A secret that is absent is kept, unless the stream goes to another host from now on.
    #[serde(default)]
    pub secrets: Secrets,
}

/// Taken in, sealed, and never shown again.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// Splunk's token, a bearer token, the password of basic authentication or a header's value.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub credential: Option<SecretString>,
    /// The private key (PEM) of `tls.clientCertificate`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_key: Option<SecretString>,
}

/// Which secrets there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretsSet {
    pub credential: bool,
    pub client_key: bool,
}

/// The first entry that a new stream sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Begin {
    /// The whole log, then what comes.
    #[default]
    Beginning,
    /// Only what comes.
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamState {
    Active,
    Paused,
}

impl StreamState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Paused].into_iter().find(|state| state.name() == name)
    }
}

/// A stream without its secrets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    pub id: StreamId,
    pub name: String,
    pub state: StreamState,
    /// Of a URL only protocol, host and port, for those who may not set streams up.
    pub destination: Destination,
    pub format: Format,
    pub secrets: SecretsSet,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub delivery: Delivery,
}

/// How far a stream has come.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub state: DeliveryState,
    /// Every entry up to this one is delivered (or was skipped).
    pub through: u64,
    /// Entries in the log that are not delivered yet.
    pub lag_entries: u64,
    /// Age of the oldest of them.
    pub lag_seconds: u64,
    /// Entries delivered since the stream was made.
    pub sent_entries: u64,
    /// Entries that retention removed before they were sent.
    pub skipped_entries: u64,
    pub last_delivery_at: Option<Timestamp>,
    /// Since when nothing gets through; absent while all is well.
    pub failing_since: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    pub next_attempt_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Everything is delivered.
    Current,
    /// On its way.
    Sending,
    /// The last attempt failed; another follows.
    Retrying,
    /// It has failed for so long that it was reported.
    Failing,
    Paused,
    /// The tenant is suspended: the stream goes on where it was when that ends.
    Resting,
}

/// What became of a test message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TryOut {
    pub ok: bool,
    /// What happened, in words.
    pub detail: String,
    pub took_millis: u64,
}
