//! What an event is, and its payload: the canonical JSON that is sealed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{canonical, catalogue};
use crate::kernel::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("the payload is not an event: {0}")]
    Payload(serde_json::Error),
    #[error("the payload is not a JSON object with a list of hex envelopes as \"sealed\"")]
    Shape,
    #[error("a sealed member is not a JSON object")]
    Member,
}

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

    /// Takes out what is personal about the actor: name, address and user agent, as canonical JSON
    /// to be sealed as a member. `None` when there is nothing.
    pub fn take_personal(&mut self) -> Option<Vec<u8>> {
        let name = self.actor.as_mut().and_then(|actor| actor.name.take());
        let (ip, user_agent) = (self.ip.take(), self.user_agent.take());
        if name.is_none() && ip.is_none() && user_agent.is_none() {
            return None;
        }
        let mut object = Members::new(Vec::with_capacity(256));
        if let Some(name) = name {
            object.nested("actor", |actor| actor.text("name", &name));
        }
        object.display("ip", ip);
        object.optional("userAgent", user_agent.as_deref());
        Some(object.end())
    }

    /// The canonical JSON (RFC 8785) that is sealed; `sealed` are the envelopes of its sealed
    /// members in the order of their indexes.
    ///
    /// Members are written in the order of RFC 8785 at once; a property test compares with the
    /// canonicalizer.
    pub fn payload(&self, sealed: &[Vec<u8>]) -> Vec<u8> {
        let envelopes: usize = sealed.iter().map(|envelope| 2 * envelope.len() + 3).sum();
        let mut object = Members::new(Vec::with_capacity(512 + envelopes));
        object.text("action", &self.action);
        if let Some(actor) = &self.actor {
            object.nested("actor", |nested| {
                nested.text("id", &actor.id);
                nested.optional("name", actor.name.as_deref());
                nested.optional("role", actor.role.as_deref());
                nested.optional("tenant", actor.tenant.as_deref());
                nested.text("type", &actor.kind);
            });
        }
        if !self.changes.is_empty() {
            object.nested("changes", |nested| write_changes(nested, &self.changes));
        }
        if !self.custom_fields.is_empty() {
            canonical::write_map(object.name("customFields"), &self.custom_fields);
        }
        object.display("ip", self.ip);
        object.display("occurredAt", self.occurred_at);
        object.text("outcome", self.outcome.name());
        if let Some(reporter) = &self.reported_by {
            object.nested("reportedBy", |nested| {
                nested.text("id", &reporter.id);
                nested.text("name", &reporter.name);
            });
        }
        object.optional("requestId", self.request_id.as_deref());
        if let Some(resource) = &self.resource {
            object.nested("resource", |nested| {
                nested.text("id", &resource.id);
                nested.text("type", &resource.kind);
            });
        }
        if !sealed.is_empty() {
            write_envelopes(object.name("sealed"), sealed);
        }
        object.optional("userAgent", self.user_agent.as_deref());
        object.end()
    }
}

fn write_changes(object: &mut Members, changes: &BTreeMap<String, Change>) {
    let mut sorted: Vec<_> = changes.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| canonical::utf16_order(a, b));
    for (field, change) in sorted {
        object.nested_under(field, |nested| {
            for (name, value) in [("new", &change.new), ("old", &change.old)] {
                if let Some(value) = value {
                    canonical::write(nested.name(name), value);
                }
            }
        });
    }
}

fn write_envelopes(output: &mut Vec<u8>, sealed: &[Vec<u8>]) {
    output.push(b'[');
    for (at, envelope) in sealed.iter().enumerate() {
        output.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
        let start = output.len();
        output.resize(start + 2 * envelope.len(), 0);
        HEXLOWER.encode_mut(envelope, &mut output[start..]);
        output.push(b'"');
    }
    output.push(b']');
}

/// Writes one object; the caller keeps to the order of member names.
struct Members {
    output: Vec<u8>,
    first: bool,
}

impl Members {
    fn new(mut output: Vec<u8>) -> Self {
        output.push(b'{');
        Self { output, first: true }
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.output.push(b',');
        }
    }

    /// Begins a member whose name needs no escaping; the value goes into what is returned.
    fn name(&mut self, name: &'static str) -> &mut Vec<u8> {
        self.comma();
        self.output.push(b'"');
        self.output.extend_from_slice(name.as_bytes());
        self.output.extend_from_slice(b"\":");
        &mut self.output
    }

    fn text(&mut self, name: &'static str, text: &str) {
        canonical::write_str(self.name(name), text);
    }

    fn optional(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// For values whose text has nothing to escape.
    fn display(&mut self, name: &'static str, value: Option<impl std::fmt::Display>) {
        use std::io::Write;
        if let Some(value) = value {
            // Writing to memory does not fail.
            let _ = write!(self.name(name), "\"{value}\"");
        }
    }

    fn nested(&mut self, name: &'static str, write: impl FnOnce(&mut Self)) {
        self.name(name);
        self.object(write);
    }

    fn nested_under(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.comma();
        canonical::write_str(&mut self.output, name);
        self.output.push(b':');
        self.object(write);
    }

    fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.output.push(b'{');
        self.first = true;
        write(self);
        self.first = false;
        self.output.push(b'}');
    }

    fn end(mut self) -> Vec<u8> {
        self.output.push(b'}');
        self.output
    }
}

/// A payload read back, whose sealed members are merged in as far as they can be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    members: Map<String, Value>,
    /// Envelopes of the sealed members, by index.
    pub sealed: Vec<Vec<u8>>,
    /// A sealed member stays closed because its key was destroyed.
    pub erased: bool,
}

impl StoredEvent {
    pub fn parse(payload: &[u8]) -> Result<Self, EventError> {
        let mut members: Map<String, Value> =
            serde_json::from_slice(payload).map_err(EventError::Payload)?;
        let sealed = match members.remove("sealed") {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| HEXLOWER.decode(item.as_str()?.as_bytes()).ok())
                .collect::<Option<_>>()
                .ok_or(EventError::Shape)?,
            Some(_) => return Err(EventError::Shape),
        };
        Ok(Self { members, sealed, erased: false })
    }

    /// Merges an opened member: objects member by member, anything else replaces (as RFC 7396,
    /// except that null is a value like any other and deletes nothing).
    pub fn merge(&mut self, member_json: &[u8]) -> Result<(), EventError> {
        match serde_json::from_slice(member_json) {
            Ok(Value::Object(member)) => merge(&mut self.members, member),
            _ => return Err(EventError::Member),
        }
        Ok(())
    }

    /// Says that a sealed member can never be opened again.
    pub fn mark_erased(&mut self) {
        self.erased = true;
    }

    pub fn into_event(self) -> Result<Event, EventError> {
        serde_json::from_value(Value::Object(self.members)).map_err(EventError::Payload)
    }
}

fn merge(target: &mut Map<String, Value>, member: Map<String, Value>) {
    for (name, value) in member {
        match (target.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (Some(place), value) => *place = value,
            (None, value) => drop(target.insert(name, value)),
        }
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
