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
    /// Logs from before restores, the latest first.
    pub past: Vec<PastLogRow>,
}

/// A log that the one in use follows.
pub struct PastLogRow {
    pub id: String,
    pub size: u64,
    /// The oldest entry's; none when its file cannot be read.
    pub began: Option<Timestamp>,
    pub ended: Timestamp,
    /// Id of the restore that ended it.
    pub restore: String,
    /// Entries that could not be brought back.
    pub lost: u64,
    pub state: PastLogState,
    /// The form for an export of it, for who may.
    pub export: Option<String>,
}

pub enum PastLogState {
    /// Since the server started.
    NotVerified,
    Whole,
    /// Why.
    Broken(String),
    /// When: it was past its retention.
    Removed(Timestamp),
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
        /// None when the log itself is whole and one from before a restore is not.
        first_bad: Option<u64>,
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
