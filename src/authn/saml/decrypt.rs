//! Encrypted assertions and names (xmlenc-core 1.1).
//!
//! Whatever goes wrong with a key or a text is one refusal, so that nobody can ask this service what a
//! changed text decrypts to. RSA PKCS#1 v1.5 is never tried: its padding tells more than a refusal.

use bergshamra::core::algorithm as uri;
use bergshamra::crypto::cipher;
use bergshamra::crypto::keytransport::{OaepParams, from_uri_with_params};
use zeroize::Zeroizing;

use super::decode::base64;
use super::xml::{ENCRYPTION, ENCRYPTION_11, Node, SIGNATURE, Xml};
use super::{Context, checks};
use crate::authn::sso::{Refusal, Trace};

const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const GCM: &[&str] = &[uri::AES128_GCM, uri::AES192_GCM, uri::AES256_GCM];
const CBC: &[&str] = &[uri::AES128_CBC, uri::AES192_CBC, uri::AES256_CBC];
const OAEP: &[&str] = &[uri::RSA_OAEP, uri::RSA_OAEP_ENC11];
const OAEP_DIGESTS: &[&str] = &[uri::SHA1, uri::SHA256, uri::SHA384, uri::SHA512];

/// Copies of the key, for as many recipients. Each is tried with each of our keys.
const KEYS: usize = 4;

/// An element that was encrypted.
pub(super) struct Opened {
    pub xml: Xml,
    /// False for CBC: somebody on the way may have changed it.
    pub authentic: bool,
    pub text: Zeroizing<String>,
}

struct EncryptedKey<'d> {
    method: &'d str,
    params: OaepParams,
    value: Vec<u8>,
}

/// What is in an `EncryptedAssertion` or `EncryptedID`.
pub(super) fn open(
    container: Node<'_>,
    context: &Context<'_>,
    trace: &mut Trace,
) -> Result<Opened, Refusal> {
    let failed = |trace: &mut Trace, why: Refusal, found: Option<&str>| {
        let found = found.map(|name| name.chars().take(200).collect());
        let expected = GCM.iter().chain(OAEP).copied().collect::<Vec<_>>().join("\n");
        trace.refused(checks::DECRYPTED, why, found, Some(expected))
    };
    let Ok((data, method)) = encrypted_data(container) else {
        return Err(failed(trace, Refusal::Encryption, None));
    };
    let authentic = GCM.contains(&method);
    if !authentic && !CBC.contains(&method) {
        return Err(failed(trace, Refusal::Encryption, Some(method)));
    }
    if !authentic && !context.settings.allow_cbc {
        return Err(failed(trace, Refusal::Cbc, Some(method)));
    }
    let Ok(keys) = encrypted_keys(container, data) else {
        return Err(failed(trace, Refusal::Encryption, Some(method)));
    };
    if let Some(other) = keys.iter().find(|key| !OAEP.contains(&key.method)) {
        return Err(failed(trace, Refusal::Encryption, Some(other.method)));
    }
    let opened = cipher_value(data).ok().and_then(|value| decrypt(&keys, method, &value, context));
    let Some(text) = opened else {
        return Err(failed(trace, Refusal::Encryption, Some(method)));
    };
    let Ok(xml) = parse(&text, container) else {
        return Err(failed(trace, Refusal::Encryption, Some(method)));
    };
    trace.passed(checks::DECRYPTED, method);
    Ok(Opened { xml, authentic, text })
}

fn encrypted_data(container: Node<'_>) -> Result<(Node<'_>, &str), Refusal> {
    let data = container.needs(ENCRYPTION, "EncryptedData")?;
    if data.attribute("Type").is_some_and(|kind| kind != ELEMENT) {
        return Err(Refusal::Encryption);
    }
    let method = data.needs(ENCRYPTION, "EncryptionMethod")?;
    Ok((data, method.attribute("Algorithm").ok_or(Refusal::Encryption)?))
}

