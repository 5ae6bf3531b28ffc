//! Pages for identity providers: setting them up, trying them out, and our keys.

mod forms;
mod trial;

use askama::Template;

use super::form::Field;
// Templates of the pages in this folder look for them one step up.
use super::state::{SsoKeyState, SsoState, TestOutcome};
use super::{ChainPill, Chrome, Scope};
use crate::kernel::Timestamp;

pub use forms::{
    ChoosePage, ConnectionForm, ConnectionPage, Kind, KindRow, PeopleForm, PeoplePage, RuleFields,
    UsualNames,
};
pub use trial::{ArrivedRow, ReportDocument, ReportPage, ReportStep, StepOutcome, TestPage};

/// `GET /t/{tenant}/admin/sso`.
#[derive(Template)]
#[template(path = "sso/list.html")]
pub struct ProvidersPage {
    pub chrome: Chrome,
    pub rows: Vec<ProviderRow>,
    pub warnings: Vec<SsoWarning>,
    pub given: Given,
    pub may_manage: bool,
    pub may_see_enforcement: bool,
}

pub struct ProviderRow {
    pub href: String,
    pub name: String,
    /// Codes.
    pub preset: &'static str,
    pub protocol: &'static str,
    pub state: SsoState,
    pub domains: Vec<String>,
    /// Of the certificate or metadata that ends first.
    pub ends: Option<Timestamp>,
    /// Whether that is soon.
    pub ending: Option<SsoState>,
    pub last_sign_in: Option<Timestamp>,
    pub last_failure: Option<LastFailure>,
}

impl ProviderRow {
    const SHOWN: usize = 3;

    pub fn first_domains(&self) -> &[String] {
        &self.domains[..self.domains.len().min(Self::SHOWN)]
    }

    pub fn more_domains(&self) -> u64 {
        self.domains.len().saturating_sub(Self::SHOWN) as u64
    }
}

pub struct LastFailure {
    pub at: Timestamp,
    /// Its report.
    pub href: String,
}

/// Something that ends within 30 days, or has.
#[derive(Clone)]
pub struct SsoWarning {
    /// In the person's language.
    pub title: String,
    pub text: String,
    pub href: String,
    pub is_over: bool,
}

/// What the other side has to know about this tenant.
#[derive(Clone)]
pub struct Given {
    /// Of the product whose terms are shown beside; none on the list.
    pub preset: Option<&'static str>,
    pub saml: bool,
    pub oidc: bool,
    pub entity_id: String,
    pub acs_url: String,
    pub metadata_url: String,
    pub logout_url: String,
    /// Of one provider; none before it is there, and on the list.
    pub redirect_uri: Option<String>,
    pub backchannel_uri: String,
    pub after_logout_uri: String,
}

impl Given {
    /// `base` is the address of this server, without a slash at the end.
    pub fn new(base: &str, slug: &str) -> Self {
        let tenant = format!("{base}/t/{slug}");
        Self {
            preset: None,
            saml: true,
            oidc: true,
            entity_id: format!("{tenant}/saml"),
            acs_url: format!("{tenant}/saml/acs"),
            metadata_url: format!("{tenant}/saml/metadata"),
            logout_url: format!("{tenant}/saml/logout"),
            redirect_uri: None,
            backchannel_uri: format!("{tenant}/oidc/backchannel-logout"),
            after_logout_uri: format!("{tenant}/login"),
        }
    }

    /// With the address that is one provider's own.
    #[must_use]
    pub fn with_redirect_uri(self, uri: String) -> Self {
        Self { redirect_uri: Some(uri), ..self }
    }

    /// For one product and one protocol.
    #[must_use]
    pub fn of(self, preset: &'static str, protocol: &str) -> Self {
        let saml = protocol == "saml";
        Self { preset: Some(preset), saml, oidc: !saml, ..self }
    }

    /// What the product calls one of them, where it has a name of its own.
    pub fn term(&self, chrome: &Chrome, what: &str) -> Option<String> {
        let code = format!("{what}-{}", self.preset?);
        chrome.has_label("sso-term-", &code).then(|| {
            let term = chrome.label("sso-term-", &code);
            chrome.w("sso-given-called", "term", term)
        })
    }
}

/// `GET /t/{tenant}/admin/sso/{id}`.
#[derive(Template)]
#[template(path = "sso/one.html")]
pub struct ProviderPage {
    pub chrome: Chrome,
    pub name: String,
    pub href: String,
    pub preset: &'static str,
    pub protocol: &'static str,
    pub state: SsoState,
    /// Whether the last try succeeded; absent when nobody has tried.
    pub last_test: Option<bool>,
    pub warnings: Vec<SsoWarning>,
    /// What has to be registered there.
    pub given: Given,
    pub connection: Vec<Fact>,
    pub people: Vec<Fact>,
    /// SAML only.
    pub certificates: Option<Vec<CertificateRow>>,
    pub tests: Vec<TestRow>,
    pub may_manage: bool,
    /// The name typed to remove it.
    pub confirm: Field,
    /// Why something about it was not done.
    pub problem: Option<String>,
}

impl ProviderPage {
    pub fn is_on(&self) -> bool {
        self.state == SsoState::On
    }
}

/// A message id, and a value in the person's language.
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    /// An address or name that is compared letter by letter.
    pub is_code: bool,
}

pub struct CertificateRow {
    pub subject: String,
    /// SHA-256, in groups of two digits.
    pub fingerprint: String,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub state: SsoState,
}

pub struct TestRow {
    pub href: String,
    pub at: Timestamp,
    pub outcome: TestOutcome,
    /// `test` or `sign-in`.
    pub kind: &'static str,
}

/// `GET /t/{tenant}/admin/sso/keys`.
#[derive(Template)]
#[template(path = "sso/keys.html")]
pub struct SsoKeysPage {
    pub chrome: Chrome,
    pub keys: Vec<SsoKeyRow>,
    /// When the one in use ends, if that is soon.
    pub ending: Option<Timestamp>,
    pub may_manage: bool,
}

impl SsoKeysPage {
    pub fn has_next(&self) -> bool {
        self.keys.iter().any(|key| key.state == SsoKeyState::Next)
    }
}

pub struct SsoKeyRow {
    pub id: String,
    pub state: SsoKeyState,
    pub fingerprint: String,
    pub pem: String,
    pub made: Timestamp,
    pub ends: Timestamp,
}

impl SsoKeyRow {
    pub fn is_next(&self) -> bool {
        self.state == SsoKeyState::Next
    }

    pub fn is_former(&self) -> bool {
        self.state == SsoKeyState::Former
    }
}
