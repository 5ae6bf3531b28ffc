//! Signatures in messages, and what they cover.
//!
//! The answer to signature wrapping: a signature is looked at as the child of the one element that it
//! is to protect, nothing but that element may be its reference, and what comes back is the very text
//! whose digest was compared. Whoever reads on reads that text and nothing else.

use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::core::algorithm as uri;
use bergshamra::crypto::{digest, sign};
use bergshamra::dsig::verify::verify_all_document;
use bergshamra::keys::loader;
use bergshamra::xml::NodeSet;
use bergshamra::{DsigContext, Key, KeysManager, VerifyResult};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::algorithms::{self, Strength};
use super::decode::base64;
use super::xml::{Node, SIGNATURE, Xml};
use super::{SamlSettings, checks};
use crate::authn::sso::{Refusal, Trace};

/// Prefixes that a canonicalisation may be told to keep. Real ones are "xs" and a few more.
const PREFIXES: usize = 16;

/// The keys of a provider, from the certificates that an administrator has set: there are no others.
pub(super) struct Keys {
    keys: Vec<Key>,
    allow_sha1: bool,
}

/// What a `SignedInfo` says, all of it.
struct Form<'d> {
    signed_info: Node<'d>,
    prefixes: Vec<String>,
    method: &'d str,
    reference_prefixes: Vec<String>,
    digest_method: &'d str,
    digest: Vec<u8>,
    value: Vec<u8>,
}

impl Keys {
    pub fn of(settings: &SamlSettings) -> Self {
        let keys = settings.certificates.iter();
        let keys = keys.filter_map(|pem| loader::load_x509_cert_pem(pem.as_bytes()).ok()).collect();
        Self { keys, allow_sha1: settings.allow_sha1 }
    }

    /// The text of `element` that `signature`, its child, covers. `check` names what is looked at.
    pub fn covered(
        &self,
        xml: &Xml,
        element: Node<'_>,
        signature: Node<'_>,
        check: &str,
        trace: &mut Trace,
    ) -> Result<String, Refusal> {
        let form = Form::read(element, signature).map_err(|_| {
            let found = Some(form_of(signature));
            let expected = Some(format!("#{}", element.attribute("ID").unwrap_or_default()));
            trace.refused(checks::SIGNATURE_FORM, Refusal::SignatureForm, found, expected)
        })?;
        self.allows(form.method, algorithms::signature(form.method), trace)?;
        self.allows(form.digest_method, algorithms::digest(form.digest_method), trace)?;
        let text = self.proven(xml, element, signature, &form);
        let Some((text, key)) = text else {
            let expected = self.keys.iter().map(fingerprint).collect::<Vec<_>>().join("\n");
            return Err(trace.refused(check, Refusal::SignatureWrong, None, Some(expected)));
        };
        trace.passed(check, fingerprint(key));
        Ok(text)
    }

    /// Whether one of the keys has signed `octets`, for messages that carry a signature beside them.
    pub fn have_signed(
        &self,
        octets: &[u8],
        method: &str,
        value: &[u8],
        trace: &mut Trace,
    ) -> Result<(), Refusal> {
        self.allows(method, algorithms::signature(method), trace)?;
        let Some(key) = self.signer(method, octets, value) else {
            let expected = self.keys.iter().map(fingerprint).collect::<Vec<_>>().join("\n");
            let check = checks::MESSAGE_SIGNATURE;
            return Err(trace.refused(check, Refusal::SignatureWrong, None, Some(expected)));
        };
        trace.passed(checks::MESSAGE_SIGNATURE, fingerprint(key));
        Ok(())
    }

