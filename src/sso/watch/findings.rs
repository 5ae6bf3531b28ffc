//! What of a provider ends, and when.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::kernel::{Timestamp, limits};
use crate::sso::{Protocol, Provider};

/// What of single sign-on ends some day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// A certificate with which a SAML provider signs. It is believed after its end too, but the
    /// provider is about to sign with another.
    SigningCertificate,
    /// `validUntil` of a SAML provider's metadata.
    Metadata,
    /// A private authority that vouches for the address of an OpenID Connect provider. Nothing is
    /// fetched from there after its end.
    Authority,
    /// A certificate of this service, by which providers know its requests.
    OwnKey,
}

impl Ending {
    /// As the log names it; the console's words are `sso-ending-` and this.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SigningCertificate => "signing-certificate",
            Self::Metadata => "metadata",
            Self::Authority => "authority",
            Self::OwnKey => "own-key",
        }
    }
}

/// Something that ends within [`limits::SSO_ENDS_SOON`], or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub what: Ending,
    /// Tells it from others of its kind: the SHA-256 of a certificate, in hex. Empty for metadata.
    pub fingerprint: String,
    pub ends: Timestamp,
}

impl Finding {
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.ends <= now
    }
}

/// What ends soon or is over, the first to end first. Certificates beside one that lasts are none:
/// the provider has begun to replace them.
pub fn findings(provider: &Provider, now: Timestamp) -> Vec<Finding> {
    let mut found = match &provider.settings.protocol {
        Protocol::Saml(saml) => {
            let signing = certificates(&saml.certificates.join("\n"), Ending::SigningCertificate);
            let lasts = signing.iter().any(|certificate| !is_near(certificate, now));
            let metadata = saml.metadata_expires.map(|ends| Finding {
                what: Ending::Metadata,
                fingerprint: String::new(),
                ends,
            });
            let signing = signing.into_iter().filter(|_| !lasts);
            signing.chain(metadata).collect()
        }
        Protocol::Oidc(oidc) => {
            let authorities = oidc.certificate_authorities.as_deref().unwrap_or_default();
            certificates(authorities, Ending::Authority)
        }
    };
    found.retain(|finding| is_near(finding, now));
    found.sort_by_key(|finding| finding.ends);
    found
}

/// The same of this service's own certificate.
pub fn own_finding(certificate: &[u8], now: Timestamp) -> Option<Finding> {
    let text = String::from_utf8_lossy(certificate);
    let found = match text.contains("-----BEGIN") {
        true => certificates(&text, Ending::OwnKey).into_iter().next(),
        false => one(certificate, Ending::OwnKey),
    };
    found.filter(|finding| is_near(finding, now))
}

/// Of certificates, for the log.
pub(super) fn fingerprints(pems: &[String]) -> Vec<String> {
    let of = |pem: &String| certificates(pem, Ending::SigningCertificate);
    pems.iter().flat_map(of).map(|found| found.fingerprint).collect()
}

fn is_near(finding: &Finding, now: Timestamp) -> bool {
    finding.ends <= now.plus(limits::SSO_ENDS_SOON)
}

/// What is no certificate is passed over: it was looked at when it was set.
fn certificates(pem: &str, what: Ending) -> Vec<Finding> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes());
    all.filter_map(Result::ok).filter_map(|der| one(&der, what)).collect()
}

fn one(der: &[u8], what: Ending) -> Option<Finding> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    let ends = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let fingerprint = data_encoding::HEXLOWER.encode(&Sha256::digest(der));
    Some(Finding { what, fingerprint, ends })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::authn::saml::SamlSettings;
    use crate::kernel::id::ProviderId;
    use crate::sso::{Mapping, Preset, ProviderSettings, ProviderState, Provisioning, Trust};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Midnight of a day of November 2026.
    fn november(day: u8) -> Timestamp {
        Timestamp::parse(&format!("2026-11-{day:02}T00:00:00Z")).unwrap()
    }

    fn certificate(year: i32, month: u8, day: u8) -> String {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.not_after = rcgen::date_time_ymd(year, month, day);
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        parameters.self_signed(&key).unwrap().pem()
    }

    fn saml(certificates: Vec<String>, metadata_expires: Option<Timestamp>) -> Provider {
        let protocol = Protocol::Saml(SamlSettings {
            certificates,
            metadata_expires,
            ..SamlSettings::default()
        });
        Provider {
            id: ProviderId::from_bytes([7; 16]),
            state: ProviderState::On,
            settings: ProviderSettings {
                name: "Acme".into(),
                preset: Preset::Other,
                protocol,
                mapping: Mapping::default(),
                provisioning: Provisioning::default(),
                domains: Vec::new(),
                trust: Trust::default(),
                session_hours: None,
            },
            has_secret: false,
            created_at: november(1),
            changed_at: november(1),
        }
    }

    #[test]
    fn a_certificate_is_named_thirty_days_before_its_end_and_after_it() {
        let provider = saml(vec![certificate(2026, 12, 10)], None);
        assert!(findings(&provider, november(9)).is_empty());
        for day in [10, 11, 30] {
            let found = findings(&provider, november(day));
            assert_eq!(found.len(), 1, "{day}");
            assert_eq!(found[0].what, Ending::SigningCertificate);
            assert_eq!(found[0].fingerprint.len(), 64);
        }
        let after = november(30).plus(11 * DAY);
        assert!(findings(&provider, after)[0].is_over(after));
    }

    #[test]
    fn a_certificate_beside_its_successor_worries_nobody() {
        let both = saml(vec![certificate(2026, 11, 20), certificate(2030, 1, 1)], None);
        assert!(findings(&both, november(19)).is_empty());
    }

    #[test]
    fn metadata_that_ends_is_named_and_what_cannot_be_read_is_passed_over() {
        let provider = saml(vec!["nonsense".into()], Some(november(20)));
        let found = findings(&provider, november(19));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].what, found[0].ends), (Ending::Metadata, november(20)));
    }

    #[test]
    fn the_services_own_certificate_is_looked_at_in_either_form() {
        let pem = certificate(2026, 11, 20);
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        for form in [pem.as_bytes(), &*der] {
            let found = own_finding(form, november(1)).unwrap();
            assert_eq!((found.what, found.ends), (Ending::OwnKey, november(20)));
        }
        assert!(own_finding(b"nonsense", november(1)).is_none());
    }
}
