//! Whether settings of a provider can be meant.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Protocol, ProviderSettings, SsoError};
use crate::authn::oidc::{ClientAuthentication, Discovery, OidcSettings};
use crate::authn::saml::{NameIdFormat, SamlSettings};
use crate::authz::{Principal, Role};
use crate::kernel::limits;
use crate::outgoing;
use crate::roles;
use crate::settings::is_domain;
use crate::store::Sql;

const NAME_CHARS: usize = 80;
const SKEW_SECONDS: u32 = 300;
/// Scopes, contexts, names of one attribute.
const FEW: usize = 20;
const HOURS: std::ops::RangeInclusive<u32> = 1..=720;

/// Whoever decides who anybody is could be anybody.
///
/// # Errors
/// [`SsoError::NotAnOwner`]
pub(super) fn check_owner(principal: &Principal) -> Result<(), SsoError> {
    match principal.may_give(Role::Owner.permissions()) {
        true => Ok(()),
        false => Err(SsoError::NotAnOwner),
    }
}

/// Brings settings into one form.
///
/// # Errors
/// [`SsoError::Setting`] for what cannot be meant.
pub(super) fn checked(mut settings: ProviderSettings) -> Result<ProviderSettings, SsoError> {
    settings.name = settings.name.trim().to_owned();
    let name = settings.name.chars();
    if !(1..=NAME_CHARS).contains(&name.clone().count()) || name.clone().any(char::is_control) {
        return wrong("name", format!("has 1 to {NAME_CHARS} characters"));
    }
    settings.domains = domains(&settings.domains)?;
    match &settings.protocol {
        Protocol::Saml(saml) => check_saml(saml)?,
        Protocol::Oidc(oidc) => check_oidc(oidc)?,
    }
    check_provisioning(&settings)?;
    let mapping = &settings.mapping;
    for names in [&mapping.email, &mapping.name, &mapping.given_name, &mapping.family_name] {
        check_texts("mapping", names)?;
    }
    check_texts("trust.secondFactorContexts", &settings.trust.second_factor_contexts)?;
    if settings.session_hours.is_some_and(|hours| !HOURS.contains(&hours)) {
        let problem = format!("is a number of hours from {} to {}", HOURS.start(), HOURS.end());
        return wrong("sessionHours", problem);
    }
    Ok(settings)
}

fn wrong<T>(field: &'static str, problem: impl Into<String>) -> Result<T, SsoError> {
    Err(SsoError::setting(field, problem))
}

fn domains(given: &[String]) -> Result<Vec<String>, SsoError> {
    let plain = |domain: &String| domain.trim().trim_start_matches('@').to_lowercase();
    let mut domains: Vec<String> = given.iter().map(plain).collect();
    domains.retain(|domain| !domain.is_empty());
    domains.sort();
    domains.dedup();
    if domains.len() > limits::PROVIDER_DOMAINS {
        return wrong("domains", format!("are at most {}", limits::PROVIDER_DOMAINS));
    }
    match domains.iter().find(|domain| !is_domain(domain)) {
        Some(_) => wrong("domains", "are domains of e-mail addresses, such as example.org"),
        None => Ok(domains),
    }
}

fn check_saml(saml: &SamlSettings) -> Result<(), SsoError> {
    check_text("protocol.entityId", &saml.entity_id)?;
    check_https("protocol.signInUrl", &saml.sign_in_url)?;
    let others = [
        ("protocol.signOutUrl", &saml.sign_out_url),
        ("protocol.signOutResponseUrl", &saml.sign_out_response_url),
        ("protocol.metadataUrl", &saml.metadata_url),
    ];
    for (field, url) in others {
        url.as_deref().map_or(Ok(()), |url| check_https(field, url))?;
    }
    if !(1..=limits::SSO_CERTIFICATES).contains(&saml.certificates.len()) {
        let problem =
            format!("are 1 to {}: those with which the provider signs", limits::SSO_CERTIFICATES);
        return wrong("protocol.certificates", problem);
    }
    saml.certificates.iter().try_for_each(|pem| {
        let single = certificates(pem).ok().filter(|found| found.len() == 1);
        single.map(|_| ()).ok_or_else(|| {
            SsoError::setting("protocol.certificates", "are each one certificate in PEM")
        })
    })?;
    check_skew(saml.clock_skew_seconds)?;
    if let Some(attribute) = &saml.subject_attribute {
        check_text("protocol.subjectAttribute", attribute)?;
    } else if saml.name_id_format == NameIdFormat::Transient {
        let problem = "is needed where people are called something else at every sign-in";
        return wrong("protocol.subjectAttribute", problem);
    }
    check_texts("protocol.requestedContexts", &saml.requested_contexts)
}

