//! What a provider says about itself (saml-metadata 2.4.3), as a file or from an address.
//!
//! Metadata is believed because an administrator gives it, or names the address that it is fetched
//! from over TLS. A signature in it is not looked at, and the reader is told so.

use bergshamra::xml::uppsala::{Document, NodeId};
use schemars::JsonSchema;
use serde::Serialize;

use super::xml::{DSIG, METADATA, PROTOCOL, UI, children, elements, parse, text};
use crate::authn::saml::{Binding, Certificate, CertificateError, SamlSettings};
use crate::kernel::{ErrorKind, Fault, Timestamp, limits};

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// What is of use in a provider's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadMetadata {
    pub entity_id: String,
    /// What the provider calls itself for people.
    pub display_name: Option<String>,
    pub sign_in_url: String,
    pub sign_in_binding: Binding,
    pub sign_out_url: Option<String>,
    pub sign_out_response_url: Option<String>,
    pub sign_out_binding: Binding,
    /// PEM, of all the keys that it may sign with.
    pub certificates: Vec<String>,
    /// Why others of its certificates are left out.
    pub left_out: Vec<String>,
    pub name_id_formats: Vec<String>,
    pub wants_signed_requests: bool,
    /// `validUntil`: the earliest of those around the provider.
    pub expires: Option<Timestamp>,
    /// It has a signature, which was not checked: what counts is where the metadata came from.
    pub signature_not_checked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("the metadata has more than 1 MiB: ask for that of the one provider")]
    TooLarge,
    #[error("the metadata is not text in UTF-8")]
    NotText,
    #[error(
        "the metadata declares a document type, which is refused: remove the line with DOCTYPE"
    )]
    Doctype,
    #[error("the metadata is not well-formed XML: {0}")]
    Malformed(String),
    #[error(
        "this is no SAML metadata but a document \"{0}\": download the provider's metadata as XML"
    )]
    Other(String),
    #[error(
        "the metadata describes no SAML 2.0 identity provider (it has no IDPSSODescriptor): take that of the provider, not of an application"
    )]
    NoProvider,
    #[error(
        "the metadata describes several identity providers: say which one by its entity id: {0}"
    )]
    Several(String),
    #[error("the metadata describes no identity provider with this entity id")]
    NotInIt,
    #[error("the provider in the metadata has no entity id, or one of more than 1024 characters")]
    EntityId,
    #[error(
        "the provider in the metadata has no address to sign in at (SingleSignOnService) with the binding HTTP-Redirect or HTTP-POST"
    )]
    NoSignIn,
    #[error("the metadata's address \"{0}\" does not begin with https://")]
    Address(String),
    #[error("the metadata has no certificate to check the provider's signatures with")]
    NoCertificate,
    #[error("the metadata's certificate cannot be used: {0}")]
    Certificate(CertificateError),
}

impl Fault for MetadataError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "metadata-invalid"
    }

    fn field(&self) -> Option<&'static str> {
        Some("metadata")
    }
}

/// Reads metadata of one identity provider.
pub fn read(bytes: &[u8]) -> Result<ReadMetadata, MetadataError> {
    read_one(bytes, None)
}

