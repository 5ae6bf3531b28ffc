//! What waits for a second person.

use askama::Template;

use super::{ApprovalState, Chrome, Field};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/approvals`.
#[derive(Template)]
#[template(path = "approvals/list.html")]
pub struct ApprovalsPage {
    pub chrome: Chrome,
    /// Whether the tenant goes by four eyes now.
    pub is_on: bool,
    pub waiting: Vec<ApprovalRow>,
    pub decided: Vec<ApprovalRow>,
}

pub struct ApprovalRow {
    pub id: String,
    pub state: ApprovalState,
    /// What is asked for, in words, and everything that decides what it does: message and value.
    pub act: String,
    pub details: Vec<(&'static str, String)>,
    pub reason: String,
    pub requester: String,
    pub requested: Timestamp,
    pub expires: Timestamp,
    pub decider: Option<String>,
    pub decided: Option<Timestamp>,
    /// Why it was refused.
    pub answer: Option<String>,
    pub may_decide: bool,
    pub may_withdraw: bool,
}

/// Instead of an act that a second person has to approve: asks why, and with that for approval. The
/// form goes where the first one went, with what was in it and `reason`.
#[derive(Template)]
#[template(path = "approvals/ask.html")]
pub struct AskApprovalPage {
    pub chrome: Chrome,
    pub act: String,
    pub details: Vec<(&'static str, String)>,
    /// Hours that the request waits.
    pub hours: u64,
    pub reason: Field,
    pub action: String,
    /// Name and value of what the first form had.
    pub kept: Vec<(String, String)>,
    pub cancel: String,
}
