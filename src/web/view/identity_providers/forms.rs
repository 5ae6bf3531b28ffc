//! Forms of a provider: choosing, the connection, who gets in.

use askama::Template;

use super::Given;
use crate::web::view::Chrome;
use crate::web::view::form::{Choice, Field};

/// How a connection is described in the form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    SamlUrl,
    SamlXml,
    SamlHand,
    Oidc,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::SamlUrl, Self::SamlXml, Self::SamlHand, Self::Oidc];

    const CODES: [&str; 4] = ["saml-url", "saml-xml", "saml-hand", "oidc"];

    pub const fn code(self) -> &'static str {
        Self::CODES[self as usize]
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            _ => "saml",
        }
    }

    /// Messages that name and explain it.
    pub const fn messages(self) -> (&'static str, &'static str) {
        match self {
            Self::SamlUrl => ("sso-kind-saml-url", "sso-kind-saml-url-text"),
            Self::SamlXml => ("sso-kind-saml-xml", "sso-kind-saml-xml-text"),
            Self::SamlHand => ("sso-kind-saml-hand", "sso-kind-saml-hand-text"),
            Self::Oidc => ("sso-kind-oidc", "sso-kind-oidc-text"),
        }
    }
}

/// `GET /t/{tenant}/admin/sso/new`, before product and protocol are chosen.
#[derive(Template)]
#[template(path = "sso/choose.html")]
pub struct ChoosePage {
    pub chrome: Chrome,
    pub preset: Field,
    pub presets: Vec<Choice>,
    pub kinds: Vec<KindRow>,
}

pub struct KindRow {
    pub code: &'static str,
    /// Message ids.
    pub name: &'static str,
    pub text: &'static str,
    pub is_chosen: bool,
}

/// `…/sso/new?preset=…&kind=…` and `…/sso/{id}/connection`.
#[derive(Template)]
#[template(path = "sso/connection.html")]
pub struct ConnectionPage {
    pub chrome: Chrome,
    /// Where one comes back to without a change.
    pub cancel: String,
    /// The link above the title: where it leads, and its words.
    pub up: (String, String),
    /// Where the form goes.
    pub action: String,
    pub form: ConnectionForm,
    pub given: Given,
    /// What to do at the provider, in the person's language; for new ones.
    pub help: Vec<String>,
    /// What is wrong and belongs to no field.
    pub problem: Option<String>,
}

/// The fields of both protocols; those of the other one are not shown.
#[derive(Clone, Default)]
pub struct ConnectionForm {
    pub kind: Kind,
    pub is_new: bool,
    /// A code.
    pub preset: Field,
    pub presets: Vec<Choice>,
    pub name: Field,
    pub domains: Field,
    // SAML
    pub metadata_url: Field,
    pub metadata: Field,
    pub entity_id: Field,
    pub sign_in_url: Field,
    pub sign_in_binding: Field,
    pub sign_in_bindings: Vec<Choice>,
    pub sign_out_url: Field,
    pub sign_out_response_url: Field,
    pub sign_out_binding: Field,
    pub sign_out_bindings: Vec<Choice>,
    pub certificates: Field,
    pub name_id: Field,
    pub name_ids: Vec<Choice>,
    pub subject_attribute: Field,
    pub contexts: Field,
    pub skew: Field,
    pub sign_requests: bool,
    pub require_encryption: bool,
    pub force_authn: bool,
    pub allow_unsolicited: bool,
    pub allow_sha1: bool,
    pub allow_cbc: bool,
    // OpenID Connect
    pub issuer: Field,
    pub client_id: Field,
    /// Never put back.
    pub client_secret: Field,
    pub has_secret: bool,
    /// It was typed and is gone with the page that was refused.
    pub secret_lost: bool,
    pub discovery: Field,
    pub discoveries: Vec<Choice>,
    pub document: Field,
    pub keys: Field,
    pub client_auth: Field,
    pub client_auths: Vec<Choice>,
    pub scopes: Field,
    pub acr: Field,
    pub userinfo: bool,
    pub authorities: Field,
}

impl ConnectionForm {
    pub fn is_saml(&self) -> bool {
        self.kind != Kind::Oidc
    }

    pub fn by_url(&self) -> bool {
        self.is_saml() && (!self.is_new || self.kind == Kind::SamlUrl)
    }

    pub fn by_text(&self) -> bool {
        self.is_saml() && (!self.is_new || self.kind == Kind::SamlXml)
    }

