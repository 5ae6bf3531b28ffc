//! What this service says about itself (saml-metadata 2.4.4), for the provider's administrator. It is
//! written by samael, which leaves texts as they are: all that stands in here is our own.

use data_encoding::BASE64;
use samael::key_info::{KeyInfo, X509Data};
use samael::metadata::{
    EncryptionMethod, Endpoint, EntityDescriptor, HTTP_POST_BINDING, HTTP_REDIRECT_BINDING,
    IndexedEndpoint, KeyDescriptor, SpSsoDescriptor,
};
use samael::traits::ToXml;

use super::xml::PROTOCOL;
use crate::authn::saml::{KeyError, NameIdFormat, ServiceNames};

/// What assertions may be encrypted with, best first (XML Encryption 1.1, 5.2.4 and 5.5.2).
const ENCRYPTION: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];
const FORMATS: [NameIdFormat; 4] = [
    NameIdFormat::Persistent,
    NameIdFormat::Email,
    NameIdFormat::Unspecified,
    NameIdFormat::Transient,
];

/// Metadata with these certificates (DER); the one in use comes first, because most providers
/// encrypt for the first.
///
/// # Errors
/// [`KeyError`] where the library cannot write what it was given; it always could.
pub fn write(service: &ServiceNames, certificates: &[&[u8]]) -> Result<String, KeyError> {
    let keys = ["signing", "encryption"]
        .into_iter()
        .flat_map(|purpose| certificates.iter().map(move |certificate| key(purpose, certificate)));
    let logout = |binding: &str| Endpoint {
        binding: binding.to_owned(),
        location: service.logout_url.clone(),
        response_location: None,
    };
    let descriptor = SpSsoDescriptor {
        protocol_support_enumeration: Some(PROTOCOL.to_owned()),
        authn_requests_signed: Some(true),
        want_assertions_signed: Some(true),
        key_descriptors: Some(keys.collect()),
        single_logout_services: Some(vec![
            logout(HTTP_REDIRECT_BINDING),
            logout(HTTP_POST_BINDING),
        ]),
        name_id_formats: Some(FORMATS.map(|format| format.urn().to_owned()).to_vec()),
        assertion_consumer_services: vec![IndexedEndpoint {
            binding: HTTP_POST_BINDING.to_owned(),
            location: service.acs_url.clone(),
            response_location: None,
            index: 0,
            is_default: Some(true),
        }],
        ..SpSsoDescriptor::default()
    };
    let entity = EntityDescriptor {
        entity_id: Some(service.entity_id.clone()),
        // A provider that looks once a day knows a new key before it is used.
        cache_duration: Some("P1D".to_owned()),
        sp_sso_descriptors: Some(vec![descriptor]),
        ..EntityDescriptor::default()
    };
    entity.to_string().map_err(|_| KeyError)
}

fn key(purpose: &str, certificate: &[u8]) -> KeyDescriptor {
    let method = |name: &str| EncryptionMethod { algorithm: name.to_owned() };
    let x509_data = X509Data { certificates: vec![BASE64.encode(certificate)] };
    KeyDescriptor {
        key_use: Some(purpose.to_owned()),
        key_info: KeyInfo { id: None, x509_data: Some(x509_data) },
        encryption_methods: (purpose == "encryption").then(|| ENCRYPTION.map(method).to_vec()),
    }
}
