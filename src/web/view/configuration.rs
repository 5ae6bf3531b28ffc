//! The configuration in force.

use askama::Template;

use super::Chrome;
use super::state::{CertificateEnd, SettingOwner};
use crate::kernel::Timestamp;

/// `GET /platform/configuration`
#[derive(Template)]
#[template(path = "platform/configuration.html")]
pub struct ConfigurationPage {
    pub chrome: Chrome,
    /// None when there is no configuration file.
    pub file: Option<String>,
    /// None while nothing is served by it.
    pub certificate: Option<CertificateCard>,
    pub sections: Vec<SettingSection>,
}

pub struct CertificateCard {
    pub fingerprint: String,
    pub names: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub end: CertificateEnd,
    /// Whose it is.
    pub source: String,
    /// None when no authority is set up.
    pub authority: Option<AuthorityCard>,
}

/// How it stands with the authority that certificates are asked from.
pub struct AuthorityCard {
    /// None when it is asked as soon as the job looks.
    pub next: Option<Timestamp>,
    pub tried: Option<Timestamp>,
    /// Why the last try brought nothing.
    pub error: Option<String>,
}

pub struct SettingSection {
    pub name: &'static str,
    pub rows: Vec<SettingRow>,
}

pub struct SettingRow {
    pub name: &'static str,
    /// Empty when unset; never a secret.
    pub value: String,
    pub owner: SettingOwner,
    /// Where it was given.
    pub origin: Option<String>,
    /// Whether a change counts without a restart.
    pub reloaded: bool,
}
