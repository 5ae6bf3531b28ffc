//! What clients see of the certificate, for whoever looks after it. Makes and renews nothing.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Source, TlsError, load};
use crate::config::Server;
use crate::kernel::Timestamp;

pub struct Shown {
    /// SHA-256 of the certificate, `AA:BB:…`.
    pub fingerprint: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
}

/// The certificate that the server uses; none before the first start has made one.
///
/// # Errors
/// [`TlsError`]: with this pair the server would not start.
pub fn shown(server: &Server, data_dir: &Path) -> Result<Option<Shown>, TlsError> {
    let own = data_dir.join("tls");
    let (certificate, key) = match (&server.tls_certificate, &server.tls_key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => (own.join("cert.pem"), own.join("key.pem")),
    };
    if server.tls_certificate.is_none() && matches!(certificate.try_exists(), Ok(false)) {
        return Ok(None);
    }
    let identity = load::pair(&certificate, &key, Source::Configured)?;
    let bad = |reason: String| TlsError::BadCertificate { path: certificate.clone(), reason };
    let leaf =
        identity.chain.first().ok_or_else(|| TlsError::NoCertificate(certificate.clone()))?;
    let (_, parsed) = X509Certificate::from_der(leaf).map_err(|error| bad(error.to_string()))?;
    let seconds = parsed.validity().not_before.timestamp();
    let names = parsed.subject_alternative_name().map_err(|error| bad(error.to_string()))?;
    let names = names.map(|found| found.value.general_names.iter().filter_map(name).collect());
    Ok(Some(Shown {
        not_before: Timestamp::from_micros(seconds.saturating_mul(1_000_000)),
        not_after: identity.not_after,
        names: names.unwrap_or_default(),
        fingerprint: identity.fingerprint,
    }))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|ip| Ipv4Addr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|ip| Ipv6Addr::from(ip).to_string()),
        },
        _ => None,
    }
}
