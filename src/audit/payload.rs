//! From an event to its payload: the canonical JSON that is sealed.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::canonical;
use super::event::{Change, Event};

impl Event {
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
