//! Whether people come by an identity provider alone.

use askama::Template;

use super::form::Choice;
use super::{Chrome, Field};
use crate::kernel::Timestamp;

/// `GET|POST /t/{slug}/admin/sso/enforcement`; the form sends `only` when it is ticked, and
/// `break_glass`.
#[derive(Template)]
#[template(path = "single_sign_on.html")]
pub struct SingleSignOnPage {
    pub chrome: Chrome,
    pub may_change: bool,
    pub is_on: bool,
    /// As it is in the form.
    pub only: bool,
    pub providers_on: u64,
    pub members_linked: u64,
    /// Sessions that would end.
    pub other_sessions: u64,
    pub emergency_used: Option<Timestamp>,
    pub break_glass: Field,
    /// Owners; what somebody lacks stands beside the name.
    pub owners: Vec<Choice>,
    /// Whether the other owners can be told when it is used.
    pub mails: bool,
    /// What stands against it as a whole.
    pub problem: Option<String>,
}

impl SingleSignOnPage {
    /// Message id of what is said below the emergency account.
    pub fn emergency_hint(&self) -> &'static str {
        if self.mails { "emergency-account-hint" } else { "emergency-account-hint-no-mail" }
    }
}
