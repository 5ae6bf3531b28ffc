//! Audit entries as pages show them.

use super::audit_changes::shown;
use crate::audit::event;
use crate::audit::view::EntryView;
use crate::web::problems::plain;
use crate::web::view::audit_entry::Shown;
use crate::web::view::audit_rows::{Actor, AuditRow, ChangeHint, Resource};
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
        let text = match shown(value.as_ref()?) {
            Shown::Hidden => return Some("…".to_owned()),
            _ => plain(value.as_ref()?),
        };
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
