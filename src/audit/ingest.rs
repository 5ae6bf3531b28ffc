//! Events that applications post, read straight from the bytes of a call into typed members.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::canonical::{self, JsonError};
use super::event::{Actor, Change, Event, Resource};
pub use super::posted::PostedEvent;
use super::posted::{Line, Object};
use crate::kernel::id::TenantId;
use crate::kernel::limits;

/// Why a call was refused; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct IngestError {
    /// The event in question, from 0; `None` when the call as a whole is at fault.
    pub index: Option<usize>,
    /// JSON Pointer (RFC 6901) into the body.
    pub pointer: String,
    pub message: String,
    pub fault: IngestFault,
}

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IngestFault {
    Invalid,
    /// One event has more than `limits::EVENT_BYTES`.
    TooLarge,
}

impl IngestFault {
    /// Stable, part of the outside contract.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "event-invalid",
            Self::TooLarge => "event-too-large",
        }
    }

    pub const fn is_too_large(self) -> bool {
        matches!(self, Self::TooLarge)
    }
}

impl IngestError {
    fn place(&self) -> String {
        match (self.index, self.pointer.as_str()) {
            (Some(index), "") => format!("event {index}"),
            (Some(index), pointer) => format!("event {index}, {pointer}"),
            (None, _) => "the events".to_owned(),
        }
    }
}

/// Reads one event or an array of 1 to `limits::EVENTS_PER_CALL`, each in Strongroom's shape or,
/// marked by `activityType`, in OnRaven's. All of them or none.
pub fn parse(body: &[u8], tenant: TenantId, slug: &str) -> Result<Vec<Event>, IngestError> {
    let (at, fault) = (Cell::new(None), Cell::new(IngestFault::Invalid));
    let one = Posting { tenant, slug, fault: &fault };
    let array = body.trim_ascii_start().starts_with(b"[");
    let refuse = |error: JsonError| {
        let pointer = match at.get() {
            None => String::new(),
            // What is wrong with an event as a whole shows before or after it.
            Some(index) if array && !starts_at(&error.pointer, index) => format!("/{index}"),
            Some(_) => error.pointer,
        };
        IngestError { index: at.get(), pointer, message: mend(&error.message), fault: fault.get() }
    };
    let text = canonical::utf8(body).map_err(refuse)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let events = if array {
        reader.deserialize_seq(Batch { one, at: &at })
    } else {
        at.set(Some(0));
        one.deserialize(&mut reader).map(|event| vec![event])
    };
    events
        .and_then(|events| reader.end().map(|()| events))
        .map_err(|error| refuse(JsonError::new(text, &error)))
}

fn starts_at(pointer: &str, index: usize) -> bool {
    pointer.split('/').nth(1).is_some_and(|step| step.parse() == Ok(index))
}

/// The parser's words, where they would not help somebody who posts events.
pub(super) fn mend(message: &str) -> String {
    let quoted = |prefix| Some(message.strip_prefix(prefix)?.split('`').next()?.to_owned());
    if let Some(name) = quoted("unknown field `") {
        format!("the member {name:?} is not known here; put your own data into customFields")
    } else if let Some(name) = quoted("duplicate field `") {
        format!("the member {name:?} is there twice; keep one of them")
    } else if let Some(name) = quoted("missing field `") {
        format!("the member {name:?} is missing")
    } else {
        message.to_owned()
    }
}

struct Batch<'a> {
    one: Posting<'a>,
    at: &'a Cell<Option<usize>>,
}

impl<'de> Visitor<'de> for Batch<'_> {
    type Value = Vec<Event>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event or an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Event>, A::Error> {
        let mut events = Vec::new();
        self.at.set(Some(0));
        while let Some(event) = items.next_element_seed(self.one)? {
            events.push(event);
            self.at.set(Some(events.len()));
            if events.len() > limits::EVENTS_PER_CALL {
                self.at.set(None);
                return Err(de::Error::custom(too_many()));
            }
        }
        self.at.set(None);
        if events.is_empty() {
            return Err(de::Error::custom(NO_EVENT));
        }
        Ok(events)
    }
}

pub(super) const NO_EVENT: &str = "no event in the array; send at least one";

pub(super) fn too_many() -> String {
    format!("more than {} events; send them in several calls", limits::EVENTS_PER_CALL)
}

/// Reads one event for a tenant.
#[derive(Clone, Copy)]
pub(super) struct Posting<'a> {
    pub tenant: TenantId,
    pub slug: &'a str,
    /// Set when the event is refused for something else than what it says.
    pub fault: &'a Cell<IngestFault>,
}

