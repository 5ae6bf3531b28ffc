//! What an identity provider is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authn::oidc::OidcSettings;
use crate::authn::saml::SamlSettings;
use crate::kernel::Timestamp;
use crate::kernel::id::ProviderId;

/// Whose product a provider is, for the names of its attributes and the words of the help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    #[default]
    Other,
    EntraId,
    Okta,
    GoogleWorkspace,
    AdFs,
    Keycloak,
    Shibboleth,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Protocol {
    Saml(SamlSettings),
    Oidc(OidcSettings),
}

/// Which attributes or claims say what. Of several names the first that is there counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Mapping {
    pub email: Vec<String>,
    pub name: Vec<String>,
    pub given_name: Vec<String>,
    pub family_name: Vec<String>,
}

/// Who has this value in this attribute gets this role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    pub attribute: String,
    /// Compared exactly; `*` is any.
    pub value: String,
    pub role: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Provisioning {
    /// Whoever is no member becomes one at their first sign-in.
    pub create: bool,
    /// Members with an address of the provider's domains are linked at their first sign-in.
    pub link: bool,
    /// The first that fits counts.
    pub rules: Vec<RoleRule>,
    /// For whom none fits; without one they are refused. New members only, where there are no rules.
    pub default_role: Option<String>,
}

impl Default for Provisioning {
    fn default() -> Self {
        Self { create: true, link: true, rules: Vec::new(), default_role: None }
    }
}

/// Whether the provider's word is enough where two factors are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Trust {
    /// With one of these in `acr`, `amr` or AuthnContextClassRef it counts as two factors; `*` is
    /// any. Without, people show a second factor here.
    pub second_factor_contexts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSettings {
    /// On the button of the sign-in page.
    pub name: String,
    #[serde(default)]
    pub preset: Preset,
    pub protocol: Protocol,
    /// The preset's when empty.
    #[serde(default)]
    pub mapping: Mapping,
    #[serde(default)]
    pub provisioning: Provisioning,
    /// Lower-case domains of e-mail addresses that the provider vouches for, and people are sent to
    /// it from. Nobody with another address is signed in.
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub trust: Trust,
    /// Hours after which sessions by this provider end, however long others last.
    #[serde(default)]
    pub session_hours: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderState {
    On,
    /// Signs nobody in; it can be tried out.
    Off,
}

impl ProviderState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// A provider without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    pub id: ProviderId,
    pub state: ProviderState,
    pub settings: ProviderSettings,
    /// Whether there is a client secret.
    pub has_secret: bool,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
}
