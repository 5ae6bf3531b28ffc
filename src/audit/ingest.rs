//! Events that applications post, read straight from the bytes of a call into typed members.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::canonical::{self, JsonError};
use super::event::{Actor, Change, Event, Outcome, Resource};
use super::{catalogue, event};
use crate::kernel::id::TenantId;
use crate::kernel::{Timestamp, limits};

/// Why a call was refused; nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct IngestError {
    /// The event in question, from 0; `None` when the call as a whole is at fault.
    pub index: Option<usize>,
    /// JSON Pointer (RFC 6901) into the body.
    pub pointer: String,
    pub message: String,
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
    let at = Cell::new(None);
    let one = Posting { tenant, slug };
    let array = body.trim_ascii_start().starts_with(b"[");
    let refuse = |error: JsonError| {
        let pointer = match at.get() {
            None => String::new(),
            // What is wrong with an event as a whole shows only after the parser has left it.
            Some(index) if array && error.pointer.is_empty() => format!("/{index}"),
            Some(_) => error.pointer,
        };
        IngestError { index: at.get(), pointer, message: mend(&error.message) }
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

/// The parser's words, where they would not help somebody who posts events.
fn mend(message: &str) -> String {
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
                let most = limits::EVENTS_PER_CALL;
                self.at.set(None);
                return Err(de::Error::custom(format_args!(
                    "more than {most} events; send them in several calls"
                )));
            }
        }
        self.at.set(None);
        if events.is_empty() {
            return Err(de::Error::custom("no event in the array; send at least one"));
        }
        Ok(events)
    }
}

/// Reads one event for a tenant.
#[derive(Clone, Copy)]
struct Posting<'a> {
    tenant: TenantId,
    slug: &'a str,
}

impl<'de> DeserializeSeed<'de> for Posting<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Event, D::Error> {
        let event =
            self.event(PostedEvent::deserialize(deserializer)?).map_err(de::Error::custom)?;
        if least_room(&event) > limits::EVENT_BYTES {
            let size = event.payload(&[]).len();
            if size > limits::EVENT_BYTES {
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
            user_agent: posted.user_agent.map(|text| text.0),
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
        actor: posted.actor.map(PostedActor::into_actor),
        resource: posted.resource.map(|it| Resource { id: it.id.0, kind: it.kind.0 }),
        outcome: posted.outcome.unwrap_or_default(),
        ip: posted.ip.and_then(|ip| ip.0),
        user_agent: posted.user_agent.map(|text| text.0),
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

/// What an application may send. `requestId` and `reportedBy` are the server's to set.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostedEvent {
    #[schemars(required)]
    action: Option<ActionName>,
    actor: Option<PostedActor>,
    resource: Option<PostedResource>,
    outcome: Option<Outcome>,
    ip: Option<Ip>,
    user_agent: Option<Line>,
    occurred_at: Option<Time>,
    #[serde(default, deserialize_with = "changes")]
    changes: BTreeMap<String, Change>,
    #[serde(default, deserialize_with = "canonical::object")]
    custom_fields: Map<String, Value>,
    // OnRaven's shape.
    #[schemars(skip)]
    activity_type: Option<ActionName>,
    #[schemars(skip)]
    timestamp: Option<Time>,
    #[schemars(skip)]
    user_id: Option<Line>,
    #[schemars(skip)]
    domain_id: Option<Line>,
    #[schemars(skip)]
    ip_address: Option<Ip>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PostedActor {
    id: Line,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    name: Option<Line>,
    role: Option<Line>,
    tenant: Option<Line>,
}

impl PostedActor {
    fn into_actor(self) -> Actor {
        Actor {
            id: self.id.0,
            kind: self.kind.map_or_else(|| "user".to_owned(), |kind| kind.0),
            name: self.name.map(|text| text.0),
            role: self.role.map(|text| text.0),
            tenant: self.tenant.map(|text| text.0),
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct PostedResource {
    id: Line,
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PostedChange {
    #[serde(default, deserialize_with = "canonical::present")]
    old: Option<Value>,
    #[serde(default, deserialize_with = "canonical::present")]
    new: Option<Value>,
}

/// A string type with a check; `$check` gives what is kept or says what is wrong.
macro_rules! checked {
    ($($name:ident($kept:ty), $expecting:literal, $schema:tt, $check:expr;)+) => { $(
        #[derive(Default)]
        struct $name($kept);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Check;

                impl Visitor<'_> for Check {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        let check: fn(&str) -> Option<$kept> = $check;
                        check(text).map($name).ok_or_else(|| {
                            E::custom(concat!("expected ", $expecting))
                        })
                    }
                }
                deserializer.deserialize_str(Check)
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )+ };
}

checked! {
    ActionName(String),
    "an action such as \"invoice.exported\": 1 to 128 of a-z, 0-9, \"_\", \".\", \":\" and \"-\", \
     lower case, beginning with a letter or digit",
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9_.:-]{0,127}$" },
    |text| event::is_action(text).then(|| catalogue::canonical_name(text).to_owned());

    Kind(String),
    "a type such as \"invoice\": 1 to 64 of a-z, 0-9, \"_\", \".\", \":\" and \"-\", lower case, \
     beginning with a letter or digit",
    { "type": "string", "pattern": "^[a-z0-9][a-z0-9_.:-]{0,63}$" },
    |text| (text.len() <= 64 && event::is_action(text)).then(|| text.to_owned());

    Line(String),
    "a text of 1 to 512 bytes without control characters",
    { "type": "string", "minLength": 1, "maxLength": 512 },
    |text| is_line(text).then(|| text.to_owned());

    Ip(Option<IpAddr>),
    "an IPv4 or IPv6 address such as \"192.0.2.7\" or \"2001:db8::7\"",
    { "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] },
    |text| text.parse().ok().map(Some);

    Time(Option<Timestamp>),
    "an RFC 3339 time such as \"2026-11-22T05:06:07Z\"",
    { "type": "string", "format": "date-time" },
    |text| Timestamp::parse(text).map(Some);
}

fn is_line(text: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    (1..=limits::LINE_BYTES).contains(&text.len())
        && (plain(text) || !text.chars().any(char::is_control))
}

/// Changes by field name, which may occur once.
fn changes<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, Change>, D::Error> {
    struct Changes;

    impl<'de> Visitor<'de> for Changes {
        type Value = BTreeMap<String, Change>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object such as {\"field\":{\"old\":1,\"new\":2}}")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut changes = BTreeMap::new();
            while let Some(Line(field)) = members.next_key()? {
                if changes.contains_key(&field) {
                    return Err(canonical::duplicate(&field));
                }
                let PostedChange { old, new } = members.next_value()?;
                changes.insert(field, Change { new, old });
            }
            Ok(changes)
        }
    }
    d.deserialize_any(Changes)
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
