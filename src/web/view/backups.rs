//! Backups and restores in the platform's console.

use askama::Template;

use super::state::{JobResult, RestoreStanding, TargetStanding};
use super::{Chrome, Field};
use crate::backup::catalogue::Overdue;
use crate::kernel::Timestamp;

/// `GET /platform/backups`.
#[derive(Template)]
#[template(path = "platform/backups.html")]
pub struct BackupsPage {
    pub chrome: Chrome,
    /// Somebody is configured who can read backups, and a place for them.
    pub configured: bool,
    pub targets: Vec<TargetRow>,
    /// Targets that are not in the settings any more and still have backups.
    pub elsewhere: Vec<ElsewhereRow>,
    /// Targets that refuse to delete what is past its time.
    pub overdue: Vec<Overdue>,
    pub last_backup: Option<Timestamp>,
    pub last_run: Option<LastRun>,
    /// Seconds that would be lost if this machine were gone now; None when nothing leaves it
    /// between daily backups.
    pub unsent: Option<u64>,
    pub last_test: Option<TestCard>,
    /// No test went well for longer than the settings allow.
    pub test_overdue: bool,
    pub tenants: Vec<BackedUp>,
    pub restores: Vec<RestoreRow>,
    /// Whether the person may restore.
    pub may_restore: bool,
}

pub struct ElsewhereRow {
    pub target: String,
    pub archives: u64,
    /// Whether continuous archiving had sent changes there.
    pub changes: bool,
    pub newest: Timestamp,
}

pub struct TargetRow {
    pub name: String,
    pub standing: TargetStanding,
    pub failing_since: Option<Timestamp>,
    pub error: Option<String>,
    pub last_success: Option<Timestamp>,
    /// Archives that others have.
    pub missing: u64,
}

/// The last run of the daily backup that has ended.
pub struct LastRun {
    pub at: Timestamp,
    pub failed: bool,
    pub result: JobResult,
    pub message: Option<String>,
}

pub struct TestCard {
    pub at: Timestamp,
    pub passed: bool,
    pub archives: u64,
    pub took: String,
    pub seconds_per_gib: Option<u64>,
    pub problem: Option<String>,
}

/// `GET /platform/restore-tests`.
#[derive(Template)]
#[template(path = "platform/restore_tests.html")]
pub struct RestoreTestsPage {
    pub chrome: Chrome,
    /// The newest first.
    pub rows: Vec<TestedRow>,
}

pub struct TestedRow {
    pub at: Timestamp,
    pub passed: bool,
    pub archives: u64,
    /// Owners that were restored as of a second, too.
    pub seconds: u64,
    pub took: String,
    pub problem: Option<String>,
    /// Where the signed result is.
    pub note: String,
}

pub struct BackedUp {
    pub name: String,
    pub slug: String,
    /// Of the page to restore it; empty for the platform.
    pub href: String,
    pub newest: Option<Timestamp>,
    pub count: u64,
    pub size: String,
    /// When a restore test last brought it back.
    pub proven: Option<Timestamp>,
}

pub struct RestoreRow {
    pub id: String,
    pub tenant: String,
    pub state: RestoreStanding,
    pub moment: Timestamp,
    pub started: Timestamp,
    pub lost: u64,
    pub past: Option<String>,
    pub problem: Option<String>,
}

impl RestoreRow {
    pub fn is_open(&self) -> bool {
        self.state == RestoreStanding::Restored
    }
}

/// `GET|POST /platform/backups/{name}[?at=]`; sends `at`, `identity`, `confirm`.
#[derive(Template)]
#[template(path = "platform/backup_restore.html")]
pub struct RestorePage {
    pub chrome: Chrome,
    pub name: String,
    pub slug: String,
    pub path: String,
    pub at: Field,
    pub identity: Field,
    pub confirm: Field,
    /// None when there is nothing to restore from; then `problem` says why.
    pub plan: Option<PlanCard>,
    pub problem: Option<String>,
    /// Between which moments any second can be had, the newest first.
    pub windows: Vec<(Timestamp, Timestamp)>,
    /// The newest first.
    pub archives: Vec<ArchiveRow>,
}

pub struct ArchiveRow {
    pub taken: Timestamp,
    pub entries: u64,
    /// This page with that moment.
    pub href: String,
}

pub struct PlanCard {
    pub moment: Timestamp,
    pub backup: String,
    pub target: String,
    pub lost: Option<u64>,
    pub held: bool,
    pub recipients: Vec<String>,
    /// Targets that did not answer, and why.
    pub unread: Vec<String>,
}
