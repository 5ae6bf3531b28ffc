//! Providers, their certificates and reports as pages show them.

use super::people_form::is_saml;
use super::words;
use crate::authn::oidc::{Discovery, OidcSettings};
use crate::authn::saml::{Certificate, SamlSettings};
use crate::authn::sso::{Outcome, Step};
use crate::kernel::{Timestamp, limits};
use crate::sso::watch::{Ending, Finding, findings};
use crate::sso::{Activity, Arrived, Protocol, Provider, ProviderState, ReportSummary};
use crate::web::messages::Messages;
use crate::web::view::identity_providers::{
    ArrivedRow, CertificateRow, Fact, LastFailure, ProviderRow, ReportStep, SsoWarning,
    StepOutcome, TestRow,
};
use crate::web::view::state::{SsoState, TestOutcome};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

pub fn protocol(provider: &Provider) -> &'static str {
    if is_saml(provider) { "saml" } else { "oidc" }
}

pub const fn state(provider: &Provider) -> SsoState {
    match provider.state {
        ProviderState::On => SsoState::On,
        ProviderState::Off => SsoState::Off,
    }
}

pub fn provider(
    provider: &Provider,
    activity: &Activity,
    base: &str,
    now: Timestamp,
) -> ProviderRow {
    let href = format!("{base}/{}", provider.id);
    let ends = ends(provider);
    ProviderRow {
        name: provider.settings.name.clone(),
        preset: words::preset(provider.settings.preset),
        protocol: protocol(provider),
        state: state(provider),
        domains: provider.settings.domains.clone(),
        ending: findings(provider, now).first().map(|finding| ending(finding.ends, now)),
        ends,
        last_sign_in: activity.last_sign_in,
        last_failure: activity
            .last_failure
            .map(|(id, at)| LastFailure { at, href: format!("{href}/tests/{id}") }),
        href,
    }
}

/// Of what it is believed by, the end that comes last: until then it goes on. Metadata ends for all.
fn ends(provider: &Provider) -> Option<Timestamp> {
    let Protocol::Saml(saml) = &provider.settings.protocol else { return None };
    let read = saml.certificates.iter().filter_map(|pem| Certificate::parse(pem).ok());
    let certificates = read.map(|certificate| certificate.not_after).max();
    certificates.into_iter().chain(saml.metadata_expires).min()
}

fn ending(at: Timestamp, now: Timestamp) -> SsoState {
    match at {
        at if at <= now => SsoState::Expired,
        at if at <= now.plus(limits::SSO_ENDS_SOON) => SsoState::Expiring,
        _ => SsoState::Fine,
    }
}

/// What of a provider ends within 30 days, or has.
pub fn warnings(provider: &Provider, base: &str, now: Timestamp) -> Vec<SsoWarning> {
    let href = format!("{base}/{}", provider.id);
    let name = provider.settings.name.as_str();
    findings(provider, now).iter().map(|finding| warning(finding, name, &href, now)).collect()
}

fn warning(finding: &Finding, name: &str, href: &str, now: Timestamp) -> SsoWarning {
    let is_over = finding.is_over(now);
    let (soon, over, text) = match finding.what {
        Ending::SigningCertificate | Ending::OwnKey => {
            ("sso-warn-certificate", "sso-warn-certificate-over", "sso-warn-certificate-text")
        }
        Ending::Metadata => {
            ("sso-warn-metadata", "sso-warn-metadata-over", "sso-warn-metadata-text")
        }
        Ending::Authority => {
            ("sso-warn-authority", "sso-warn-authority-over", "sso-warn-authority-text")
        }
    };
    let days = (finding.ends.as_micros() - now.as_micros()).max(0) / DAY_MICROS;
    let arguments = [("name", name.into()), ("count", days.into())];
    let messages = Messages::english();
    SsoWarning {
        title: messages.with(if is_over { over } else { soon }, &arguments).into_owned(),
        text: messages.text(text).into_owned(),
        href: href.to_owned(),
        is_over,
    }
}

/// As far as the certificates can be read.
pub fn certificates(provider: &Provider, now: Timestamp) -> Option<Vec<CertificateRow>> {
    let Protocol::Saml(saml) = &provider.settings.protocol else { return None };
    let row = |pem: &String| match Certificate::parse(pem) {
        Ok(certificate) => CertificateRow {
            subject: certificate.subject,
            fingerprint: grouped(&certificate.fingerprint),
            from: Some(certificate.not_before),
            until: Some(certificate.not_after),
            state: ending(certificate.not_after, now),
        },
        Err(_) => CertificateRow {
            subject: said("sso-certificate-unreadable"),
            fingerprint: String::new(),
            from: None,
            until: None,
            state: SsoState::Expired,
        },
    };
    Some(saml.certificates.iter().map(row).collect())
}

