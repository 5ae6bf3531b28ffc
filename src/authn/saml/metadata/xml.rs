//! Metadata as a tree, without anything that a parser would have to fetch or unfold.

use bergshamra::xml::uppsala::{Document, NodeId, Parser};

use super::MetadataError;
use crate::authn::saml::xml::bounded;

pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const UI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
/// Real metadata has a dozen levels.
const DEPTH: u32 = 48;

pub(super) fn parse(text: &str) -> Result<Document<'_>, MetadataError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
        return Err(MetadataError::Doctype);
    }
    bounded(text).map_err(|_| {
        let what = "an element has too many attributes, or a namespace of more than 256 bytes";
        MetadataError::Malformed(what.to_owned())
    })?;
    let parser = Parser::new().with_forbid_dtd(true).with_forbid_entities(true);
    let parsed = parser.with_max_depth(DEPTH).parse(text);
    parsed.map_err(|error| MetadataError::Malformed(error.to_string().chars().take(200).collect()))
}

/// The children of this name.
pub(super) fn children(
    document: &Document<'_>,
    parent: NodeId,
    namespace: &str,
    name: &str,
) -> Vec<NodeId> {
    document.child_elements_by_name_ns(parent, namespace, name)
}

/// All below `parent` of this name, in their order.
pub(super) fn elements(
    document: &Document<'_>,
    parent: NodeId,
    namespace: &str,
    name: &str,
) -> Vec<NodeId> {
    let is = |node: &NodeId| {
        document.element(*node).is_some_and(|element| element.matches_name_ns(namespace, name))
    };
    document.descendants(parent).into_iter().filter(is).collect()
}

pub(super) fn text(document: &Document<'_>, node: NodeId) -> String {
    document.text_content_deep(node).trim().to_owned()
}
