//! How long data is kept: policies, what would go, what went.

use askama::Template;

use super::{Chrome, Field, RetentionRunState, Someone};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/privacy/retention`, and again with a preview or a form that is to be sent
/// once more.
#[derive(Template)]
#[template(path = "privacy/retention.html")]
pub struct RetentionPage {
    pub chrome: Chrome,
    pub policies: Vec<PolicyRow>,
    /// Legal holds in force.
    pub holds: u64,
    pub clock_in_doubt: bool,
    /// For who may change policies.
    pub form: Option<PolicyForm>,
    pub preview: Option<PreviewView>,
    pub may_run: bool,
    /// The latest first.
    pub runs: Vec<RunRow>,
}

impl RetentionPage {
    /// The page's own path; forms go below it.
    pub fn path(&self) -> String {
        format!("{}/admin/privacy/retention", self.chrome.base())
    }

    pub fn log_href(&self) -> String {
        format!("{}/settings", self.chrome.audit_href())
    }
}

pub struct PolicyRow {
    /// The class's code.
    pub class: &'static str,
    pub days: Option<u64>,
    /// The code of where it is decided.
    pub decided: &'static str,
}

/// Sends a number of days for each class (empty keeps it until somebody deletes it), and `confirm`
/// when it repeats what would be deleted.
pub struct PolicyForm {
    pub fields: Vec<PolicyField>,
    /// What was typed, when it makes data go sooner: it is to be sent once more.
    pub confirm: Option<String>,
}

pub struct PolicyField {
    pub class: &'static str,
    pub days: Field,
    pub required: bool,
    /// The message that says what is possible.
    pub hint: &'static str,
}

pub struct PreviewView {
    pub as_of: Timestamp,
    pub rows: Vec<PreviewRow>,
    pub samples: Vec<SampleRow>,
    pub last_backup_until: Option<Timestamp>,
}

impl PreviewView {
    /// What is not deleted is not gone from backups.
    pub fn backup_until(&self) -> Option<Timestamp> {
        self.last_backup_until.filter(|_| self.rows.iter().any(|row| row.due > 0))
    }
}

pub struct PreviewRow {
    pub class: &'static str,
    pub due: u64,
    pub messages: u64,
    pub persons: u64,
    pub held: u64,
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
}

pub struct SampleRow {
    pub class: &'static str,
    pub id: String,
    /// For who may open it.
    pub href: Option<String>,
    pub at: Timestamp,
    pub person: Option<String>,
}

pub struct RunRow {
    pub href: String,
    pub started: Timestamp,
    pub state: RetentionRunState,
    pub deleted: u64,
    pub keys: u64,
    pub last_backup_until: Option<Timestamp>,
}

/// `GET /t/{slug}/admin/privacy/retention/runs/{id}`.
#[derive(Template)]
#[template(path = "privacy/retention_run.html")]
pub struct RetentionRunPage {
    pub chrome: Chrome,
    pub id: String,
    pub state: RetentionRunState,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    /// Nobody for the schedule.
    pub requested_by: Option<Someone>,
    pub resumed: u64,
    pub rows: Vec<PreviewRow>,
    pub keys_destroyed: u64,
    pub keys_waiting: u64,
    pub last_backup_until: Option<Timestamp>,
    pub last_key_until: Option<Timestamp>,
}

impl RetentionRunPage {
    /// Whether it deleted nothing.
    pub fn is_empty(&self) -> bool {
        self.keys_destroyed == 0 && self.rows.iter().all(|row| row.due == 0)
    }

    pub fn list(&self) -> String {
        format!("{}/admin/privacy/retention", self.chrome.base())
    }
}