/// Reads what metadata says about one identity provider; of several, the one with this entity id.
pub fn read_one(bytes: &[u8], entity_id: Option<&str>) -> Result<ReadMetadata, MetadataError> {
    if bytes.len() > limits::SSO_METADATA_BYTES {
        return Err(MetadataError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| MetadataError::NotText)?;
    let document = parse(text)?;
    let found = Found::choose(&document, entity_id)?;
    let ways = Endpoints { document: &document, role: found.role };
    let (sign_in_binding, sign_in) =
        ways.best("SingleSignOnService")?.ok_or(MetadataError::NoSignIn)?;
    let sign_out = ways.best("SingleLogoutService")?;
    let (certificates, left_out) = certificates(&document, found.role)?;
    let role = Role { document: &document, node: found.role };
    Ok(ReadMetadata {
        entity_id: found.entity_id,
        display_name: role.display_name(),
        sign_in_url: sign_in.location,
        sign_in_binding,
        sign_out_binding: sign_out.as_ref().map(|(binding, _)| *binding).unwrap_or_default(),
        sign_out_response_url: sign_out.as_ref().and_then(|(_, end)| end.response.clone()),
        sign_out_url: sign_out.map(|(_, end)| end.location),
        certificates,
        left_out,
        name_id_formats: role.name_id_formats(),
        wants_signed_requests: matches!(
            document.get_attribute(found.role, "WantAuthnRequestsSigned"),
            Some("true" | "1")
        ),
        expires: found.expires,
        signature_not_checked: found.signed,
    })
}

impl ReadMetadata {
    /// Puts what the provider says about itself into its settings; what the tenant has decided stays.
    pub fn apply(&self, settings: &mut SamlSettings) {
        settings.entity_id.clone_from(&self.entity_id);
        settings.sign_in_url.clone_from(&self.sign_in_url);
        settings.sign_in_binding = self.sign_in_binding;
        settings.sign_out_url.clone_from(&self.sign_out_url);
        settings.sign_out_response_url.clone_from(&self.sign_out_response_url);
        settings.sign_out_binding = self.sign_out_binding;
        settings.certificates.clone_from(&self.certificates);
        settings.metadata_expires = self.expires;
    }
}

/// The provider in a document.
struct Found {
    entity_id: String,
    /// Its IDPSSODescriptor.
    role: NodeId,
    expires: Option<Timestamp>,
    signed: bool,
}

impl Found {
    fn choose(document: &Document<'_>, wanted: Option<&str>) -> Result<Self, MetadataError> {
        let root = document.document_element().ok_or(MetadataError::NoProvider)?;
        let name = document.element(root).map(|element| element.name.local_name.to_string());
        let name = name.unwrap_or_default();
        let is = |node, name| {
            document.element(node).is_some_and(|element| element.matches_name_ns(METADATA, name))
        };
        let entities = match &*name {
            "EntityDescriptor" if is(root, "EntityDescriptor") => vec![root],
            "EntitiesDescriptor" if is(root, "EntitiesDescriptor") => {
                elements(document, root, METADATA, "EntityDescriptor")
            }
            _ => return Err(MetadataError::Other(name.chars().take(80).collect())),
        };
        let role = |entity: NodeId| {
            let roles = children(document, entity, METADATA, "IDPSSODescriptor");
            roles.into_iter().find(|role| speaks_saml2(document, *role))
        };
        let id = |entity| document.get_attribute(entity, "entityID").unwrap_or_default().trim();
        let providers: Vec<_> = entities
            .into_iter()
            .filter_map(|entity| Some((entity, id(entity), role(entity)?)))
            .collect();
        let chosen = match (wanted, &*providers) {
            (_, []) => return Err(MetadataError::NoProvider),
            (None, [one]) => one,
            (None, many) => {
                let names: Vec<_> = many.iter().take(10).map(|(_, id, _)| *id).collect();
                return Err(MetadataError::Several(names.join(", ")));
            }
            (Some(wanted), many) => {
                let found = many.iter().find(|(_, id, _)| *id == wanted);
                found.ok_or(MetadataError::NotInIt)?
            }
        };
        let (entity, entity_id, role) = *chosen;
        if entity_id.is_empty() || entity_id.chars().count() > 1024 {
            return Err(MetadataError::EntityId);
        }
        let around = || [role].into_iter().chain(ancestors(document, role));
        let expires = around().filter_map(|node| document.get_attribute(node, "validUntil"));
        let signed = |node| !children(document, node, DSIG, "Signature").is_empty();
        Ok(Self {
            entity_id: entity_id.to_owned(),
            role,
            expires: expires.filter_map(date_time).min(),
            signed: signed(entity) || around().any(signed),
        })
    }
}

fn ancestors(document: &Document<'_>, node: NodeId) -> Vec<NodeId> {
    let up = std::iter::successors(document.parent(node), |node| document.parent(*node));
    up.filter(|node| document.element(*node).is_some()).collect()
}

fn speaks_saml2(document: &Document<'_>, role: NodeId) -> bool {
    let protocols = document.get_attribute(role, "protocolSupportEnumeration");
    protocols.unwrap_or_default().split_whitespace().any(|protocol| protocol == PROTOCOL)
}

/// xs:dateTime; without a zone it is meant as UTC (saml-core 1.3.3).
fn date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

struct Endpoint {
    location: String,
    response: Option<String>,
}

struct Endpoints<'a> {
    document: &'a Document<'a>,
    role: NodeId,
}