/// `AB:CD:…`, as browsers and providers write fingerprints.
pub fn grouped(hex: &str) -> String {
    let digits: Vec<char> = hex.to_uppercase().chars().collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    pairs.join(":")
}

fn said(id: &str) -> String {
    Messages::english().text(id).into_owned()
}

fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into(), is_code: false }
}

fn code(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into(), is_code: true }
}

fn either(is: bool, yes: &str, no: &str) -> String {
    said(if is { yes } else { no })
}

pub fn connection(provider: &Provider) -> Vec<Fact> {
    match &provider.settings.protocol {
        Protocol::Saml(saml) => saml_facts(saml),
        Protocol::Oidc(oidc) => oidc_facts(oidc, provider.has_secret),
    }
}

fn saml_facts(saml: &SamlSettings) -> Vec<Fact> {
    let mut facts = vec![
        code("sso-label-entity-id", &saml.entity_id),
        code("sso-label-sign-in-url", &saml.sign_in_url),
    ];
    facts.extend(saml.sign_out_url.as_ref().map(|url| code("sso-label-sign-out-url", url)));
    facts.push(match &saml.metadata_url {
        Some(url) => code("sso-fact-metadata", url),
        None => fact("sso-fact-metadata", said("sso-fact-metadata-hand")),
    });
    if let Some(until) = saml.metadata_expires {
        let arguments = [("until", until.display().to_string().into())];
        let text = Messages::english().with("sso-fact-metadata-until", &arguments).into_owned();
        facts.push(fact("sso-fact-metadata-ends", text));
    }
    facts.push(fact("sso-fact-sign", either(saml.sign_requests, "sso-signed", "sso-unsigned")));
    let encrypted = either(saml.require_encryption, "sso-encryption-must", "sso-encryption-may");
    facts.push(fact("sso-fact-encryption", encrypted));
    let portal = either(saml.allow_unsolicited, "sso-allowed", "sso-refused-word");
    facts.push(fact("sso-fact-unsolicited", portal));
    let weak = [(saml.allow_sha1, "sso-weak-sha1"), (saml.allow_cbc, "sso-weak-cbc")];
    let weak = weak.into_iter().filter(|(is_taken, _)| *is_taken);
    facts.extend(weak.map(|(_, words)| fact("sso-fact-weak", said(words))));
    facts
}

fn oidc_facts(oidc: &OidcSettings, has_secret: bool) -> Vec<Fact> {
    let from = match oidc.discovery {
        Discovery::Issuer => "sso-discovery-issuer",
        Discovery::Document { .. } => "sso-fact-metadata-hand",
    };
    vec![
        code("sso-label-issuer", &oidc.issuer),
        code("sso-label-client-id", &oidc.client_id),
        fact("sso-fact-secret", either(has_secret, "sso-secret-there", "sso-secret-none")),
        fact("sso-label-discovery", said(from)),
        code("sso-label-scopes", format!("openid {}", oidc.scopes.join(" "))),
    ]
}

pub fn people(provider: &Provider) -> Vec<Fact> {
    let settings = &provider.settings;
    let provisioning = &settings.provisioning;
    let messages = Messages::english();
    let count = |id: &str, count: u64| messages.with(id, &[("count", count.into())]).into_owned();
    let role = |role: &str| messages.label("role-", role);
    let default = provisioning.default_role.as_deref().map(role);
    let trusted = !settings.trust.second_factor_contexts.is_empty();
    let session = match settings.session_hours {
        Some(hours) => count("sso-session-hours", hours.into()),
        None => said("sso-session-usual"),
    };
    let mut facts = vec![
        match settings.domains.is_empty() {
            true => fact("sso-label-domains", said("sso-domains-none")),
            false => code("sso-label-domains", settings.domains.join(", ")),
        },
        fact(
            "sso-fact-link",
            either(provisioning.link, "sso-members-linked", "sso-members-not-linked"),
        ),
        fact(
            "sso-fact-new",
            either(provisioning.create, "sso-new-people-become", "sso-new-people-refused"),
        ),
        fact("sso-fact-roles", count("sso-roles-rules", provisioning.rules.len() as u64)),
    ];
    if provisioning.create || !provisioning.rules.is_empty() {
        let default = default.unwrap_or_else(|| said("sso-default-role-none"));
        facts.push(fact("sso-fact-default-role", default));
    }
    let second = either(trusted, "sso-second-there", "sso-second-here");
    facts.push(fact("sso-fact-second-factor", second));
    facts.push(fact("sso-fact-session", session));
    facts
}

