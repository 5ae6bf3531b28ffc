//! Certificates of identity providers: the key counts, the dates only warn.

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::kernel::Timestamp;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// What signs today has 2048 bits at least (NIST SP 800-131A).
const RSA_BITS: usize = 2048;
/// Far above any real one.
const MOST_BYTES: usize = 32 * 1024;

/// A certificate with a key that may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// Lower-case hex of SHA-256 over the DER.
    pub fingerprint: String,
    pub subject: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("this is no certificate: paste the lines from BEGIN CERTIFICATE to END CERTIFICATE")]
    Unreadable,
    #[error("there are several certificates in one place: give each by itself")]
    Several,
    #[error(
        "the certificate's RSA key has {0} bits, and 2048 are needed: let the provider make a new one"
    )]
    Weak(usize),
    #[error("the certificate's key is neither RSA nor on the curves P-256, P-384 and P-521")]
    Algorithm,
}

impl Certificate {
    /// From PEM, or from its base64 alone, as metadata has it.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        if text.len() > MOST_BYTES {
            return Err(CertificateError::Unreadable);
        }
        let inner = match text.split_once(BEGIN) {
            Some((_, rest)) => {
                let (inner, after) = rest.split_once(END).ok_or(CertificateError::Unreadable)?;
                if after.contains(BEGIN) {
                    return Err(CertificateError::Several);
                }
                inner
            }
            None => text,
        };
        let compact: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = BASE64.decode(compact.as_bytes());
        Self::from_der(&der.map_err(|_| CertificateError::Unreadable)?)
    }

    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let unreadable = |_| CertificateError::Unreadable;
        let (rest, certificate) = X509Certificate::from_der(der).map_err(unreadable)?;
        if !rest.is_empty() {
            return Err(CertificateError::Several);
        }
        check_key(&certificate)?;
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_micros(time.timestamp().saturating_mul(1_000_000))
        };
        Ok(Self {
            der: der.to_vec(),
            fingerprint: HEXLOWER.encode(&Sha256::digest(der)),
            subject: certificate.subject().to_string(),
            not_before: time(certificate.validity().not_before),
            not_after: time(certificate.validity().not_after),
        })
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As it is kept (RFC 7468).
    pub fn pem(&self) -> String {
        let text = BASE64.encode(&self.der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }
}

fn check_key(certificate: &X509Certificate<'_>) -> Result<(), CertificateError> {
    // RFC 5480, 2.1.1.1.
    const CURVES: [&str; 3] = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];
    let key = certificate.public_key();
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= RSA_BITS => Ok(()),
        Ok(PublicKey::RSA(rsa)) => Err(CertificateError::Weak(rsa.key_size())),
        Ok(PublicKey::EC(_)) => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            let curve = curve.map(|curve| curve.to_id_string()).unwrap_or_default();
            let known = CURVES.contains(&curve.as_str());
            if known { Ok(()) } else { Err(CertificateError::Algorithm) }
        }
        _ => Err(CertificateError::Algorithm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> rcgen::Certificate {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap()
    }

    #[test]
    fn pem_and_bare_base64_are_the_same_certificate() {
        let made = made(&rcgen::PKCS_ECDSA_P256_SHA256);
        let one = Certificate::parse(&made.pem()).unwrap();
        let lines = BASE64.encode(made.der());
        assert_eq!(Certificate::parse(&format!("\n  {lines}\t\n")).unwrap(), one);
        assert_eq!(Certificate::parse(&one.pem()).unwrap(), one);
        assert_eq!(one.fingerprint.len(), 64);
    }

    #[test]
    fn what_is_no_usable_certificate_is_refused_with_the_reason() {
        let two = format!(
            "{}{}",
            made(&rcgen::PKCS_ECDSA_P256_SHA256).pem(),
            made(&rcgen::PKCS_ECDSA_P384_SHA384).pem()
        );
        assert_eq!(Certificate::parse(&two), Err(CertificateError::Several));
        let edwards = made(&rcgen::PKCS_ED25519).pem();
        assert_eq!(Certificate::parse(&edwards), Err(CertificateError::Algorithm));
        for wrong in ["", "AAAA", "not base64", BEGIN, &format!("{BEGIN}{END}")] {
            assert_eq!(Certificate::parse(wrong), Err(CertificateError::Unreadable), "{wrong}");
        }
    }
}
