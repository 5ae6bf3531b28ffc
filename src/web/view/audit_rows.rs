//! Entries as rows: in the explorer, on the home page, and as they come in a live view.

use askama::Template;

use super::{Chrome, Outcome};
use crate::audit::catalogue;
use crate::kernel::Timestamp;

pub struct AuditRow {
    pub seq: u64,
    pub time: Timestamp,
    pub actor: Actor,
    /// The action's code, such as `session.started`.
    pub action: String,
    pub resource: Option<Resource>,
    pub outcome: Outcome,
    pub ip: Option<String>,
    /// The first of the fields that it changed.
    pub change: Option<ChangeHint>,
}

impl AuditRow {
    /// The key of this part of the log was destroyed: nobody knows who did what, and how it ended.
    pub fn is_destroyed(&self) -> bool {
        self.action == catalogue::ENTRY_DESTROYED.name
    }
}

/// One changed field in brief.
#[derive(Clone)]
pub struct ChangeHint {
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
    /// How many others were changed.
    pub more: u64,
}

/// Who acted.
#[derive(Clone)]
pub struct Actor {
    /// Kind of actor, such as `user`, `api_key`, `system`, `operator`, `anonymous`.
    pub kind: String,
    pub id: Option<String>,
    pub name: Option<String>,
    /// The person's key was destroyed: the name is gone for good.
    pub erased: bool,
}

/// What was acted on.
#[derive(Clone)]
pub struct Resource {
    /// Such as `conversation`.
    pub kind: String,
    pub id: Option<String>,
}

/// Rows by themselves, to be put above those that are shown.
#[derive(Template)]
#[template(path = "audit/_rows.html")]
pub struct AuditRows {
    pub chrome: Chrome,
    pub rows: Vec<AuditRow>,
}
