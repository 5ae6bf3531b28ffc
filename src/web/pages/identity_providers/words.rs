//! Codes and lists of the forms: what stands in a field, and what it means.

use crate::outgoing::FetchError;
use crate::sso::{Preset, SsoError};
use crate::web::messages::Messages;
use crate::web::problems::as_sentence;
use crate::web::view::form::Choice;

const PRESETS: [(Preset, &str); 7] = [
    (Preset::EntraId, "entra-id"),
    (Preset::Okta, "okta"),
    (Preset::GoogleWorkspace, "google-workspace"),
    (Preset::Keycloak, "keycloak"),
    (Preset::AdFs, "ad-fs"),
    (Preset::Shibboleth, "shibboleth"),
    (Preset::Other, "other"),
];

pub const fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::EntraId => "entra-id",
        Preset::Okta => "okta",
        Preset::GoogleWorkspace => "google-workspace",
        Preset::Keycloak => "keycloak",
        Preset::AdFs => "ad-fs",
        Preset::Shibboleth => "shibboleth",
        Preset::Other => "other",
    }
}

pub fn parse_preset(code: &str) -> Option<Preset> {
    PRESETS.into_iter().find(|(_, name)| *name == code).map(|(preset, _)| preset)
}

pub fn presets(selected: Preset) -> Vec<Choice> {
    choices("sso-preset-", PRESETS.into_iter().map(|(_, code)| code), preset(selected))
}

/// What people know it by; empty when it is no product that they would know.
pub fn default_name(of: Preset) -> String {
    match of {
        Preset::Other => String::new(),
        Preset::EntraId => "Microsoft".to_owned(),
        Preset::GoogleWorkspace => "Google".to_owned(),
        of => Messages::english().label("sso-preset-", preset(of)),
    }
}

/// The issuer, where it is the same for everybody.
pub const fn issuer(preset: Preset) -> &'static str {
    match preset {
        Preset::GoogleWorkspace => "https://accounts.google.com",
        _ => "",
    }
}

/// Steps at the provider, in order.
pub fn help(of: Preset, protocol: &str) -> Vec<String> {
    let messages = Messages::english();
    (1_u8..=9)
        .map(|step| format!("{}-{protocol}-{step}", preset(of)))
        .take_while(|code| messages.has_label("sso-help-", code))
        .map(|code| messages.label("sso-help-", &code))
        .collect()
}

pub fn choices<'a>(
    prefix: &str,
    codes: impl Iterator<Item = &'a str>,
    selected: &str,
) -> Vec<Choice> {
    let choice = |code: &str| Choice {
        value: code.to_owned(),
        label: Messages::english().label(prefix, code),
        selected: code == selected,
    };
    codes.map(choice).collect()
}

pub fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// One in a line.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// However they are separated, and with or without an @.
pub fn domains(text: &str) -> Vec<String> {
    text.split([',', ';', ' ', '\n', '\r', '\t'])
        .map(|domain| domain.trim_start_matches('@').to_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect()
}

/// What is no number is out of every range, which is then said.
pub fn number(text: &str) -> u32 {
    text.trim().parse().unwrap_or(u32::MAX)
}

/// What is said beside the field of a setting that cannot be meant: a message's id.
pub fn wrong(setting: &str) -> Option<&'static str> {
    Some(match setting.rsplit('.').next().unwrap_or_default() {
        "name" => "sso-error-name",
        "domains" => "sso-error-domains",
        "metadataUrl" | "signInUrl" | "signOutUrl" | "signOutResponseUrl" => "sso-error-url",
        "certificates" => "sso-error-certificates",
        "subjectAttribute" => "sso-error-subject-attribute",
        "issuer" => "sso-error-issuer",
        "entityId" | "clientId" => "sso-error-line",
        "scopes" | "acrValues" => "sso-error-words",
        "certificateAuthorities" => "sso-error-authorities",
        "discovery" => "sso-error-document",
        "clockSkewSeconds" => "sso-error-skew",
        "sessionHours" => "sso-error-session-hours",
        "mapping" | "secondFactorContexts" | "requestedContexts" => "sso-error-lines",
        "secret" => "sso-error-secret",
        "rules" => "sso-error-rules",
        "protocol" => "sso-error-other-provider",
        _ => return None,
    })
}

/// An error of the settings in the words of the page.
pub fn said(error: &SsoError) -> String {
    let id = match error {
        SsoError::Setting { field, .. } => wrong(field),
        SsoError::IssuerTaken => Some("sso-error-issuer-taken"),
        SsoError::Fetch(FetchError::Tls(why)) if why.contains("UnknownIssuer") => {
            Some("sso-error-authority")
        }
        _ => None,
    };
    match id {
        Some(id) => Messages::english().text(id).into_owned(),
        None => as_sentence(&error.to_string()),
    }
}

/// A provider for tests of forms.
#[cfg(test)]
pub fn sample(settings: crate::sso::ProviderSettings) -> crate::sso::Provider {
    let now = crate::kernel::Timestamp::from_micros(1_800_000_000_000_000);
    crate::sso::Provider {
        id: crate::kernel::id::ProviderId::from_bytes([7; 16]),
        state: crate::sso::ProviderState::Off,
        settings,
        has_secret: false,
        created_at: now,
        changed_at: now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_words_and_steps_for_both_protocols() {
        for (product, code) in PRESETS {
            assert_eq!((preset(product), parse_preset(code)), (code, Some(product)));
            assert!(Messages::english().has_label("sso-preset-", code), "{code}");
            for protocol in ["saml", "oidc"] {
                assert!(help(product, protocol).len() >= 3, "{code} {protocol}");
            }
        }
    }

    #[test]
    fn domains_are_taken_as_people_write_them() {
        assert_eq!(
            domains("@Example.com, example.org\r\n  a.b;"),
            ["example.com", "example.org", "a.b"]
        );
    }
}
