//! From a payload back to an event, with what its sealed members say.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

use super::event::Event;

#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("the payload is not an event: {0}")]
    Payload(serde_json::Error),
    #[error("the payload is not a JSON object with a list of hex envelopes as \"sealed\"")]
    Shape,
    #[error("a sealed member is not a JSON object")]
    Member,
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