    pub fn by_hand(&self) -> bool {
        self.is_saml() && (!self.is_new || self.kind == Kind::SamlHand)
    }

    /// Message id of the hint below the secret.
    pub fn secret_hint(&self) -> &'static str {
        match (self.secret_lost, self.has_secret) {
            (true, _) => "sso-hint-client-secret-again",
            (false, true) => "sso-hint-client-secret-kept",
            (false, false) => "sso-hint-client-secret",
        }
    }

    pub fn metadata_hint(&self) -> &'static str {
        if self.is_new { "sso-hint-metadata" } else { "sso-hint-metadata-again" }
    }

    pub fn has_document(&self) -> bool {
        let fields = [&self.document, &self.keys];
        self.discovery.value == "document" || fields.iter().any(|field| field.error.is_some())
    }

    /// Whether the folded part about signatures is shown open.
    pub fn has_saml_details(&self) -> bool {
        let fields = [&self.name_id, &self.subject_attribute, &self.contexts, &self.skew];
        fields.iter().any(|field| field.error.is_some())
    }

    pub fn has_oidc_details(&self) -> bool {
        let fields = [&self.client_auth, &self.scopes, &self.acr, &self.skew, &self.authorities];
        fields.iter().any(|field| field.error.is_some())
    }

    /// Whether something is said beside a field.
    pub fn is_refused(&self) -> bool {
        let fields = [
            &self.name,
            &self.domains,
            &self.metadata_url,
            &self.metadata,
            &self.entity_id,
            &self.sign_in_url,
            &self.sign_out_url,
            &self.sign_out_response_url,
            &self.certificates,
            &self.issuer,
            &self.client_id,
            &self.client_secret,
        ];
        let here = fields.iter().any(|field| field.error.is_some());
        here || self.has_saml_details() || self.has_oidc_details() || self.document.error.is_some()
    }

    pub fn has_weak(&self) -> bool {
        self.allow_sha1 || self.allow_cbc
    }
}

/// `…/sso/{id}/people`.
#[derive(Template)]
#[template(path = "sso/people.html")]
pub struct PeoplePage {
    pub chrome: Chrome,
    pub name: String,
    pub href: String,
    pub preset: &'static str,
    pub form: PeopleForm,
    pub problem: Option<String>,
}

impl PeoplePage {
    /// What the product says of a second factor.
    pub fn trust_usual(&self) -> String {
        let preset = self.chrome.label("sso-preset-", self.preset);
        let names = self.form.usual.trust.as_str();
        let arguments = [("preset", preset.into()), ("names", names.into())];
        self.chrome.messages.with("sso-trust-usual", &arguments).into_owned()
    }
}

#[derive(Clone, Default)]
pub struct PeopleForm {
    pub domains: Field,
    pub link: bool,
    pub create: bool,
    pub rules: Vec<RuleFields>,
    /// The list was changed on the page and is not saved yet.
    pub unsaved: bool,
    pub default_role: Field,
    pub default_roles: Vec<Choice>,
    pub email: Field,
    pub full_name: Field,
    pub given_name: Field,
    pub family_name: Field,
    /// Usual names of the preset, for the hints.
    pub usual: UsualNames,
    pub trust: Field,
    pub session_hours: Field,
}

#[derive(Clone, Default)]
pub struct UsualNames {
    pub email: String,
    pub full_name: String,
    pub given_name: String,
    pub family_name: String,
    pub trust: String,
}

impl PeopleForm {
    /// Whether something is said beside a field.
    pub fn is_refused(&self) -> bool {
        let fields = [
            &self.domains,
            &self.default_role,
            &self.email,
            &self.full_name,
            &self.given_name,
            &self.family_name,
            &self.trust,
            &self.session_hours,
        ];
        let in_rule = |rule: &RuleFields| {
            [&rule.attribute, &rule.value, &rule.role].iter().any(|field| field.error.is_some())
        };
        fields.iter().any(|field| field.error.is_some()) || self.rules.iter().any(in_rule)
    }

    pub fn has_mapping(&self) -> bool {
        let fields = [&self.email, &self.full_name, &self.given_name, &self.family_name];
        fields.iter().any(|field| !field.value.is_empty() || field.error.is_some())
    }
}

#[derive(Clone)]
pub struct RuleFields {
    /// From 1.
    pub number: u64,
    pub attribute: Field,
    pub value: Field,
    pub role: Field,
    pub roles: Vec<Choice>,
    pub is_first: bool,
    pub is_last: bool,
}