impl<'de> DeserializeSeed<'de> for Posting<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Event, D::Error> {
        let event = self
            .event(Object::<PostedEvent>::deserialize(deserializer)?.0)
            .map_err(de::Error::custom)?;
        if least_room(&event) > limits::EVENT_BYTES {
            let size = event.payload(&[]).len();
            if size > limits::EVENT_BYTES {
                self.fault.set(IngestFault::TooLarge);
                let most = limits::EVENT_BYTES;
                return Err(de::Error::custom(format_args!(
                    "the event has {size} bytes as canonical JSON; the most is {most}"
                )));
            }
        }
        Ok(event)
    }
}

impl Posting<'_> {
    fn event(self, posted: PostedEvent) -> Result<Event, String> {
        match posted.activity_type {
            Some(_) => self.onraven(posted),
            None => native(posted),
        }
    }

    fn onraven(self, posted: PostedEvent) -> Result<Event, String> {
        let strangers = [
            ("action", posted.action.is_some()),
            ("actor", posted.actor.is_some()),
            ("resource", posted.resource.is_some()),
            ("outcome", posted.outcome.is_some()),
            ("ip", posted.ip.is_some()),
            ("occurredAt", posted.occurred_at.is_some()),
            ("changes", !posted.changes.is_empty()),
        ];
        refuse(&strangers, "does not go with \"activityType\", which marks OnRaven's shape")?;
        if let Some(Line(domain)) = &posted.domain_id
            && domain != self.slug
            && domain.parse() != Ok(self.tenant)
        {
            let slug = self.slug;
            return Err(format!("\"domainId\" is another tenant's; it must be {slug:?} or its id"));
        }
        Ok(Event {
            action: posted.activity_type.unwrap_or_default().0,
            actor: posted.user_id.map(|id| Actor::new("user", id.0)),
            ip: posted.ip_address.and_then(|ip| ip.0),
            user_agent: posted.user_agent.and_then(|text| text.0),
            custom_fields: posted.custom_fields,
            occurred_at: posted.timestamp.and_then(|time| time.0),
            ..Event::default()
        })
    }
}

fn native(posted: PostedEvent) -> Result<Event, String> {
    let strangers = [
        ("timestamp", posted.timestamp.is_some()),
        ("userId", posted.user_id.is_some()),
        ("domainId", posted.domain_id.is_some()),
        ("ipAddress", posted.ip_address.is_some()),
    ];
    refuse(&strangers, "is OnRaven's and goes with \"activityType\" only")?;
    let action = posted.action.ok_or("the member \"action\" is missing")?;
    Ok(Event {
        action: action.0,
        actor: posted.actor.map(|actor| actor.0.into()),
        resource: posted.resource.map(|it| Resource { id: it.0.id.0, kind: it.0.kind.0 }),
        outcome: posted.outcome.unwrap_or_default().0,
        ip: posted.ip.and_then(|ip| ip.0),
        user_agent: posted.user_agent.and_then(|text| text.0),
        changes: posted.changes,
        custom_fields: posted.custom_fields,
        occurred_at: posted.occurred_at.and_then(|time| time.0),
        ..Event::default()
    })
}

fn refuse(members: &[(&str, bool)], reason: &str) -> Result<(), String> {
    match members.iter().find(|(_, present)| *present) {
        Some((name, _)) => Err(format!("the member {name:?} {reason}")),
        None => Ok(()),
    }
}

/// An upper bound of the payload's size, found without writing it: every byte may need an escape
/// of six, and 2048 are for names of members and the short ones.
fn least_room(event: &Event) -> usize {
    let lines = [
        event.actor.as_ref().map_or(0, |actor| {
            let texts = [&actor.name, &actor.role, &actor.tenant];
            actor.id.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
        }),
        event.resource.as_ref().map_or(0, |resource| resource.id.len()),
        event.user_agent.as_ref().map_or(0, String::len),
        event.changes.iter().map(|(name, change)| name.len() + change_room(change)).sum(),
        map_room(&event.custom_fields),
    ];
    2048 + 6 * lines.into_iter().sum::<usize>()
}

fn change_room(change: &Change) -> usize {
    5 + [&change.old, &change.new].into_iter().flatten().map(value_room).sum::<usize>()
}

fn map_room(map: &Map<String, Value>) -> usize {
    map.iter().map(|(name, value)| name.len() + 2 + value_room(value)).sum()
}

fn value_room(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_room).sum(),
        Value::Object(map) => map_room(map),
        // At most 25 characters as JSON.
        _ => 4,
    }
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
