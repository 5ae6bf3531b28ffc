//! ArcSight Common Event Format, version 0 (Micro Focus, "Implementing ArcSight CEF", revision 25).

use std::fmt::{Display, Write};

use serde::Serialize;

use super::{Severity, Source};
use crate::audit::catalogue;
use crate::audit::view::EntryView;

/// Longest values by the standard's dictionary, in characters.
const CUSTOM: usize = 4000;
const LONG: usize = 1023;
const DEVICE: usize = 255;
const SHORT: usize = 63;

/// One entry, without a line end.
pub fn line(source: &Source, entry: &EntryView) -> String {
    let known = catalogue::find(&entry.action);
    let name = known.map_or(entry.action.as_str(), |action| action.description);
    let mut line = format!(
        "CEF:0|Strongroom|Strongroom|{}|{}|{}|{}|",
        header(source.version),
        header(&entry.action),
        header(name),
        Severity::of(entry).cef()
    );
    let mut extension = Extension { line: &mut line, first: true };
    who(&mut extension, entry);
    what(&mut extension, source, entry);
    custom(&mut extension, source, entry);
    line
}

fn who(extension: &mut Extension<'_>, entry: &EntryView) {
    extension.put("rt", entry.time.as_micros().div_euclid(1000), SHORT);
    if let Some(time) = entry.occurred_at {
        extension.put("start", time.as_micros().div_euclid(1000), SHORT);
    }
    if let Some(actor) = &entry.actor {
        extension.put("suid", &actor.id, LONG);
        extension.put("suser", actor.name.as_deref().unwrap_or_default(), LONG);
        extension.put("spriv", actor.role.as_deref().unwrap_or_default(), LONG);
    }
    match entry.ip.map(|ip| ip.to_canonical()) {
        Some(std::net::IpAddr::V4(ip)) => extension.put("src", ip, SHORT),
        Some(std::net::IpAddr::V6(ip)) => extension.labelled("c6a2", "Source IPv6 Address", ip),
        None => {}
    }
    let agent = entry.user_agent.as_deref().unwrap_or_default();
    extension.put("requestClientApplication", agent, LONG);
}

fn what(extension: &mut Extension<'_>, source: &Source, entry: &EntryView) {
    extension.put("act", &entry.action, SHORT);
    extension.put("outcome", entry.outcome.name(), SHORT);
    if let Some(action) = catalogue::find(&entry.action) {
        extension.put("cat", action.category.name(), LONG);
    }
    extension.put("externalId", entry.seq, SHORT);
    extension.put("deviceExternalId", source.log, DEVICE);
    extension.put("dvchost", &source.host, DEVICE);
}

fn custom(extension: &mut Extension<'_>, source: &Source, entry: &EntryView) {
    extension.labelled("cs1", "tenant", source.tenant_name());
    if let Some(resource) = &entry.resource {
        extension.labelled("cs2", "resourceType", &resource.kind);
        extension.labelled("cs3", "resourceId", &resource.id);
    }
    if let Some(actor) = &entry.actor {
        extension.labelled("cs4", "actorType", &actor.kind);
    }
    if !entry.changes.is_empty() {
        extension.labelled("cs5", "changes", json(&entry.changes));
    }
    if !entry.custom_fields.is_empty() {
        extension.labelled("cs6", "customFields", json(&entry.custom_fields));
    }
    if let Some(request) = &entry.request_id {
        extension.labelled("flexString1", "requestId", request);
    }
    if let Some(reporter) = &entry.reported_by {
        let reporter = format!("{} {}", reporter.id, reporter.name);
        extension.labelled("flexString2", "reportedBy", reporter);
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `key=value` pairs behind the header.
struct Extension<'a> {
    line: &'a mut String,
    first: bool,
}

impl Extension<'_> {
    /// Nothing is written for an empty value.
    fn put(&mut self, key: &str, value: impl Display, most: usize) {
        let value = cut(&value.to_string(), most);
        if value.is_empty() {
            return;
        }
        let blank = if self.first { "" } else { " " };
        self.first = false;
        let _ = write!(self.line, "{blank}{key}={}", extension(&value));
    }

    /// A custom field with the label that says what it is.
    fn labelled(&mut self, key: &str, label: &str, value: impl Display) {
        let value = value.to_string();
        if !value.is_empty() {
            let most = if key.starts_with("flex") { LONG } else { CUSTOM };
            self.put(&format!("{key}Label"), label, LONG);
            self.put(key, value, most);
        }
    }
}

/// What is longer than the standard allows ends in `…`.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// A header's field: `\` and `|` are escaped, and there is no line break in it.
fn header(text: &str) -> String {
    let mut field = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' => field.extend(['\\', c]),
            c if breaks(c) => field.push(' '),
            c => field.push(c),
        }
    }
    field
}

/// A value: `\` and `=` are escaped, and line breaks are written as `\n` and `\r`.
fn extension(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '=' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            '\r' => value.push_str("\\r"),
            c if breaks(c) => value.push(' '),
            c => value.push(c),
        }
    }
    value
}

/// What some reader could take for the end of a line.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}
