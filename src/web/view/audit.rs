//! The audit explorer: search, what was found in rows and in numbers, what narrows it. Serves a
//! tenant's log and the platform's alike.

use askama::Template;

use super::audit_facets::FacetView;
use super::audit_rows::AuditRow;
use super::audit_search::{Chip, RangeLink, SavedView, Search};
use super::audit_timeline::Timeline;
use super::query::{self, Pager};
use super::{Chrome, FieldError};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/audit` or `/platform/audit`.
#[derive(Template)]
#[template(path = "audit/explorer.html")]
pub struct AuditPage {
    pub chrome: Chrome,
    pub search: Search,
    /// What is wrong with the search; then nothing was looked for.
    pub problem: Option<Problem>,
    pub ranges: Vec<RangeLink>,
    pub chips: Vec<Chip>,
    /// Newest first.
    pub rows: Vec<AuditRow>,
    pub pager: Pager,
    /// How far the derived search index has come, when that is not all of the log.
    pub indexed_through: Option<u64>,
    pub counts: Option<Counts>,
    /// Absent for who may not save any and finds none.
    pub saved: Option<SavedView>,
    pub live: Live,
    /// A checkpoint that a witness signed says otherwise than the log.
    pub contradicted: bool,
    /// When a restore began this log, which follows another one.
    pub follows: Option<Timestamp>,
    pub may_export: bool,
    pub may_verify: bool,
    pub examples: Vec<Example>,
    pub fields: Vec<(&'static str, &'static str)>,
}

/// What is wrong with a search, and where in it.
pub struct Problem {
    pub error: FieldError,
    /// The search before the place, what stands there, and after it; for mistakes in the text.
    pub place: Option<(String, String, String)>,
}

/// What was found, in numbers.
pub struct Counts {
    pub total: u64,
    /// Whether more may have been found than `total`.
    pub at_least: bool,
    /// The facets count from this entry on, when that is not all of them.
    pub counted_from: Option<u64>,
    pub timeline: Option<Timeline>,
    pub facets: Vec<FacetView>,
}

/// The live view: rows are put in as they come.
pub struct Live {
    pub on: bool,
    /// The link that turns it on or off.
    pub toggle: String,
    /// The WebSocket's path with the search.
    pub source: String,
    /// Whether this page can go on with what comes: the newest entries, until now.
    pub possible: bool,
}

/// A search to try.
pub struct Example {
    pub q: &'static str,
    /// The message that says what it finds.
    pub meaning: &'static str,
    pub href: String,
}

impl AuditPage {
    /// Seconds between reloads of a live page where no script keeps it alive.
    pub fn reload_seconds(&self) -> Option<u32> {
        (self.live.on && self.live.possible).then_some(10)
    }

    /// The way to the exports, with this search in their form.
    pub fn export_href(&self) -> String {
        let form = format!("{}/exports/new", self.chrome.audit_href());
        query::href(&form, &[("q", &self.search.as_text())])
    }

    pub fn has_facets(&self) -> bool {
        let facets = |counts: &Counts| counts.facets.iter().any(|facet| !facet.values.is_empty());
        self.counts.as_ref().is_some_and(facets)
    }

    pub fn is_narrowed(&self) -> bool {
        !self.chips.is_empty()
    }
}