/// In the data's own `KeyInfo`, or beside the data. Nothing in the message names one of our keys or a
/// place to fetch one from: `KeyName` and `RetrievalMethod` are not read.
fn encrypted_keys<'d>(
    container: Node<'d>,
    data: Node<'d>,
) -> Result<Vec<EncryptedKey<'d>>, Refusal> {
    let mut found = container.all(ENCRYPTION, "EncryptedKey");
    if let Some(info) = data.child(SIGNATURE, "KeyInfo")? {
        found.extend(info.all(ENCRYPTION, "EncryptedKey"));
    }
    if found.is_empty() || found.len() > KEYS {
        return Err(Refusal::Encryption);
    }
    found.into_iter().map(EncryptedKey::read).collect()
}

impl<'d> EncryptedKey<'d> {
    fn read(node: Node<'d>) -> Result<Self, Refusal> {
        let method = node.needs(ENCRYPTION, "EncryptionMethod")?;
        let digest = method.child(SIGNATURE, "DigestMethod")?;
        let digest = digest.and_then(|digest| digest.attribute("Algorithm"));
        if digest.is_some_and(|digest| !OAEP_DIGESTS.contains(&digest)) {
            return Err(Refusal::Encryption);
        }
        let mask = method.child(ENCRYPTION_11, "MGF")?;
        let mask = mask.and_then(|mask| mask.attribute("Algorithm"));
        let label = method.child(ENCRYPTION, "OAEPparams")?;
        let label = label.map(|label| label.text().and_then(|text| base64(&text))).transpose()?;
        let params = OaepParams {
            digest_uri: digest.map(str::to_owned),
            mgf_uri: mask.map(str::to_owned),
            oaep_params: label,
        };
        let named = method.attribute("Algorithm").ok_or(Refusal::Encryption)?;
        Ok(Self { method: named, params, value: cipher_value(node)? })
    }
}

/// The text itself; a reference to it elsewhere is not followed.
fn cipher_value(node: Node<'_>) -> Result<Vec<u8>, Refusal> {
    let data = node.needs(ENCRYPTION, "CipherData")?;
    base64(&data.needs(ENCRYPTION, "CipherValue")?.text()?)
}

fn decrypt(
    keys: &[EncryptedKey<'_>],
    method: &str,
    value: &[u8],
    context: &Context<'_>,
) -> Option<Zeroizing<String>> {
    let cipher = cipher::from_uri(method).ok()?;
    for key in keys {
        let transport = from_uri_with_params(key.method, key.params.clone()).ok()?;
        for own in context.keys.iter().filter_map(super::PrivateKey::software) {
            let Ok(secret) = transport.decrypt(&own, &key.value).map(Zeroizing::new) else {
                continue;
            };
            if secret.len() != cipher.key_size() {
                continue;
            }
            if let Ok(bytes) = cipher.decrypt(&secret, value).map(Zeroizing::new) {
                return std::str::from_utf8(&bytes)
                    .ok()
                    .map(|text| Zeroizing::new(text.to_owned()));
            }
        }
    }
    None
}

/// Some providers encrypt an element without the namespaces that were declared around it: then it is
/// read as if it stood where its container stands.
fn parse(text: &str, container: Node<'_>) -> Result<Xml, Refusal> {
    if let Ok(xml) = Xml::read(text) {
        return Ok(xml);
    }
    let mut wrapped = String::from("<strongroom");
    for (prefix, uri) in container.namespaces() {
        let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let name = if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") };
        wrapped.push_str(&format!(" {name}=\"{uri}\""));
    }
    // Wiped with the rest: it has what was encrypted in it.
    let wrapped = Zeroizing::new(format!("{wrapped}>{text}</strongroom>"));
    Xml::read(&wrapped)
}

impl Opened {
    /// The element of this name that was encrypted, and nothing beside it.
    pub fn element(&self, namespace: &str, name: &str) -> Result<Node<'_>, Refusal> {
        let root = self.xml.root()?;
        if root.is(namespace, name) {
            return Ok(root);
        }
        let mut inside = root.elements();
        let only = inside.next().filter(|_| root.name() == "strongroom");
        let only = only.filter(|node| node.is(namespace, name));
        only.filter(|_| inside.next().is_none()).ok_or(Refusal::Encryption)
    }
}
