//! Trying a provider out, and the report of a sign-in.

use askama::Template;

use super::{Given, TestRow};
use crate::kernel::Timestamp;
use crate::web::view::Chrome;

/// `GET /t/{tenant}/admin/sso/{id}/test`.
#[derive(Template)]
#[template(path = "sso/test.html")]
pub struct TestPage {
    pub chrome: Chrome,
    pub name: String,
    pub href: String,
    /// Where the browser is sent to the provider.
    pub start: String,
    pub given: Given,
    pub tests: Vec<TestRow>,
    pub may_manage: bool,
}

/// `GET /t/{tenant}/admin/sso/{id}/tests/{test}`.
#[derive(Template)]
#[template(path = "sso/report.html")]
pub struct ReportPage {
    pub chrome: Chrome,
    pub name: String,
    pub href: String,
    pub at: Timestamp,
    pub kind: &'static str,
    pub passed: bool,
    pub is_on: bool,
    /// Why it was refused, as a code.
    pub refusal: Option<&'static str>,
    pub steps: Vec<ReportStep>,
    /// What the provider says about the person, once all of it was checked.
    pub arrived: Vec<ArrivedRow>,
    pub documents: Vec<ReportDocument>,
    pub may_manage: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    Passed,
    Failed,
    Noted,
}

impl StepOutcome {
    /// Said to those who do not see the sign.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Passed => "sso-outcome-passed",
            Self::Failed => "sso-outcome-failed",
            Self::Noted => "sso-outcome-noted",
        }
    }

    pub const fn icon(self) -> &'static str {
        match self {
            Self::Passed => "tick",
            Self::Failed => "close",
            Self::Noted => "info",
        }
    }

    pub const fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Noted => "noted",
        }
    }
}

pub struct ReportStep {
    /// A code; its words are `sso-check-` and it.
    pub check: String,
    pub outcome: StepOutcome,
    pub found: Option<String>,
    pub expected: Option<String>,
}

impl ReportStep {
    pub fn is_failed(&self) -> bool {
        self.outcome == StepOutcome::Failed
    }
}

pub struct ArrivedRow {
    pub name: String,
    pub values: Vec<String>,
}

pub struct ReportDocument {
    pub title: String,
    pub text: String,
}
