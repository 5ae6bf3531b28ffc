//! What the usual products call things, so that nobody has to look it up.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Mapping, Preset, Protocol, ProviderSettings};
use crate::authn::saml::NameIdFormat;

/// What fits a product, as a starting point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    pub mapping: Mapping,
    /// The attribute that says which groups somebody is in.
    pub groups: String,
    /// SAML.
    pub name_id_format: NameIdFormat,
    /// OpenID Connect, beside `openid`.
    pub scopes: Vec<String>,
    /// With these the product says that it has asked for two factors.
    pub second_factor_contexts: Vec<String>,
}

const CLAIMS: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";
const MICROSOFT_MFA: &str = "http://schemas.microsoft.com/claims/multipleauthn";

/// What is suggested for a product that speaks this protocol.
pub fn suggestion(preset: Preset, is_saml: bool) -> Suggestion {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let (groups, contexts): (&str, &[&str]) = match (preset, is_saml) {
        (Preset::EntraId, true) => {
            ("http://schemas.microsoft.com/ws/2008/06/identity/claims/groups", &[MICROSOFT_MFA])
        }
        (Preset::EntraId, false) => ("groups", &["mfa"]),
        (Preset::AdFs, true) => ("http://schemas.xmlsoap.org/claims/Group", &[MICROSOFT_MFA]),
        (Preset::AdFs, false) => ("group", &["mfa", MICROSOFT_MFA]),
        (Preset::Okta, false) => ("groups", &["mfa"]),
        (Preset::Keycloak, true) => ("Role", &[]),
        (Preset::Shibboleth, true) => ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", &[REFEDS_MFA]),
        (Preset::Shibboleth, false) => ("eduperson_entitlement", &[REFEDS_MFA]),
        _ => ("groups", &[]),
    };
    let name_id_format = match preset {
        Preset::GoogleWorkspace => NameIdFormat::Email,
        _ => NameIdFormat::Persistent,
    };
    Suggestion {
        mapping: if is_saml { saml(preset) } else { oidc() },
        groups: groups.to_owned(),
        name_id_format,
        scopes: strings(&["email", "profile"]),
        second_factor_contexts: strings(contexts),
    }
}

/// What counts for a provider: its own names, and the preset's where it has none.
pub(super) fn mapping(settings: &ProviderSettings) -> Mapping {
    let is_saml = matches!(settings.protocol, Protocol::Saml(_));
    let (own, usual) = (settings.mapping.clone(), suggestion(settings.preset, is_saml).mapping);
    let or = |own: Vec<String>, usual| if own.is_empty() { usual } else { own };
    Mapping {
        email: or(own.email, usual.email),
        name: or(own.name, usual.name),
        given_name: or(own.given_name, usual.given_name),
        family_name: or(own.family_name, usual.family_name),
    }
}

/// OpenID Connect Core 1.0, 5.1.
fn oidc() -> Mapping {
    named(&["email"], &["name"], &["given_name"], &["family_name"])
}

fn saml(preset: Preset) -> Mapping {
    let (email, given, family) = (
        format!("{CLAIMS}/emailaddress"),
        format!("{CLAIMS}/givenname"),
        format!("{CLAIMS}/surname"),
    );
    let claims = (email.as_str(), given.as_str(), family.as_str());
    match preset {
        Preset::EntraId => {
            let name = "http://schemas.microsoft.com/identity/claims/displayname";
            named(&[claims.0], &[name], &[claims.1], &[claims.2])
        }
        Preset::AdFs => {
            let name = format!("{CLAIMS}/name");
            named(&[claims.0], &[&name], &[claims.1], &[claims.2])
        }
        Preset::Okta | Preset::GoogleWorkspace => {
            named(&["email"], &["displayName", "name"], &["firstName"], &["lastName"])
        }
        Preset::Keycloak => named(
            &["email", "urn:oid:1.2.840.113549.1.9.1"],
            &["name", "displayName"],
            &["givenName", "firstName", "urn:oid:2.5.4.42"],
            &["surname", "lastName", "urn:oid:2.5.4.4"],
        ),
        Preset::Shibboleth => named(
            &["urn:oid:0.9.2342.19200300.100.1.3", "mail"],
            &["urn:oid:2.16.840.1.113730.3.1.241", "displayName", "urn:oid:2.5.4.3", "cn"],
            &["urn:oid:2.5.4.42", "givenName"],
            &["urn:oid:2.5.4.4", "sn"],
        ),
        Preset::Other => named(
            &["email", "mail", claims.0, "urn:oid:0.9.2342.19200300.100.1.3"],
            &["displayName", "name", "urn:oid:2.16.840.1.113730.3.1.241", "cn"],
            &["givenName", "firstName", claims.1, "urn:oid:2.5.4.42"],
            &["sn", "surname", "lastName", claims.2, "urn:oid:2.5.4.4"],
        ),
    }
}

fn named(email: &[&str], name: &[&str], given_name: &[&str], family_name: &[&str]) -> Mapping {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Mapping {
        email: strings(email),
        name: strings(name),
        given_name: strings(given_name),
        family_name: strings(family_name),
    }
}