    fn allows(&self, name: &str, strength: Strength, trace: &mut Trace) -> Result<(), Refusal> {
        let why = match strength {
            Strength::Good => None,
            Strength::Sha1 if self.allow_sha1 => None,
            Strength::Sha1 => Some(Refusal::Sha1),
            Strength::Unknown => Some(Refusal::SignatureForm),
        };
        let Some(why) = why else {
            trace.passed(checks::SIGNATURE_ALGORITHM, name);
            return Ok(());
        };
        Err(trace.refused(checks::SIGNATURE_ALGORITHM, why, Some(bounded(name)), None))
    }

    fn proven(
        &self,
        xml: &Xml,
        element: Node<'_>,
        signature: Node<'_>,
        form: &Form<'_>,
    ) -> Option<(String, &Key)> {
        let text = canonical(xml, element, Some(signature), &form.reference_prefixes)?;
        let computed = digest::digest(form.digest_method, &text).ok()?;
        if computed != form.digest {
            return None;
        }
        let signed_info = canonical(xml, form.signed_info, None, &form.prefixes)?;
        let key = self.signer(form.method, &signed_info, &form.value)?;
        if !self.library_agrees(xml, element, signature) {
            return None;
        }
        Some((String::from_utf8(text).ok()?, key))
    }

    fn signer(&self, method: &str, octets: &[u8], value: &[u8]) -> Option<&Key> {
        let algorithm = sign::from_uri(method).ok()?;
        self.keys.iter().find(|key| {
            sign::key_algorithm_matches_signature_uri(method, key.data.algorithm())
                && key
                    .to_signing_key()
                    .ok()
                    .flatten()
                    .is_some_and(|signer| algorithm.verify(&signer, octets, value).unwrap_or(false))
        })
    }

    /// A second opinion on the whole: the library finds the signature, its reference and the element by
    /// its own way. A mistake has to be made twice, here and there, to let anything pass.
    fn library_agrees(&self, xml: &Xml, element: Node<'_>, signature: Node<'_>) -> bool {
        let mut manager = KeysManager::new();
        manager.add_keys(self.keys.iter().cloned());
        let context = DsigContext::new(manager);
        let all = verify_all_document(&context, xml.document()).unwrap_or_default();
        all.iter().any(|result| match result {
            VerifyResult::Valid { signature_node, references, .. } => {
                *signature_node == signature.id
                    && matches!(references.as_slice(), [one] if one.digest_verified
                        && one.resolved_node == Some(element.id))
            }
            VerifyResult::Invalid { .. } => false,
        })
    }
}

