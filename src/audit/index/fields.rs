//! What of an entry can be looked up, and under which keys.

use std::net::IpAddr;

use serde_json::Value;

use super::text;
use crate::audit::query::Field;
use crate::audit::view::EntryView;
use crate::kernel::id::KeyId;

/// Fields as the index numbers them: the first byte of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Key {
    Action = 1,
    ActorId,
    /// An actor's name; the id of one who has none.
    ActorLabel,
    ActorType,
    Role,
    Outcome,
    Resource,
    Type,
    /// 16 bytes, IPv4 mapped into IPv6.
    Ip,
    Request,
    Changed,
    /// Path, zero byte, value.
    Custom,
    ReporterId,
    ReporterName,
    /// Whose key seals a part of the entry.
    Subject,
    /// A word that is frequent in its chunk.
    Word,
}

impl Key {
    /// The key of a value; the empty value stands for "has this field".
    pub fn of(self, value: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + value.len());
        key.push(self as u8);
        key.extend_from_slice(value);
        key
    }

    pub fn custom(path: &str, value: &str) -> Vec<u8> {
        let mut key = Self::Custom.of(path.as_bytes());
        key.push(0);
        key.extend_from_slice(value.as_bytes());
        key
    }

    /// Where a field of a search is looked up: in any of these.
    pub fn for_field(field: Field) -> &'static [Self] {
        match field {
            Field::Action => &[Self::Action],
            Field::Actor => &[Self::ActorId, Self::ActorLabel],
            Field::ActorType => &[Self::ActorType],
            Field::Role => &[Self::Role],
            Field::Outcome => &[Self::Outcome],
            Field::Resource => &[Self::Resource],
            Field::Type => &[Self::Type],
            Field::Request => &[Self::Request],
            Field::Changed => &[Self::Changed],
            Field::Reporter => &[Self::ReporterId, Self::ReporterName],
        }
    }
}

pub fn ip(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// An entry as the index takes it in.
pub struct Extract {
    pub seq: u64,
    pub keys: Vec<Vec<u8>>,
    /// Words, separated by blanks.
    pub text: String,
}

/// Custom values looked up by path; of more in one entry the rest is found as text alone.
const CUSTOM_MOST: usize = 1000;
/// Longest path that is looked up. Each value below it bears it: without a bound, an entry of 64 KiB
/// would take up tens of mebibytes.
const PATH_MOST: usize = 256;
/// What all these keys of one entry take up, about.
const CUSTOM_BYTES: usize = 64 * 1024;

impl Extract {
    pub fn new(entry: &EntryView, subjects: &[KeyId]) -> Self {
        let mut into = Into {
            keys: Vec::with_capacity(24),
            text: String::with_capacity(512),
            custom_bytes: 0,
        };
        into.field(&[Key::Action], &entry.action);
        if let Some(actor) = &entry.actor {
            into.field(&[Key::ActorId], &actor.id);
            match &actor.name {
                Some(name) => into.field(&[Key::ActorLabel], name),
                None => into.keys.push(Key::ActorLabel.of(actor.id.as_bytes())),
            }
            into.field(&[Key::ActorType], &actor.kind);
            if let Some(role) = &actor.role {
                into.field(&[Key::Role], role);
            }
            if let Some(tenant) = &actor.tenant {
                text::append(&mut into.text, tenant);
            }
        }
        if let Some(resource) = &entry.resource {
            into.field(&[Key::Resource], &resource.id);
            into.field(&[Key::Type], &resource.kind);
        }
        into.field(&[Key::Outcome], entry.outcome.name());
        if let Some(address) = entry.ip {
            into.keys.push(Key::Ip.of(&ip(address)));
            text::append(&mut into.text, &address.to_string());
        }
        if let Some(agent) = &entry.user_agent {
            text::append(&mut into.text, agent);
        }
        if let Some(request) = &entry.request_id {
            into.field(&[Key::Request], request);
        }
        if let Some(reporter) = &entry.reported_by {
            into.field(&[Key::ReporterId], &reporter.id);
            into.field(&[Key::ReporterName], &reporter.name);
        }
        into.changes(entry);
        for (name, value) in &entry.custom_fields {
            text::append(&mut into.text, name);
            into.custom(name, value);
        }
        into.keys.extend(subjects.iter().map(|subject| Key::Subject.of(subject.bytes())));
        into.end(entry.seq)
    }
}

struct Into {
    keys: Vec<Vec<u8>>,
    text: String,
    /// Of the keys for custom values.
    custom_bytes: usize,
}

impl Into {
    fn field(&mut self, keys: &[Key], value: &str) {
        for key in keys {
            self.keys.push(key.of(&[]));
            self.keys.push(key.of(value.as_bytes()));
        }
        text::append(&mut self.text, value);
    }

    fn changes(&mut self, entry: &EntryView) {
        for (name, change) in &entry.changes {
            self.field(&[Key::Changed], name);
            for value in [&change.old, &change.new].into_iter().flatten() {
                self.words(value);
            }
        }
    }

    /// A member is found under its path, an element of a list under the list's.
    fn custom(&mut self, path: &str, value: &Value) {
        if path.len() > PATH_MOST {
            return self.words(value);
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    text::append(&mut self.text, name);
                    self.custom(&format!("{path}.{name}"), value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.custom(path, item)),
            Value::Null => {}
            Value::String(value) => self.custom_value(path, value),
            other => self.custom_value(path, &other.to_string()),
        }
    }

    fn custom_value(&mut self, path: &str, value: &str) {
        if self.keys.len() < CUSTOM_MOST && self.custom_bytes < CUSTOM_BYTES {
            self.custom_bytes += 2 * path.len() + value.len();
            self.keys.push(Key::Custom.of(path.as_bytes()));
            self.keys.push(Key::custom(path, value));
        }
        text::append(&mut self.text, value);
    }

    fn words(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    text::append(&mut self.text, name);
                    self.words(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.words(item)),
            Value::Null => {}
            Value::String(value) => text::append(&mut self.text, value),
            other => text::append(&mut self.text, &other.to_string()),
        }
    }

    fn end(mut self, seq: u64) -> Extract {
        self.keys.sort_unstable();
        self.keys.dedup();
        Extract { seq, keys: self.keys, text: self.text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{Event, catalogue};
    use crate::kernel::Timestamp;
    use crate::kernel::limits;

    fn extract(custom: Value) -> Extract {
        let mut event = Event::new(catalogue::LOGIN_FAILED);
        event.custom_fields.extend(custom.as_object().cloned().unwrap_or_default());
        Extract::new(&EntryView::new(1, Timestamp::from_micros(0), event), &[])
    }

    #[test]
    fn no_entry_takes_up_much_more_in_the_index_than_in_the_log() {
        let leaves: serde_json::Map<_, _> =
            (0..2000).map(|n| (format!("x{n}"), json!("found"))).collect();
        let long = "y".repeat(limits::EVENT_BYTES / 2);
        let names = ["a".to_owned(), "b".repeat(200), long];
        for name in names {
            let found = extract(json!({ "top": { name: leaves.clone() } }));
            let bytes: usize = found.keys.iter().map(Vec::len).sum();
            assert!(bytes <= 4 * limits::EVENT_BYTES, "{bytes}");
            assert!(found.text.ends_with(" x999 found"), "all of it is found as text");
        }
        let found = extract(json!({ "order": { "id": 98231 } }));
        assert!(found.keys.contains(&Key::custom("order.id", "98231")));
    }
}
