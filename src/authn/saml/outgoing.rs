//! Our own messages on their way to a provider: HTTP-Redirect and HTTP-POST (saml-bindings 3.4, 3.5).
//!
//! They are written with the XML library of the signatures, which escapes what it is given: names
//! that a provider has chosen go back to it in messages that we sign.

use std::io::Write as _;

use bergshamra::xml::uppsala::XmlWriter;
use bergshamra::{DsigContext, KeyUsage, KeysManager};
use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::{Binding, KeyError, ServiceKey};
use crate::kernel::Timestamp;

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Which parameter a message travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
}

impl Kind {
    const fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// How a message goes to a provider.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    pub binding: Binding,
    pub destination: &'a str,
    /// Comes back with the answer; at most 80 bytes.
    pub relay_state: Option<&'a str>,
    /// Signs it.
    pub key: Option<&'a ServiceKey>,
}

/// Where the browser takes the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Redirect(String),
    Post { url: String, fields: Vec<(String, String)> },
}

/// What every message says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    pub id: &'a str,
    pub issued: Timestamp,
    /// Our entity id.
    pub issuer: &'a str,
}

impl Way<'_> {
    /// Writes a message and signs it. `attributes` are those of this kind of message; `content` writes
    /// what follows its issuer.
    pub(super) fn send(
        &self,
        kind: Kind,
        name: &str,
        header: Header<'_>,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut XmlWriter),
    ) -> Result<Sent, KeyError> {
        let enveloped = self.key.filter(|_| self.binding == Binding::Post);
        let issued = instant(header.issued);
        let mut all = vec![
            ("xmlns:samlp", PROTOCOL),
            ("xmlns:saml", ASSERTION),
            ("ID", header.id),
            ("Version", "2.0"),
            ("IssueInstant", &issued),
            ("Destination", self.destination),
        ];
        all.extend_from_slice(attributes);
        let mut xml = XmlWriter::new();
        xml.start_element(name, &all);
        element(&mut xml, "saml:Issuer", &[], header.issuer);
        if let Some(key) = enveloped {
            template(&mut xml, header.id, key);
        }
        content(&mut xml);
        xml.end_element(name);
        let xml = xml.into_string();
        match self.binding {
            Binding::Redirect => self.redirect(kind, &xml),
            Binding::Post => self.post(kind, enveloped, xml),
        }
    }

    fn redirect(&self, kind: Kind, xml: &str) -> Result<Sent, KeyError> {
        let mut query = vec![(kind.parameter(), BASE64.encode(&deflated(xml)))];
        if let Some(state) = self.relay_state {
            query.push(("RelayState", state.to_owned()));
        }
        if self.key.is_some() {
            query.push(("SigAlg", RSA_SHA256.to_owned()));
        }
        let mut query = serde_urlencoded::to_string(query).map_err(|_| KeyError)?;
        if let Some(key) = self.key {
            // Over the octets that are sent, not over what they mean (saml-bindings 3.4.4.1).
            let signature = BASE64.encode(&key.sign_bytes(query.as_bytes())?);
            let signature = serde_urlencoded::to_string([("Signature", signature)]);
            query = format!("{query}&{}", signature.map_err(|_| KeyError)?);
        }
        let glue = if self.destination.contains('?') { '&' } else { '?' };
        Ok(Sent::Redirect(format!("{}{glue}{query}", self.destination)))
    }

    fn post(&self, kind: Kind, key: Option<&ServiceKey>, xml: String) -> Result<Sent, KeyError> {
        let xml = match key {
            Some(key) => signed(key, &xml)?,
            None => xml,
        };
        let mut fields = vec![(kind.parameter().to_owned(), BASE64.encode(xml.as_bytes()))];
        if let Some(state) = self.relay_state {
            fields.push(("RelayState".to_owned(), state.to_owned()));
        }
        Ok(Sent::Post { url: self.destination.to_owned(), fields })
    }
}

/// `<name …>text</name>`
pub(super) fn element(xml: &mut XmlWriter, name: &str, attributes: &[(&str, &str)], text: &str) {
    xml.start_element(name, attributes);
    xml.text(text);
    xml.end_element(name);
}

/// xs:dateTime in UTC, to the second: some providers stumble over fractions.
fn instant(time: Timestamp) -> String {
    let whole = time.as_micros() - time.as_micros().rem_euclid(1_000_000);
    let text = Timestamp::from_micros(whole).to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// RFC 1951, without a header.
fn deflated(xml: &str) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    // Into memory: it does not fail.
    let written = deflate.write_all(xml.as_bytes()).and_then(|()| deflate.finish());
    written.unwrap_or_default()
}

/// A signature that is still to be filled in: exclusive canonicalisation, RSA with SHA-256, of the
/// element around it.
fn template(xml: &mut XmlWriter, id: &str, key: &ServiceKey) {
    const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
    let algorithm = |xml: &mut XmlWriter, name: &str, uri| {
        xml.empty_element(name, &[("Algorithm", uri)]);
    };
    xml.start_element("ds:Signature", &[("xmlns:ds", DSIG)]);
    xml.start_element("ds:SignedInfo", &[]);
    algorithm(xml, "ds:CanonicalizationMethod", EXCLUSIVE);
    algorithm(xml, "ds:SignatureMethod", RSA_SHA256);
    xml.start_element("ds:Reference", &[("URI", &format!("#{id}"))]);
    xml.start_element("ds:Transforms", &[]);
    algorithm(xml, "ds:Transform", ENVELOPED);
    algorithm(xml, "ds:Transform", EXCLUSIVE);
    xml.end_element("ds:Transforms");
    algorithm(xml, "ds:DigestMethod", SHA256);
    element(xml, "ds:DigestValue", &[], "");
    xml.end_element("ds:Reference");
    xml.end_element("ds:SignedInfo");
    element(xml, "ds:SignatureValue", &[], "");
    key_info(xml, key.certificate());
    xml.end_element("ds:Signature");
}

pub(super) fn key_info(xml: &mut XmlWriter, certificate: &[u8]) {
    xml.start_element("ds:KeyInfo", &[]);
    xml.start_element("ds:X509Data", &[]);
    element(xml, "ds:X509Certificate", &[], &BASE64.encode(certificate));
    xml.end_element("ds:X509Data");
    xml.end_element("ds:KeyInfo");
}

fn signed(key: &ServiceKey, xml: &str) -> Result<String, KeyError> {
    let mut signing = key.private_key()?.key().clone();
    signing.usage = KeyUsage::Sign;
    let mut keys = KeysManager::new();
    keys.add_key(signing);
    bergshamra::sign(&DsigContext::new(keys), xml).map_err(|_| KeyError)
}
