//! Audit entries as pages show them.

use crate::audit::event;
use crate::audit::view::EntryView;
use crate::trail::Entry;
use crate::web::problems::plain;
use crate::web::view::audit::{AuditEntryPage, Change, Leaf};
use crate::web::view::audit_rows::{Actor, AuditRow, ChangeHint, Resource};
use crate::web::view::chrome::Chrome;
use crate::web::view::state::Outcome;

pub fn row(entry: &EntryView) -> AuditRow {
    AuditRow {
        seq: entry.seq,
        time: entry.time,
        actor: actor(entry),
        action: entry.action.clone(),
        resource: entry.resource.as_ref().map(resource),
        outcome: Outcome::from_code(entry.outcome.name()).unwrap_or(Outcome::Error),
        ip: entry.ip.map(|ip| ip.to_string()),
        change: hint(entry),
    }
}

/// Characters of a value in a row; the entry's page has all of it.
const HINT_CHARS: usize = 48;

fn hint(entry: &EntryView) -> Option<ChangeHint> {
    let (field, change) = entry.changes.iter().next()?;
    let brief = |value: &Option<serde_json::Value>| {
        let text = plain(value.as_ref()?);
        let mut brief: String = text.chars().take(HINT_CHARS).collect();
        if brief.len() < text.len() {
            brief.push('…');
        }
        Some(brief)
    };
    let more = entry.changes.len() as u64 - 1;
    Some(ChangeHint {
        field: field.clone(),
        old: brief(&change.old),
        new: brief(&change.new),
        more,
    })
}

fn actor(entry: &EntryView) -> Actor {
    match &entry.actor {
        Some(actor) => Actor {
            kind: actor.kind.clone(),
            id: Some(actor.id.clone()),
            name: actor.name.clone(),
            erased: entry.erased && actor.name.is_none(),
        },
        None => Actor { kind: "anonymous".to_owned(), id: None, name: None, erased: entry.erased },
    }
}

fn resource(resource: &event::Resource) -> Resource {
    let id = Some(resource.id.clone()).filter(|id| !id.is_empty());
    Resource { kind: resource.kind.clone(), id }
}

/// `size` is the number of entries in the log.
pub fn page(mut chrome: Chrome, found: &Entry, size: u64) -> AuditEntryPage {
    let Entry { event, leaf } = found;
    let number = chrome.n("entry-number", event.seq);
    chrome.title = format!("{number} · {}", chrome.title);
    AuditEntryPage {
        chrome,
        entry: row(event),
        user_agent: event.user_agent.clone(),
        request_id: event.request_id.clone(),
        actor_role: event.actor.as_ref().and_then(|actor| actor.role.clone()),
        occurred: event.occurred_at,
        changes: event.changes.iter().map(|(field, change)| shown(field, change)).collect(),
        custom_fields: event
            .custom_fields
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        json: serde_json::to_string_pretty(event).unwrap_or_default(),
        leaf: Leaf {
            log_id: leaf.log_id.to_string(),
            time_micros: leaf.time_micros,
            payload_hash: leaf.payload_hash.to_string(),
            prev_hash: leaf.prev_hash.to_string(),
            hash: leaf.hash.to_string(),
        },
        previous: event.seq.checked_sub(1).filter(|seq| *seq > 0),
        next: Some(event.seq + 1).filter(|seq| *seq <= size),
    }
}

fn shown(field: &str, change: &event::Change) -> Change {
    let text = |value: &Option<serde_json::Value>| value.as_ref().map(plain);
    Change { field: field.to_owned(), old: text(&change.old), new: text(&change.new) }
}
