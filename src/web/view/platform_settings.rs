//! The platform's settings.

use askama::Template;

use super::{Chrome, Field};
use crate::kernel::Timestamp;

/// `GET /platform/settings`; `POST …/mail/test` sends a test mail (`email`).
#[derive(Template)]
#[template(path = "platform/settings.html")]
pub struct PlatformSettingsPage {
    pub chrome: Chrome,
    /// None while no mail server is configured.
    pub mail: Option<MailCard>,
}

pub struct MailCard {
    pub server: String,
    /// `starttls`, `tls` or `none`.
    pub tls: &'static str,
    pub username: Option<String>,
    pub from: String,
    pub waiting: u64,
    pub sent: u64,
    pub last_sent: Option<Timestamp>,
    pub last_error: Option<(Timestamp, String)>,
    /// For who may send one.
    pub test: Option<Field>,
    /// Where the test mail went just now.
    pub tested: Option<String>,
}