pub fn reports(reports: &[ReportSummary], base: &str) -> Vec<TestRow> {
    let row = |report: &ReportSummary| TestRow {
        href: format!("{base}/{}/tests/{}", report.provider, report.id),
        at: report.created_at,
        outcome: if report.passed { TestOutcome::Passed } else { TestOutcome::Failed },
        kind: report.kind.name(),
    };
    reports.iter().map(row).collect()
}

/// A step of a report, as people read it.
pub fn step(step: Step) -> ReportStep {
    let outcome = match step.outcome {
        Outcome::Passed => StepOutcome::Passed,
        Outcome::Failed => StepOutcome::Failed,
        Outcome::Noted => StepOutcome::Noted,
    };
    let is_size = step.check == "saml-decoded";
    let shown = |text: String| if is_size { bytes(&text) } else { fingerprints(&text) };
    // A dash stands for what was not there.
    let filled = |text: Option<String>| text.filter(|t| !t.is_empty() && t != "—").map(shown);
    let (found, expected) = (filled(step.found), filled(step.expected));
    let check = checked(&step.check, outcome, found.is_some());
    ReportStep { check, outcome, found, expected }
}

/// The words for what was looked at; others where it was wrong or was not there.
fn checked(check: &str, outcome: StepOutcome, is_found: bool) -> String {
    let words = Messages::english();
    let special = match outcome {
        StepOutcome::Failed => "sso-check-failed-",
        _ if !is_found => "sso-check-absent-",
        _ => "sso-check-",
    };
    let prefix = if words.has_label(special, check) { special } else { "sso-check-" };
    words.label(prefix, check)
}

/// Fingerprints as the provider's page has them; all else as it is.
fn fingerprints(text: &str) -> String {
    let is_one = |line: &str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
    match text.lines().all(is_one) {
        true => text.lines().map(grouped).collect::<Vec<_>>().join("\n"),
        false => text.to_owned(),
    }
}

fn bytes(text: &str) -> String {
    match text.parse::<u64>() {
        Ok(count) => {
            Messages::english().with("sso-found-bytes", &[("count", count.into())]).into_owned()
        }
        Err(_) => text.to_owned(),
    }
}

/// What the provider says about somebody.
pub fn arrived(arrived: Arrived) -> Vec<ArrivedRow> {
    let row = |name: String, values: Vec<String>| ArrivedRow { name, values };
    let mut rows = vec![row(said("sso-arrived-subject"), vec![arrived.subject])];
    rows.extend(arrived.attributes.into_iter().map(|(name, values)| row(name, values)));
    if !arrived.contexts.is_empty() {
        rows.push(row(said("sso-arrived-contexts"), arrived.contexts));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(check: &str, outcome: Outcome, found: &str) -> ReportStep {
        let found = Some(found.to_owned());
        step(Step { check: check.to_owned(), outcome, found, expected: None })
    }

    #[test]
    fn what_was_refused_is_not_said_to_be_about_to_happen() {
        for check in ["person-created", "person-linked"] {
            let passed = read(check, Outcome::Passed, "kim@example.org").check;
            let failed = read(check, Outcome::Failed, "kim@example.org").check;
            assert!(passed.contains("would be"), "{passed}");
            assert!(failed.contains("not") && !failed.contains("would be"), "{failed}");
        }
    }

    #[test]
    fn a_hash_that_was_not_sent_is_not_said_to_fit() {
        for check in ["oidc-access-token-hash", "oidc-code-hash"] {
            let there = read(check, Outcome::Passed, "77QmUPtjPfzWtF2AnpK9RQ");
            let absent = read(check, Outcome::Noted, "—");
            assert!(there.check.contains("it fits"), "{}", there.check);
            assert!(absent.check.contains("was not sent"), "{}", absent.check);
            assert_eq!(absent.found, None);
        }
    }

    #[test]
    fn fingerprints_in_reports_look_like_those_on_the_page_of_the_provider() {
        let hex = "ab".repeat(32);
        let shown = read("saml-assertion-signature", Outcome::Passed, &format!("{hex}\n{hex}"));
        let one = grouped(&hex);
        assert_eq!(shown.found, Some(format!("{one}\n{one}")));
        let name = read("saml-issuer", Outcome::Passed, "https://idp.example");
        assert_eq!(name.found.as_deref(), Some("https://idp.example"));
    }

    #[test]
    fn the_size_of_a_message_has_a_unit() {
        let shown = read("saml-decoded", Outcome::Passed, "4711").found.unwrap_or_default();
        assert!(shown.ends_with(" bytes"), "{shown}");
    }
}