impl<'d> Form<'d> {
    /// Any error is one: the form is not the one that SAML has (saml-core 5.4).
    fn read(element: Node<'_>, signature: Node<'d>) -> Result<Self, Refusal> {
        known(signature, &["SignedInfo", "SignatureValue", "KeyInfo"])?;
        let signed_info = signature.needs(SIGNATURE, "SignedInfo")?;
        known(signed_info, &["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let reference = signed_info.needs(SIGNATURE, "Reference")?;
        known(reference, &["Transforms", "DigestMethod", "DigestValue"])?;
        refers_to(reference, element)?;
        let method = signed_info.needs(SIGNATURE, "SignatureMethod")?;
        let digest_method = reference.needs(SIGNATURE, "DigestMethod")?;
        if method.elements().chain(digest_method.elements()).next().is_some() {
            return Err(Refusal::SignatureForm);
        }
        Ok(Self {
            signed_info,
            prefixes: exclusive(signed_info.needs(SIGNATURE, "CanonicalizationMethod")?)?,
            method: algorithm(method)?,
            reference_prefixes: transforms(reference.needs(SIGNATURE, "Transforms")?)?,
            digest_method: algorithm(digest_method)?,
            digest: base64(&reference.needs(SIGNATURE, "DigestValue")?.text()?)?,
            value: base64(&signature.needs(SIGNATURE, "SignatureValue")?.text()?)?,
        })
    }
}

/// Nothing in it but these, each at most once.
fn known(node: Node<'_>, names: &[&str]) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for child in node.elements() {
        let name = child.name();
        if !child.is(SIGNATURE, name) || !names.contains(&name) || seen.contains(&name) {
            return Err(Refusal::SignatureForm);
        }
        seen.push(name);
    }
    Ok(())
}

/// By its ID, as a part of this very document: no address, no file, not "the whole document".
fn refers_to(reference: Node<'_>, element: Node<'_>) -> Result<(), Refusal> {
    let id = element.attribute("ID").filter(|id| !id.is_empty());
    let target = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#'));
    let same = id.is_some() && id == target && reference.has_only(&["URI"]);
    if same { Ok(()) } else { Err(Refusal::SignatureForm) }
}

fn algorithm(node: Node<'_>) -> Result<&str, Refusal> {
    let named = node.attribute("Algorithm").filter(|_| node.has_only(&["Algorithm"]));
    named.ok_or(Refusal::SignatureForm)
}

/// The signature is taken out, the rest is made canonical: exactly these two.
fn transforms(node: Node<'_>) -> Result<Vec<String>, Refusal> {
    let all: Vec<Node<'_>> = node.elements().collect();
    let [enveloped, canonical] = all.as_slice() else { return Err(Refusal::SignatureForm) };
    let named = all.iter().all(|transform| transform.is(SIGNATURE, "Transform"));
    let first = algorithm(*enveloped)? == uri::ENVELOPED_SIGNATURE;
    if !named || !first || enveloped.elements().next().is_some() {
        return Err(Refusal::SignatureForm);
    }
    exclusive(*canonical)
}

/// The prefixes to keep. With or without comments is the same: there are none.
fn exclusive(node: Node<'_>) -> Result<Vec<String>, Refusal> {
    if !matches!(algorithm(node)?, uri::EXC_C14N | uri::EXC_C14N_WITH_COMMENTS) {
        return Err(Refusal::SignatureForm);
    }
    let all: Vec<Node<'_>> = node.elements().collect();
    let list = match all.as_slice() {
        [] => return Ok(Vec::new()),
        [one] if one.is(uri::EXC_C14N, "InclusiveNamespaces") && one.has_only(&["PrefixList"]) => {
            one.attribute("PrefixList").unwrap_or_default()
        }
        _ => return Err(Refusal::SignatureForm),
    };
    let prefixes: Vec<String> = list.split_ascii_whitespace().map(str::to_owned).collect();
    if prefixes.len() > PREFIXES { Err(Refusal::SignatureForm) } else { Ok(prefixes) }
}

/// `element` by Exclusive XML Canonicalization 1.0, without its signature.
fn canonical(
    xml: &Xml,
    element: Node<'_>,
    without: Option<Node<'_>>,
    prefixes: &[String],
) -> Option<Vec<u8>> {
    let document = xml.document();
    let mut nodes = NodeSet::tree_without_comments(element.id, document);
    if let Some(signature) = without {
        nodes.remove_id(signature.id);
        document.descendants(signature.id).into_iter().for_each(|id| nodes.remove_id(id));
    }
    canonicalize_doc(document, C14nMode::Exclusive, Some(&nodes), prefixes).ok()
}

/// SHA-256 of the certificate, as administrators see it elsewhere.
fn fingerprint(key: &Key) -> String {
    let certificate = key.x509_chain.first().map(Vec::as_slice).unwrap_or_default();
    HEXLOWER.encode(&Sha256::digest(certificate))
}

/// What a signature refers to and does, for the one who has to find out why it is refused.
fn form_of(signature: Node<'_>) -> String {
    let mut found = Vec::new();
    let mut waiting: Vec<Node<'_>> = signature.all(SIGNATURE, "SignedInfo");
    while let Some(node) = waiting.pop() {
        found.extend(node.attribute("URI").or(node.attribute("Algorithm")).map(bounded));
        waiting.extend(node.elements());
    }
    found.truncate(16);
    found.join("\n")
}

fn bounded(text: &str) -> String {
    text.chars().take(200).collect()
}