/// The certificates in a PEM text, which all can be read.
pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = outgoing::certificates(pem)?;
    for der in &found {
        let (rest, _) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("has something behind it".to_owned());
        }
    }
    Ok(found)
}

fn check_oidc(oidc: &OidcSettings) -> Result<(), SsoError> {
    check_https("protocol.issuer", &oidc.issuer)?;
    if oidc.issuer.contains(['?', '#']) {
        return wrong("protocol.issuer", "is an address without a query");
    }
    // At those anybody's directory answers, with whatever address its administrator has typed.
    let shared = ["/common", "/organizations", "/consumers"];
    let is_microsoft = oidc.issuer.starts_with("https://login.microsoftonline.");
    if is_microsoft && shared.iter().any(|shared| oidc.issuer.contains(shared)) {
        return wrong("protocol.issuer", "has the id of your own directory in it");
    }
    check_text("protocol.clientId", &oidc.client_id)?;
    check_skew(oidc.clock_skew_seconds)?;
    check_texts("protocol.scopes", &oidc.scopes)?;
    check_texts("protocol.acrValues", &oidc.acr_values)?;
    if oidc.scopes.iter().chain(&oidc.acr_values).any(|one| one.contains(char::is_whitespace)) {
        return wrong("protocol.scopes", "and acrValues have no blanks in them");
    }
    if let Some(pem) = &oidc.certificate_authorities
        && (pem.len() > limits::SSO_MESSAGE_BYTES || certificates(pem).is_err())
    {
        return wrong("protocol.certificateAuthorities", "are certificates in PEM");
    }
    let Discovery::Document { document, keys } = &oidc.discovery else { return Ok(()) };
    for text in [Some(document), keys.as_ref()].into_iter().flatten() {
        let fits = text.len() <= limits::SSO_MESSAGE_BYTES
            && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        if !fits {
            let problem = "has the documents as the provider gives them, in JSON";
            return wrong("protocol.discovery", problem);
        }
    }
    Ok(())
}

/// # Errors
/// [`SsoError::Setting`] for one without the secret that it proves itself with.
pub(super) fn check_secret(settings: &ProviderSettings, has_secret: bool) -> Result<(), SsoError> {
    match &settings.protocol {
        Protocol::Oidc(oidc)
            if !has_secret && oidc.client_authentication != ClientAuthentication::None =>
        {
            wrong("secret", "is needed before the provider is turned on")
        }
        _ => Ok(()),
    }
}

fn check_provisioning(settings: &ProviderSettings) -> Result<(), SsoError> {
    let rules = &settings.provisioning.rules;
    if rules.len() > limits::PROVIDER_RULES {
        let problem = format!("are at most {}", limits::PROVIDER_RULES);
        return wrong("provisioning.rules", problem);
    }
    for rule in rules {
        check_text("provisioning.rules", &rule.attribute)?;
        check_text("provisioning.rules", &rule.value)?;
    }
    Ok(())
}

/// Whether the roles that a provider gives are there, and the principal may give them.
///
/// # Errors
/// [`SsoError::Role`]
pub(super) fn check_roles(
    tx: &impl Sql,
    principal: &Principal,
    settings: &ProviderSettings,
) -> Result<(), SsoError> {
    let provisioning = &settings.provisioning;
    let rules = provisioning.rules.iter().map(|rule| rule.role.as_str());
    for role in rules.chain(provisioning.default_role.as_deref()) {
        roles::give(tx, principal, role)?;
    }
    Ok(())
}

fn check_skew(seconds: u32) -> Result<(), SsoError> {
    match seconds <= SKEW_SECONDS {
        true => Ok(()),
        false => wrong("protocol.clockSkewSeconds", format!("is at most {SKEW_SECONDS}")),
    }
}

fn check_https(field: &'static str, url: &str) -> Result<(), SsoError> {
    let parsed = reqwest::Url::parse(url).ok();
    let fits = parsed
        .is_some_and(|url| url.scheme() == "https" && url.has_host() && url.username().is_empty());
    match fits && url.len() <= limits::LINE_BYTES && !url.contains(char::is_whitespace) {
        true => Ok(()),
        false => wrong(field, "is an address that begins with https://"),
    }
}

fn check_texts(field: &'static str, texts: &[String]) -> Result<(), SsoError> {
    if texts.len() > FEW {
        return wrong(field, format!("are at most {FEW}"));
    }
    texts.iter().try_for_each(|text| check_text(field, text))
}

fn check_text(field: &'static str, text: &str) -> Result<(), SsoError> {
    let fits = (1..=limits::LINE_BYTES).contains(&text.len())
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    match fits {
        true => Ok(()),
        false => wrong(field, format!("is a line of 1 to {} bytes", limits::LINE_BYTES)),
    }
}
