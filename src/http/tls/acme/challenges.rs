//! What a certificate authority is shown while an order runs, so that it sees whose a name is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use instant_acme::KeyAuthorization;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::AcmeError;

#[derive(Default)]
pub struct Challenges(RwLock<Answers>);

#[derive(Default)]
struct Answers {
    /// By the name that the client asks for.
    certificates: HashMap<String, Arc<CertifiedKey>>,
    /// By token.
    texts: HashMap<String, String>,
}

/// An answer is given for as long as this lives.
pub struct Answering {
    challenges: Arc<Challenges>,
    of: Of,
}

enum Of {
    Name(String),
    Token(String),
}

impl Challenges {
    /// For a TLS client that offers `acme-tls/1` alone (RFC 8737, 3).
    pub fn certificate(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.certificates.get(&name.to_ascii_lowercase()).cloned()
    }

    /// For `/.well-known/acme-challenge/<token>` (RFC 8555, 8.3).
    pub fn text(&self, token: &str) -> Option<String> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.texts.get(token).cloned()
    }

    pub(super) fn show_certificate(
        self: &Arc<Self>,
        name: &str,
        authorization: &KeyAuthorization,
    ) -> Result<Answering, AcmeError> {
        let certified = Arc::new(certified(name, authorization.digest().as_ref())?);
        let asked = server_name(name);
        self.answers().certificates.insert(asked.clone(), certified);
        Ok(Answering { challenges: self.clone(), of: Of::Name(asked) })
    }

    pub(super) fn show_text(
        self: &Arc<Self>,
        token: &str,
        authorization: &KeyAuthorization,
    ) -> Answering {
        let text = authorization.as_str().to_owned();
        self.answers().texts.insert(token.to_owned(), text);
        Answering { challenges: self.clone(), of: Of::Token(token.to_owned()) }
    }

    fn answers(&self) -> RwLockWriteGuard<'_, Answers> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let mut answers = self.challenges.answers();
        match &self.of {
            Of::Name(name) => drop(answers.certificates.remove(name)),
            Of::Token(token) => drop(answers.texts.remove(token)),
        }
    }
}

/// A self-signed certificate that carries the digest of the key authorization (RFC 8737, 3).
fn certified(name: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
        .map_err(super::super::TlsError::from)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// An IP address is asked for by its name in the reverse tree (RFC 8738, 6).
fn server_name(name: &str) -> String {
    match name.parse::<IpAddr>() {
        Err(_) => name.to_ascii_lowercase(),
        Ok(IpAddr::V4(ip)) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Ok(IpAddr::V6(ip)) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_asked_for_by_its_reverse_name() {
        assert_eq!(server_name("Vault.example.org"), "vault.example.org");
        assert_eq!(server_name("10.0.2.7"), "7.2.0.10.in-addr.arpa");
        let v6 = server_name("2001:db8::7");
        assert!(v6.starts_with("7.0.0.0.") && v6.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"), "{v6}");
        assert_eq!(v6.len(), 32 * 2 + "ip6.arpa".len());
    }

    #[test]
    fn an_answer_ends_with_the_order() {
        let challenges = Arc::new(Challenges::default());
        let certified = Arc::new(certified("vault.example.org", &[7; 32]).unwrap());
        challenges.answers().certificates.insert("vault.example.org".into(), certified);
        let of = Of::Name("vault.example.org".into());
        let answering = Answering { challenges: challenges.clone(), of };
        assert!(challenges.certificate("VAULT.example.org").is_some());
        assert!(challenges.certificate("other.example.org").is_none());
        drop(answering);
        assert!(challenges.certificate("vault.example.org").is_none());
    }
}
