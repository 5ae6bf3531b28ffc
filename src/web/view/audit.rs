//! The audit explorer: search, results, verification, one entry. Serves a tenant's log and the
//! platform's alike.

use std::time::Duration;

use askama::Template;

use super::audit_rows::AuditRow;
use super::query::{self, Pager};
use super::{Chrome, FieldError, Outcome, platform};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/audit` or `/platform/audit`, and the answer to `POST …/verify`.
#[derive(Template)]
#[template(path = "audit/explorer.html")]
pub struct AuditPage {
    pub chrome: Chrome,
    pub filter: AuditFilter,
    /// What is wrong with the query; then there are no rows.
    pub problem: Option<FieldError>,
    /// Actions to choose from, by category.
    pub actions: Vec<ActionGroup>,
    /// Newest first.
    pub rows: Vec<AuditRow>,
    pub pager: Pager,
    pub index: IndexState,
    /// After the Verify button was pressed.
    pub verification: Option<Verification>,
    pub may_verify: bool,
}

/// The search as the person gave it; each part is empty when not used. The names are those of the
/// query string.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct AuditFilter {
    pub q: String,
    pub action: String,
    pub actor: String,
    /// A code of [`Outcome`].
    pub outcome: String,
    /// `2026-11-22T05:06` or with seconds, UTC; the first moment that counts.
    pub from: String,
    /// The first moment that no longer counts.
    pub to: String,
}

/// A part of the search that can be taken away.
pub struct Chip {
    /// The message that names the part.
    pub name: &'static str,
    pub value: String,
    /// The search without it.
    pub without: String,
}

impl AuditFilter {
    fn parameters(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("action", &self.action),
            ("actor", &self.actor),
            ("outcome", &self.outcome),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    pub fn is_empty(&self) -> bool {
        self.parameters().iter().all(|(_, value)| value.is_empty())
    }

    /// Whether a part other than the free query is used, so that its controls should show.
    pub fn is_detailed(&self) -> bool {
        self.parameters()[1..].iter().any(|(_, value)| !value.is_empty())
    }

    /// A link to this search at `cursor` (empty for the newest page).
    pub fn href(&self, path: &str, cursor: &str) -> String {
        let mut parameters = self.parameters().to_vec();
        parameters.push(("cursor", cursor));
        query::href(path, &parameters)
    }

    /// The parts in use, each with the link that takes it away.
    pub fn chips(&self, path: &str) -> Vec<Chip> {
        const NAMES: [&str; 6] =
            ["chip-query", "chip-action", "chip-actor", "chip-outcome", "chip-from", "chip-to"];
        let parts = self.parameters().into_iter().zip(NAMES).enumerate();
        parts
            .filter(|(_, ((_, value), _))| !value.is_empty())
            .map(|(at, ((_, value), name))| {
                let mut rest = self.parameters();
                rest[at].1 = "";
                Chip { name, value: value.to_owned(), without: query::href(path, &rest) }
            })
            .collect()
    }

    pub fn is_action(&self, action: impl AsRef<str>) -> bool {
        self.action == action.as_ref()
    }

    pub fn is_outcome(&self, outcome: &Outcome) -> bool {
        self.outcome == outcome.code()
    }
}

pub struct ActionGroup {
    /// The category's code, such as `authentication`.
    pub category: String,
    /// Codes of actions.
    pub actions: Vec<String>,
}

/// How far the derived search index has come.
pub enum IndexState {
    Current,
    /// Entries after this one are not in the results yet.
    Through {
        seq: u64,
    },
}

/// What a verification of the whole log found.
pub struct Verification {
    /// Entries read.
    pub entries: u64,
    pub took: Duration,
    pub result: VerificationResult,
}

pub enum VerificationResult {
    /// Every entry links to the one before it; `head` is the last one's hash in hex (absent for
    /// an empty log).
    Whole {
        head: Option<String>,
    },
    Broken {
        first_bad: u64,
    },
}

impl Verification {
    pub fn took_text(&self) -> String {
        platform::duration(self.took)
    }
}

/// `GET …/{seq}`.
#[derive(Template)]
#[template(path = "audit/entry.html")]
pub struct AuditEntryPage {
    pub chrome: Chrome,
    pub entry: AuditRow,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// The actor's role code at that time.
    pub actor_role: Option<String>,
    /// When it happened, for events that an application sent later.
    pub occurred: Option<Timestamp>,
    pub changes: Vec<Change>,
    /// Name and value (JSON for what is not text).
    pub custom_fields: Vec<(String, String)>,
    /// The whole event, indented.
    pub json: String,
    pub leaf: Leaf,
    pub previous: Option<u64>,
    pub next: Option<u64>,
}

/// A field's old and new value; `None` is shown as nothing.
pub struct Change {
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// The entry's place in the chain; hashes in lower-case hex.
pub struct Leaf {
    pub log_id: String,
    pub time_micros: i64,
    pub payload_hash: String,
    pub prev_hash: String,
    pub hash: String,
}

impl AuditEntryPage {
    fn search(&self, field: &str, value: Option<&str>) -> Option<String> {
        let q = format!("{field}:{}", value?);
        Some(query::href(&self.chrome.audit_href(), &[("q", &q)]))
    }

    pub fn by_actor(&self) -> Option<String> {
        self.search("actor", self.entry.actor.id.as_deref())
    }

    pub fn on_resource(&self) -> Option<String> {
        self.search("resource", self.entry.resource.as_ref()?.id.as_deref())
    }

    pub fn in_request(&self) -> Option<String> {
        self.search("request", self.request_id.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_takes_away_its_own_part_and_no_other() {
        let filter = AuditFilter {
            q: "ip:10.0.0.1".into(),
            outcome: "denied".into(),
            ..AuditFilter::default()
        };
        let chips = filter.chips("/t/acme/admin/audit");
        let without: Vec<_> = chips.iter().map(|chip| chip.without.as_str()).collect();
        assert_eq!(
            without,
            ["/t/acme/admin/audit?outcome=denied", "/t/acme/admin/audit?q=ip%3A10.0.0.1"]
        );
    }
}
