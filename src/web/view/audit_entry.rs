//! One entry: what happened, what changed, and what proves it.

use askama::Template;

use super::Chrome;
use super::audit_rows::AuditRow;
use super::audit_search::Search;
use crate::kernel::Timestamp;

/// `GET …/{seq}`.
#[derive(Template)]
#[template(path = "audit/entry.html")]
pub struct AuditEntryPage {
    pub chrome: Chrome,
    pub entry: AuditRow,
    /// What happened, as one sentence.
    pub sentence: String,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// The actor's role code at that time.
    pub actor_role: Option<String>,
    /// The application's key that reported it: name and id.
    pub reporter: Option<(String, String)>,
    /// When it happened, for events that an application sent later.
    pub occurred: Option<Timestamp>,
    pub changes: Vec<FieldChange>,
    /// Name and value.
    pub custom_fields: Vec<(String, Shown)>,
    /// The whole event, indented.
    pub json: String,
    pub leaf: Leaf,
    pub proof: Option<Proof>,
    pub previous: Option<u64>,
    pub next: Option<u64>,
}

/// A field's old and new value; a field inside a value by its path.
#[derive(PartialEq, Eq, Debug)]
pub struct FieldChange {
    pub field: String,
    pub old: Option<Shown>,
    pub new: Option<Shown>,
}

/// A value as people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shown {
    Text(String),
    /// How it begins, and all of it.
    Long(String, String),
    /// Indented JSON.
    Json(String),
    /// Kept out of the log: sealed with the data, or a secret.
    Hidden,
}

impl FieldChange {
    /// The message that says what became of it.
    pub fn kind(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, Some(_)) => "change-added",
            (Some(_), None) => "change-removed",
            (Some(old), Some(new)) if old == new => "change-same",
            _ => "change-changed",
        }
    }

    pub fn tone(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, Some(_)) => "good",
            (Some(_), None) => "bad",
            _ => "neutral",
        }
    }
}

/// The entry's place in the chain; hashes in lower-case hex.
pub struct Leaf {
    pub log_id: String,
    pub time_micros: i64,
    pub payload_hash: String,
    pub prev_hash: String,
    pub hash: String,
}

/// That the entry is in the log that a checkpoint signs.
pub struct Proof {
    /// Entries that the tree covers, and its root.
    pub size: u64,
    pub root: String,
    /// When a checkpoint over it was signed; none when no checkpoint reaches the entry yet.
    pub signed: Option<Timestamp>,
    /// From the entry's neighbour up to the root.
    pub path: Vec<String>,
    /// Who has signed that checkpoint as well, and when.
    pub witnesses: Vec<(String, Timestamp)>,
}

impl AuditEntryPage {
    fn search(&self, field: &str, value: Option<&str>) -> Option<String> {
        let search = Search::default().and(field, value?, false);
        Some(search.link(&self.chrome.audit_href()))
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

    pub fn from_address(&self) -> Option<String> {
        self.search("ip", self.entry.ip.as_deref())
    }

    pub fn of_kind(&self) -> Option<String> {
        self.search("action", Some(&self.entry.action))
    }

    pub fn by_reporter(&self) -> Option<String> {
        self.search("reporter", self.reporter.as_ref().map(|(_, id)| id.as_str()))
    }

    /// The log around this entry.
    pub fn around(&self) -> String {
        let seq = self.entry.seq.saturating_add(10).to_string();
        Search::default().link_with(&self.chrome.audit_href(), "seq", &seq)
    }
}
