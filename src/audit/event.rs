//! What an event is. `payload` writes it down, `stored` reads it back.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{canonical, catalogue};
use crate::kernel::Timestamp;

pub use super::stored::{EventError, StoredEvent};

/// Something that happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `domain.verb`, see `catalogue`.
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    #[serde(default)]
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Changed fields by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, Change>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
    /// When it happened, by the clock of whoever reports it; the entry's own time is when it was
    /// written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// Set by the server on what an application posted, so that an application cannot pass its
    /// events off as the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<ReportedBy>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    pub id: String,
    /// `user`, `api_key`, `platform_admin`, `system`, `operator` or a word of the application's.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The actor's own tenant, where it is another than the log's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl Actor {
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { id: id.into(), kind: kind.into(), name: None, role: None, tenant: None }
    }
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
}

impl Resource {
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { id: id.into(), kind: kind.into() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    #[default]
    Success,
    /// Tried and not achieved, such as a wrong password.
    Failure,
    /// Refused for want of a right.
    Denied,
    /// Something broke.
    Error,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Denied, Self::Error];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// A field before and after; an absent side means that there was no such field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    #[serde(
        default,
        deserialize_with = "canonical::stored",
        skip_serializing_if = "Option::is_none"
    )]
    pub new: Option<Value>,
    #[serde(
        default,
        deserialize_with = "canonical::stored",
        skip_serializing_if = "Option::is_none"
    )]
    pub old: Option<Value>,
}

/// The API key through which an application posted an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedBy {
    pub id: String,
    pub name: String,
}

/// `[a-z0-9][a-z0-9_.:-]*`, 1 to 128 characters.
pub fn is_action(name: &str) -> bool {
    let mut bytes = name.bytes();
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 128
        && bytes.next().is_some_and(word)
        && bytes.all(|byte| word(byte) || matches!(byte, b'_' | b'.' | b':' | b'-'))
}

impl Event {
    pub fn new(action: catalogue::Action) -> Self {
        Self { action: action.into(), ..Self::default() }
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
