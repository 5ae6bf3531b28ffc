//! Exports of an audit log: the latest ones, and the form that asks for one.

use askama::Template;

use super::{Choice, Chrome, ExportState, Field};
use crate::kernel::Timestamp;

/// `GET …/audit/exports`.
#[derive(Template)]
#[template(path = "audit/exports.html")]
pub struct ExportsPage {
    pub chrome: Chrome,
    /// Newest first.
    pub rows: Vec<ExportRow>,
}

pub struct ExportRow {
    pub id: String,
    /// The format's code.
    pub format: &'static str,
    /// The search; empty for everything.
    pub query: String,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// The log from before a restore that it is of.
    pub log: Option<String>,
    /// Whoever looks asked for it.
    pub mine: bool,
    /// Type and id of whoever asked.
    pub requester: (String, String),
    pub created: Timestamp,
    pub state: ExportState,
    pub done: u64,
    /// None until the entries have been counted.
    pub total: Option<u64>,
    pub bytes: u64,
    /// Until when it can be fetched.
    pub expires: Option<Timestamp>,
    /// Why it failed.
    pub problem: Option<String>,
}

impl ExportsPage {
    /// Whether the page should look again by itself.
    pub fn goes_on(&self) -> bool {
        self.rows.iter().any(ExportRow::is_active)
    }
}

impl ExportRow {
    pub fn is_active(&self) -> bool {
        matches!(self.state, ExportState::Waiting | ExportState::Writing)
    }

    pub fn is_ready(&self) -> bool {
        self.state == ExportState::Ready
    }

    pub fn size(&self) -> String {
        size(self.bytes)
    }
}

/// `840 B`, `12.4 KiB`, `3.2 MiB`: units are the same in every language.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let mut rest = bytes as f64 / 1024.0;
    let mut unit = 0;
    while rest >= 1024.0 && unit + 1 < UNITS.len() {
        rest /= 1024.0;
        unit += 1;
    }
    format!("{rest:.1} {}", UNITS[unit])
}

/// `GET …/audit/exports/new`; `POST …/audit/exports` sends `format`, `q`, `from`, `to`, `log`.
#[derive(Template)]
#[template(path = "audit/export_new.html")]
pub struct NewExportPage {
    pub chrome: Chrome,
    pub format: Field,
    pub formats: Vec<Choice>,
    pub q: Field,
    /// `2026-11-22T05:06`, UTC.
    pub from: Field,
    pub to: Field,
    /// A log from before a restore, which cannot be searched.
    pub log: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(840), "840 B");
        assert_eq!(size(12_698), "12.4 KiB");
        assert_eq!(size(3 << 40), "3.0 TiB");
    }
}
