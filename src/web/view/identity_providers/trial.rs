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
    /// What was looked at, in the person's language.
    pub check: String,
    pub outcome: StepOutcome,
    pub found: Option<String>,
    pub expected: Option<String>,
}

/// Reasons that lie in who is let in, not in how the provider is connected.
const ABOUT_PEOPLE: [&str; 7] = [
    "email-missing",
    "email-domain-foreign",
    "email-unverified",
    "not-linked",
    "no-account",
    "no-role",
    "role-needs-second-person",
];

impl ReportPage {
    /// Whether the form for who gets in is where it can be put right.
    pub fn is_about_people(&self) -> bool {
        self.refusal.is_some_and(|code| ABOUT_PEOPLE.contains(&code))
    }
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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::authn::sso::Refusal;
    use crate::web::messages::Messages;

    /// The code that looks at messages and people, without its tests.
    fn sources() -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders: Vec<PathBuf> =
            ["authn/saml", "authn/oidc", "sso"].map(|folder| source.join(folder)).into();
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("folder") {
                let path = entry.expect("entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.to_string_lossy().contains("tests") {
                    let text = std::fs::read_to_string(&path).expect("text");
                    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                    found.push(code.to_owned());
                }
            }
        }
        found
    }

    /// Names that are the first argument of calls like this one.
    fn named<'a>(code: &'a str, call: &str) -> impl Iterator<Item = &'a str> {
        let calls = code.split(call).skip(1).collect::<Vec<_>>();
        calls.into_iter().filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
    }

    fn must_have_words(prefix: &str, code: &str) {
        assert!(Messages::english().has_label(prefix, code), "no words for {prefix}{code}");
    }

    #[test]
    fn every_refusal_says_what_is_wrong_and_what_to_change() {
        for refusal in Refusal::ALL {
            must_have_words("sso-refusal-", refusal.code());
            must_have_words("sso-cure-", refusal.code());
        }
    }

    #[test]
    fn every_check_and_every_document_of_a_report_has_words() {
        let mut count = 0;
        for code in sources() {
            for call in [".passed(", ".noted(", ".refused("] {
                named(&code, call).for_each(|check| must_have_words("sso-check-", check));
                count += named(&code, call).count();
            }
            named(&code, ".document(").for_each(|title| must_have_words("sso-document-", title));
        }
        assert!(count > 10, "only {count} checks were found");
    }

    /// The protocols name their checks in tables.
    #[test]
    fn every_check_in_the_tables_of_the_protocols_has_words() {
        for (file, kinds) in [
            (include_str!("../../../authn/saml/checks.rs"), ["sso-check-", "sso-check-"]),
            (include_str!("../../../authn/oidc/checks.rs"), ["sso-check-", "sso-document-"]),
        ] {
            let (checks, documents) = file.split_once("DOCUMENTS:").unwrap_or((file, ""));
            for (part, kind) in [checks, documents].into_iter().zip(kinds) {
                let rows = part.lines().filter_map(|line| line.trim().strip_suffix("\";"));
                let names = rows.filter_map(|row| row.rsplit('"').next());
                names.for_each(|name| must_have_words(kind, name));
            }
        }
    }
}
