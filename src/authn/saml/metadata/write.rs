//! What this service says about itself (saml-metadata 2.4.4), for the provider's administrator.

use bergshamra::xml::uppsala::XmlWriter;

use super::xml::{DSIG, METADATA, PROTOCOL};
use crate::authn::saml::outgoing::{element, key_info};
use crate::authn::saml::{NameIdFormat, ServiceNames};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// What assertions may be encrypted with, best first (XML Encryption 1.1, 5.2.4 and 5.5.2).
const ENCRYPTION: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// Metadata with these certificates (DER); the one in use comes first, because most providers
/// encrypt for the first.
pub fn write(service: &ServiceNames, certificates: &[&[u8]]) -> String {
    let mut xml = XmlWriter::new();
    xml.write_declaration();
    let names = [
        ("xmlns:md", METADATA),
        ("xmlns:ds", DSIG),
        ("entityID", &service.entity_id),
        // A provider that looks once a day knows a new key before it is used.
        ("cacheDuration", "P1D"),
    ];
    xml.start_element("md:EntityDescriptor", &names);
    let promises = [
        ("AuthnRequestsSigned", "true"),
        ("WantAssertionsSigned", "true"),
        ("protocolSupportEnumeration", PROTOCOL),
    ];
    xml.start_element("md:SPSSODescriptor", &promises);
    for purpose in ["signing", "encryption"] {
        for certificate in certificates {
            key(&mut xml, purpose, certificate);
        }
    }
    for binding in [REDIRECT, POST] {
        let place = [("Binding", binding), ("Location", &service.logout_url)];
        xml.empty_element("md:SingleLogoutService", &place);
    }
    for format in [
        NameIdFormat::Persistent,
        NameIdFormat::Email,
        NameIdFormat::Unspecified,
        NameIdFormat::Transient,
    ] {
        element(&mut xml, "md:NameIDFormat", &[], format.urn());
    }
    let place = [
        ("Binding", POST),
        ("Location", service.acs_url.as_str()),
        ("index", "0"),
        ("isDefault", "true"),
    ];
    xml.empty_element("md:AssertionConsumerService", &place);
    xml.end_element("md:SPSSODescriptor");
    xml.end_element("md:EntityDescriptor");
    xml.into_string()
}

fn key(xml: &mut XmlWriter, purpose: &str, certificate: &[u8]) {
    xml.start_element("md:KeyDescriptor", &[("use", purpose)]);
    key_info(xml, certificate);
    if purpose == "encryption" {
        for method in ENCRYPTION {
            xml.empty_element("md:EncryptionMethod", &[("Algorithm", method)]);
        }
    }
    xml.end_element("md:KeyDescriptor");
}
