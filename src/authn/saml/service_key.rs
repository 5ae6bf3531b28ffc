//! The key pair with which this service signs its messages, and for which providers encrypt theirs.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyUsagePurpose, PKCS_RSA_SHA256};
use zeroize::Zeroizing;

use super::{KeyError, PrivateKey};
use crate::kernel::Timestamp;

/// Longer than any key should be used: providers refuse certificates that are over.
const LIFE: Duration = Duration::from_secs(5 * 365 * 24 * 3600);
/// The clocks of providers are not exact.
const BEFORE: Duration = Duration::from_secs(24 * 3600);

/// RSA with 3072 bits, which every provider can use (NIST SP 800-57: 128 bits of strength), and a
/// certificate that it has signed itself. Does not print; its bytes are wiped.
pub struct ServiceKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: RsaKeyPair,
    certificate: Vec<u8>,
}

impl ServiceKey {
    /// Makes one. Takes a good part of a second: not on a thread that answers requests.
    pub fn generate(name: &str, now: Timestamp) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| KeyError)?;
        let pkcs8 = pair.as_der().map_err(|_| KeyError)?;
        let pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        let mut made = Self { pkcs8, pair, certificate: Vec::new() };
        let certificate = parameters(name, now).self_signed(&made).map_err(|_| KeyError)?;
        made.certificate = certificate.der().to_vec();
        Ok(made)
    }

    /// One that was made before: PKCS#8 and X.509, both in DER.
    pub fn from_parts(pkcs8: Zeroizing<Vec<u8>>, certificate: Vec<u8>) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError)?;
        Ok(Self { pkcs8, pair, certificate })
    }

    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// In DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// As messages are signed and opened with it.
    pub fn private_key(&self) -> Result<PrivateKey, KeyError> {
        // Room for all of it: a text that grows leaves copies behind.
        let mut pem = Zeroizing::new(String::with_capacity(self.pkcs8.len() * 2));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        for line in self.pkcs8.chunks(48) {
            BASE64.encode_append(line, &mut pem);
            pem.push('\n');
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        PrivateKey::from_pem(&pem)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), the one that every provider knows.
    pub(super) fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        let done = self.pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
        done.map(|()| signature).map_err(|_| KeyError)
    }
}

impl rcgen::PublicKeyData for ServiceKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for ServiceKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.sign_bytes(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceKey")
    }
}

fn parameters(name: &str, now: Timestamp) -> CertificateParams {
    let since_epoch = now.minus(BEFORE).since(Timestamp::from_micros(0));
    let mut params = CertificateParams::default();
    params.not_before =
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(since_epoch.as_secs());
    params.not_after = params.not_before + LIFE;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::saml::Certificate;

    #[test]
    fn a_new_key_has_a_certificate_of_its_own_and_comes_back_from_its_parts() {
        let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
        let key = ServiceKey::generate("vault.example acme", now).unwrap();
        let certificate = Certificate::from_der(key.certificate()).unwrap();
        assert_eq!(certificate.subject, "CN=vault.example acme");
        assert!(certificate.not_before < now && certificate.not_after > now.plus(LIFE / 2));
        let again = ServiceKey::from_parts(
            Zeroizing::new(key.pkcs8().to_vec()),
            key.certificate().to_vec(),
        );
        let (again, message) = (again.unwrap(), b"signed");
        // Without randomness in it, the same signature.
        assert_eq!(again.sign_bytes(message).unwrap(), key.sign_bytes(message).unwrap());
        assert_eq!(format!("{key:?}"), "ServiceKey");
    }
}
