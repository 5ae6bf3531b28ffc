//! Verifying a log: the button, how far it has come, and what was found.

use std::time::Duration;

use askama::Template;

use super::{Chrome, platform};
use crate::kernel::Timestamp;

/// `GET /t/{slug}/admin/audit/verify` or `/platform/audit/verify`.
#[derive(Template)]
#[template(path = "audit/verify.html")]
pub struct AuditVerifyPage {
    pub chrome: Chrome,
    pub state: VerifyState,
    /// Entries in the log now.
    pub size: u64,
}

pub enum VerifyState {
    /// Nobody has verified it since the server started.
    Never,
    Running {
        done: u64,
        total: u64,
    },
    Whole(Box<Verified>),
    Broken {
        first_bad: u64,
        /// What is wrong with it.
        reason: Option<String>,
        found: Box<Verified>,
    },
    /// It could not be done; why.
    Failed(String),
}

/// What a verification found.
pub struct Verified {
    /// Entries read.
    pub entries: u64,
    /// The last entry's hash in hex; absent for an empty log.
    pub head: Option<String>,
    /// The tree's root in hex.
    pub root: String,
    pub checkpoints: u64,
    pub took: Duration,
    /// The highest checkpoint that is known from outside of the log's file.
    pub excluded_by: Option<Excludes>,
    /// The highest checkpoint that a witness signed.
    pub witnessed_by: Option<Excludes>,
}

pub struct Excludes {
    pub size: u64,
    pub time: Option<Timestamp>,
    pub witnesses: Vec<String>,
}

impl AuditVerifyPage {
    pub fn is_running(&self) -> bool {
        matches!(self.state, VerifyState::Running { .. })
    }
}

impl Verified {
    pub fn took_text(&self) -> String {
        platform::duration(self.took)
    }
}

impl Excludes {
    pub fn names(&self) -> String {
        self.witnesses.join(", ")
    }
}
