//! CSV (RFC 4180) that a spreadsheet can open without running what a stranger wrote into it.
//!
//! Every cell is in quotes, so that no other separator splits it. A text that a spreadsheet could
//! take for a formula gets a `'` before it; one that begins with `'` gets another, so that taking
//! one away gives back what was there. Control characters are written as `\u000a` is in JSON:
//! an entry is one line.

use std::fmt::Write;

use serde::Serialize;

use super::Source;
use crate::audit::view::EntryView;

/// The columns, in order.
pub const COLUMNS: [&str; 22] = [
    "seq",
    "time",
    "occurredAt",
    "action",
    "outcome",
    "actorType",
    "actorId",
    "actorName",
    "actorRole",
    "actorTenant",
    "resourceType",
    "resourceId",
    "ip",
    "userAgent",
    "requestId",
    "changes",
    "customFields",
    "reportedById",
    "reportedByName",
    "erased",
    "tenant",
    "logId",
];

pub fn head(out: &mut Vec<u8>) {
    record(&COLUMNS.map(str::to_owned), out);
}

/// The row with its line end.
pub fn row(source: &Source, entry: &EntryView, out: &mut Vec<u8>) {
    let (actor, resource) = (entry.actor.as_ref(), entry.resource.as_ref());
    let reporter = entry.reported_by.as_ref();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let cells = [
        entry.seq.to_string(),
        entry.time.to_string(),
        entry.occurred_at.map(|time| time.to_string()).unwrap_or_default(),
        entry.action.clone(),
        entry.outcome.name().to_owned(),
        text(actor.map(|actor| actor.kind.as_str())),
        text(actor.map(|actor| actor.id.as_str())),
        text(actor.and_then(|actor| actor.name.as_deref())),
        text(actor.and_then(|actor| actor.role.as_deref())),
        text(actor.and_then(|actor| actor.tenant.as_deref())),
        text(resource.map(|resource| resource.kind.as_str())),
        text(resource.map(|resource| resource.id.as_str())),
        entry.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        text(entry.user_agent.as_deref()),
        text(entry.request_id.as_deref()),
        json(&entry.changes, entry.changes.is_empty()),
        json(&entry.custom_fields, entry.custom_fields.is_empty()),
        text(reporter.map(|reporter| reporter.id.as_str())),
        text(reporter.map(|reporter| reporter.name.as_str())),
        if entry.erased { "true".to_owned() } else { String::new() },
        source.tenant_name().to_owned(),
        source.log.to_string(),
    ];
    record(&cells.map(|cell| harmless(&cell)), out);
}

fn json(value: &impl Serialize, is_empty: bool) -> String {
    if is_empty { String::new() } else { serde_json::to_string(value).unwrap_or_default() }
}

fn record(cells: &[String], out: &mut Vec<u8>) {
    let mut writer = ::csv::WriterBuilder::new()
        .quote_style(::csv::QuoteStyle::Always)
        .terminator(::csv::Terminator::CRLF)
        .from_writer(&mut *out);
    // Into memory: neither can fail.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

/// Whether a spreadsheet could take a text for a formula: `=`, `+`, `-`, `@` and their full-width
/// forms, also behind what it skips; a tab or line break in front is such a thing too.
fn looks_like_formula(text: &str) -> bool {
    let skipped = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{202a}'..='\u{202e}')
    };
    let starts = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−'];
    text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(skipped).starts_with(starts)
}

fn harmless(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 1);
    if looks_like_formula(text) || text.starts_with('\'') {
        cell.push('\'');
    }
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            let _ = write!(cell, "\\u{:04x}", u32::from(c));
        } else {
            cell.push(c);
        }
    }
    cell
}
