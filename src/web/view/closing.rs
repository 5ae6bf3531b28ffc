//! Closing a tenant: the form, its time of grace, and what is left of those that are destroyed.

use askama::Template;

use super::{Chrome, ClosingState, Field, Someone};
use crate::kernel::Timestamp;

/// `GET|POST /platform/tenants/{slug}/close`; sends `confirm`, `reason`.
#[derive(Template)]
#[template(path = "platform/close.html")]
pub struct ClosePage {
    pub chrome: Chrome,
    pub name: String,
    pub slug: String,
    /// The tenant's page.
    pub back: String,
    pub grace_days: u64,
    /// When nothing can be opened any more, backups included: days after closing.
    pub gone_days: u64,
    pub confirm: Field,
    pub reason: Field,
}

/// A tenant in its time of grace.
pub struct GraceFacts {
    pub closed: Timestamp,
    pub due: Timestamp,
    /// Whole days until then.
    pub days_left: u64,
    pub held: bool,
    pub reason: String,
    pub by: Someone,
    /// What somebody with a shell types to take the data out.
    pub command: String,
    /// For who may take it back.
    pub may_reopen: bool,
}

/// `GET /platform/closings`.
#[derive(Template)]
#[template(path = "platform/closings.html")]
pub struct ClosingsPage {
    pub chrome: Chrome,
    /// The latest first.
    pub rows: Vec<ClosingRow>,
}

pub struct ClosingRow {
    pub name: String,
    pub slug: String,
    /// The tenant's page, while it is there.
    pub href: Option<String>,
    pub state: ClosingState,
    pub closed: Timestamp,
    /// When it is, or was, destroyed.
    pub end: Option<Timestamp>,
    pub keys_until: Option<Timestamp>,
    pub certificate: Option<String>,
}
