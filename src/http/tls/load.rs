//! Reads a certificate and its key from PEM files.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::{Identity, Source, TlsError};
use crate::kernel::Timestamp;

/// Loads a pair and makes sure that the key fits.
pub(super) fn pair(certificate: &Path, key: &Path, source: Source) -> Result<Identity, TlsError> {
    let chain = chain(certificate)?;
    let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate(certificate.into()))?;
    let facts = facts(certificate, leaf)?;
    let fingerprint = fingerprint(leaf);
    let key_der = private_key(key)?;
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key_der)?;
    match CertifiedKey::new(chain.clone(), signing).keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            return Err(TlsError::KeyMismatch { certificate: certificate.into(), key: key.into() });
        }
        other => other?,
    }
    let Facts { not_before, not_after, names, .. } = facts;
    Ok(Identity { chain, key: key_der, fingerprint, not_before, not_after, names, source })
}

/// What is read from a certificate besides its key.
pub(super) struct Facts {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub names: Vec<String>,
    /// Common name, when subject and issuer are the same.
    pub self_issued_by: Option<String>,
}

pub(super) fn leaf_facts(certificate: &Path) -> Result<Facts, TlsError> {
    let chain = chain(certificate)?;
    let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate(certificate.into()))?;
    facts(certificate, leaf)
}

fn facts(path: &Path, der: &CertificateDer<'_>) -> Result<Facts, TlsError> {
    let bad = |reason: String| TlsError::BadCertificate { path: path.into(), reason };
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|error| bad(error.to_string()))?;
    let time = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let validity = certificate.validity();
    let names = certificate.subject_alternative_name().map_err(|error| bad(error.to_string()))?;
    let names = names.map(|found| found.value.general_names.iter().filter_map(alternative));
    let names = names.into_iter().flatten().collect();
    let name = || certificate.subject().iter_common_name().next()?.as_str().ok();
    let same = certificate.subject().as_raw() == certificate.issuer().as_raw();
    Ok(Facts {
        not_before: time(validity.not_before.timestamp()),
        not_after: time(validity.not_after.timestamp()),
        names,
        self_issued_by: if same { name().map(str::to_owned) } else { None },
    })
}

fn alternative(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|ip| Ipv4Addr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|ip| Ipv6Addr::from(ip).to_string()),
        },
        _ => None,
    }
}

/// SHA-256 of the DER form as `AA:BB:…`.
pub(super) fn fingerprint(der: &CertificateDer<'_>) -> String {
    let pairs: Vec<_> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = std::fs::read(path).map_err(|source| TlsError::Read { path: path.into(), source })?;
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::BadCertificate { path: path.into(), reason: error.to_string() })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let read = |source| TlsError::Read { path: path.into(), source };
    let mode = std::fs::metadata(path).map_err(read)?.permissions().mode() & 0o7777;
    // A group may read it: that is how certificate tools share keys with services.
    if mode & 0o027 != 0 {
        return Err(TlsError::Readable { path: path.into(), mode });
    }
    let pem = std::fs::read(path).map(Zeroizing::new).map_err(read)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::NoKey(path.into()))
}