impl Endpoints<'_> {
    /// The first endpoint of the binding that is liked best: a redirect needs no page in between.
    fn best(&self, service: &str) -> Result<Option<(Binding, Endpoint)>, MetadataError> {
        let all = children(self.document, self.role, METADATA, service);
        for (binding, urn) in [(Binding::Redirect, REDIRECT), (Binding::Post, POST)] {
            let attribute = |node, name| self.document.get_attribute(node, name).map(str::trim);
            let fits = |node: &&NodeId| attribute(**node, "Binding") == Some(urn);
            let Some(node) = all.iter().find(fits) else { continue };
            let Some(location) = attribute(*node, "Location") else { continue };
            let response = attribute(*node, "ResponseLocation").map(https).transpose()?;
            return Ok(Some((binding, Endpoint { location: https(location)?, response })));
        }
        Ok(None)
    }
}

fn https(url: &str) -> Result<String, MetadataError> {
    let begins = url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let clean = url.len() <= 2048 && !url.chars().any(|c| c.is_whitespace() || c.is_control());
    match begins && clean {
        true => Ok(url.to_owned()),
        false => Err(MetadataError::Address(url.chars().take(200).collect())),
    }
}

/// Those to sign with, and why others are not taken.
fn certificates(
    document: &Document<'_>,
    role: NodeId,
) -> Result<(Vec<String>, Vec<String>), MetadataError> {
    let (mut taken, mut left_out) = (Vec::new(), Vec::new());
    for key in children(document, role, METADATA, "KeyDescriptor") {
        if !matches!(document.get_attribute(key, "use"), None | Some("signing")) {
            continue;
        }
        for data in elements(document, key, DSIG, "X509Data") {
            // What follows the first are authorities above it: they sign no messages.
            let first = children(document, data, DSIG, "X509Certificate").into_iter().next();
            let Some(first) = first else { continue };
            match Certificate::parse(&text(document, first)) {
                Ok(certificate) if taken.contains(&certificate.pem()) => {}
                Ok(certificate) => taken.push(certificate.pem()),
                Err(error) => left_out.push(error),
            }
        }
    }
    taken.truncate(limits::SSO_CERTIFICATES);
    match (taken.is_empty(), left_out.first()) {
        (true, Some(error)) => Err(MetadataError::Certificate(error.clone())),
        (true, None) => Err(MetadataError::NoCertificate),
        (false, _) => Ok((taken, left_out.iter().map(ToString::to_string).collect())),
    }
}

struct Role<'a> {
    document: &'a Document<'a>,
    node: NodeId,
}

impl Role<'_> {
    fn name_id_formats(&self) -> Vec<String> {
        let formats = children(self.document, self.node, METADATA, "NameIDFormat");
        formats.into_iter().take(20).map(|node| text(self.document, node)).collect()
    }

    /// The English name, or the first one (SAML metadata extensions for login and discovery, 2.1).
    fn display_name(&self) -> Option<String> {
        let names = elements(self.document, self.node, UI, "DisplayName");
        let english = |node: &&NodeId| self.document.get_attribute(**node, "lang") == Some("en");
        let chosen = names.iter().find(english).or_else(|| names.first())?;
        let name: String = text(self.document, *chosen).chars().take(100).collect();
        Some(name).filter(|name| !name.is_empty())
    }
}
