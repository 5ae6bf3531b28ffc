//! Settings as the log has them: without secrets, certificates by their fingerprints.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Provider, ProviderSettings, check};
use crate::audit::Event;
use crate::audit::catalogue::Action;
use crate::audit::event::{Change, Resource};

/// One value in an entry; what is longer stands there by its hash, so that every change fits.
const VALUE_BYTES: usize = 2048;

pub(super) fn about(action: Action, provider: &Provider) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("identity_provider", provider.id.to_string()));
    event.custom_fields.insert("name".into(), provider.settings.name.as_str().into());
    event
}

/// What is different; everything, for one that was not there before.
pub(super) fn changes(event: &mut Event, before: Option<&Provider>, after: &Provider) {
    let old = before.map(fields).unwrap_or_default();
    let new = fields(after);
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        if old != new {
            let change = Change { old: old.map(bounded), new: new.map(bounded) };
            event.changes.insert(name.clone(), change);
        }
    }
}

/// Settings and state, by names that say where they stand.
fn fields(provider: &Provider) -> Map<String, Value> {
    let mut fields = settings(&provider.settings);
    fields.insert("state".into(), provider.state.name().into());
    fields
}

/// Settings by names such as `protocol.entityId`.
pub(super) fn settings(settings: &ProviderSettings) -> Map<String, Value> {
    let value = serde_json::to_value(settings).unwrap_or_default();
    let mut fields = Map::new();
    for (name, value) in value.as_object().cloned().unwrap_or_default() {
        match (name.as_str(), value) {
            ("protocol" | "provisioning" | "trust" | "mapping", Value::Object(below)) => {
                for (inner, value) in below {
                    fields.insert(format!("{name}.{inner}"), shown(&inner, value));
                }
            }
            (_, value) => drop(fields.insert(name, value)),
        }
    }
    fields.retain(|_, value| !value.is_null());
    fields
}

fn shown(name: &str, value: Value) -> Value {
    let texts = match (&value, name) {
        (Value::Array(all), "certificates") => all.iter().filter_map(Value::as_str).collect(),
        (Value::String(pem), "certificateAuthorities") => vec![pem.as_str()],
        _ => return value,
    };
    fingerprints(&texts).into()
}

/// SHA-256 of each certificate.
pub(super) fn fingerprints(pems: &[&str]) -> Vec<String> {
    let all = pems.iter().filter_map(|pem| check::certificates(pem).ok()).flatten();
    all.map(|der| HEXLOWER.encode(&Sha256::digest(&der))).collect()
}

fn bounded(value: &Value) -> Value {
    let text = value.to_string();
    match text.len() <= VALUE_BYTES {
        true => value.clone(),
        false => json!({ "sha256": digest(text.as_bytes()), "bytes": text.len() }),
    }
}

/// A whole description, for an entry that says what was asked for.
pub(super) fn summary(of: &ProviderSettings) -> Value {
    settings(of)
        .iter()
        .map(|(name, value)| (name.clone(), bounded(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// Line by line, for whoever decides about it: what the API calls it, and how it would be.
pub fn in_words(of: &ProviderSettings) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut lines: Vec<_> =
        settings(of).into_iter().map(|(name, value)| (name, text(bounded(&value)))).collect();
    // The name first, and what people come from.
    lines.sort_by_key(|(name, _)| (name != "name", name != "domains", name.clone()));
    lines
}

pub(super) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}
