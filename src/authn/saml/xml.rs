//! XML as a message may have it: no document type, no comments, no second use of an ID.

use std::collections::HashSet;

use bergshamra::xml::uppsala::{Document, Element, NodeId, NodeKind, Parser};

use crate::authn::sso::Refusal;

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
pub(super) const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Deeper than any message; each level costs stack.
const DEPTH: u32 = 64;
/// Attributes, or declared namespaces, of one element. What compares them does so in pairs.
const ATTRIBUTES: usize = 64;
/// A namespace's name, as it is written. A tree and a canonical text repeat it for each element that is
/// in it, so that a long one would make gigabytes of a message.
const NAMESPACE: usize = 256;
/// Longer IDs and names are nobody's; they go into the log and the store.
pub(super) const NAME: usize = 1024;

/// A document in which everything is what it seems.
pub(super) struct Xml(Document<'static>);

impl Xml {
    /// Reads a text that may come from anybody.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        // A '<' in a value is written otherwise: these are what they look like.
        if text.contains("<!DOCTYPE") || text.contains("<!ENTITY") {
            return Err(Refusal::Doctype);
        }
        if text.contains("<!") || text.split("<?").skip(1).any(|part| !part.starts_with("xml ")) {
            return Err(Refusal::Markup);
        }
        bounded(text)?;
        let parser = Parser::new()
            .with_max_depth(DEPTH)
            .with_max_entity_expansion(0)
            .with_forbid_dtd(true)
            .with_forbid_entities(true);
        let document = parser.parse(text).map_err(|_| Refusal::Malformed)?.into_static();
        let xml = Self(document);
        xml.is_plain()?;
        Ok(xml)
    }

    pub fn document(&self) -> &Document<'static> {
        &self.0
    }

    pub fn root(&self) -> Result<Node<'_>, Refusal> {
        let id = self.0.document_element().ok_or(Refusal::Malformed)?;
        Node::new(&self.0, id).ok_or(Refusal::Malformed)
    }

    /// Every element, in the order of the text.
    pub fn elements(&self) -> impl Iterator<Item = Node<'_>> {
        let all = self.0.descendants(self.0.root());
        all.into_iter().filter_map(|id| Node::new(&self.0, id))
    }

    fn is_plain(&self) -> Result<(), Refusal> {
        let declared = self.0.xml_declaration.as_ref();
        let encoding = declared.and_then(|declared| declared.encoding.as_deref());
        let version = declared.map_or("1.0", |declared| &*declared.version);
        if version != "1.0" || encoding.is_some_and(|name| !name.eq_ignore_ascii_case("utf-8")) {
            return Err(Refusal::Malformed);
        }
        let mut seen = HashSet::new();
        for id in self.0.descendants(self.0.root()) {
            match self.0.node_kind(id) {
                Some(NodeKind::Element(element)) => has_own_ids(element, &mut seen)?,
                Some(NodeKind::Text(_) | NodeKind::Document) => {}
                _ => return Err(Refusal::Markup),
            }
        }
        Ok(())
    }
}

/// For each text before any parser has it: what would cost far more than the text is long.
///
/// # Errors
/// [`Refusal::Malformed`]
pub(super) fn bounded(text: &str) -> Result<(), Refusal> {
    if is_crowded(text) || names_much(text) { Err(Refusal::Malformed) } else { Ok(()) }
}

/// An element with very many attributes, found before anything compares them with each other. What
/// stands between two '<' has one tag in it; a "=" in a value only makes the count too high, and no
/// message has that many.
fn is_crowded(text: &str) -> bool {
    let mut parts = text.split('<').map(|part| part.matches('=').count());
    parts.any(|count| count > 4 * ATTRIBUTES)
}

/// A declaration of a namespace that is long as it is written, references to characters included.
fn names_much(text: &str) -> bool {
    text.match_indices("xmlns").any(|(at, start)| {
        let rest = &text.as_bytes()[at + start.len()..];
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"=<>\"'".contains(byte);
        let Some(end) = rest.iter().take(NAMESPACE).position(ends) else {
            return rest.len() >= NAMESPACE;
        };
        let value = rest[end..].trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii_start);
        match value.and_then(<[u8]>::split_first) {
            Some((quote @ (b'"' | b'\''), value)) => {
                !value.iter().take(NAMESPACE + 1).any(|byte| byte == quote)
            }
            _ => false,
        }
    })
}

/// Whatever anybody takes for an ID, in any spelling, is there once: which of two was signed would be
/// a matter of opinion.
fn has_own_ids(element: &Element<'_>, seen: &mut HashSet<String>) -> Result<(), Refusal> {
    let declared = &element.namespace_declarations;
    if element.attributes.len().max(declared.len()) > ATTRIBUTES
        || declared.iter().any(|(prefix, uri)| prefix.len().max(uri.len()) > NAMESPACE)
    {
        return Err(Refusal::Malformed);
    }
    for attribute in &element.attributes {
        let named = attribute.name.local_name.eq_ignore_ascii_case("id")
            || &*attribute.name.local_name == "AssertionID";
        let namespace = attribute.name.namespace_uri.as_deref();
        if named && namespace.is_none_or(|namespace| namespace == XML) {
            // What is compared elsewhere is compared as it stands.
            if attribute.value.len() > NAME || !seen.insert(attribute.value.to_string()) {
                return Err(Refusal::DuplicateId);
            }
        }
    }
    Ok(())
}

/// An element of a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'d> {
    document: &'d Document<'static>,
    element: &'d Element<'static>,
    pub id: NodeId,
}

impl<'d> Node<'d> {
    fn new(document: &'d Document<'static>, id: NodeId) -> Option<Self> {
        document.element(id).map(|element| Self { document, element, id })
    }

    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.element.name.matches(Some(namespace), name)
    }

    pub fn name(&self) -> &'d str {
        &self.element.name.local_name
    }

    /// Of the attributes without a namespace: `x:URI` is not `URI`.
    pub fn attribute(&self, name: &str) -> Option<&'d str> {
        let plain = |attribute: &&bergshamra::xml::Attribute<'_>| {
            attribute.name.namespace_uri.is_none() && *attribute.name.local_name == *name
        };
        self.element.attributes.iter().find(plain).map(|attribute| &*attribute.value)
    }

    pub fn attribute_of(&self, namespace: &str, name: &str) -> Option<&'d str> {
        self.element.get_attribute_ns(namespace, name)
    }

    /// Whether it has no attribute but these.
    pub fn has_only(&self, names: &[&str]) -> bool {
        let mut all = self.element.attributes.iter();
        all.all(|attribute| {
            attribute.name.namespace_uri.is_none() && names.contains(&&*attribute.name.local_name)
        })
    }

    pub fn parent(&self) -> Option<Self> {
        self.document.parent(self.id).and_then(|id| Self::new(self.document, id))
    }

    pub fn elements(&self) -> impl Iterator<Item = Self> {
        let document = self.document;
        document.children_iter(self.id).filter_map(move |id| Self::new(document, id))
    }

    /// The children of this name.
    pub fn all(&self, namespace: &str, name: &str) -> Vec<Self> {
        self.elements().filter(|child| child.is(namespace, name)).collect()
    }

    /// The one child of this name; two are a mistake.
    pub fn child(&self, namespace: &str, name: &str) -> Result<Option<Self>, Refusal> {
        let mut all = self.all(namespace, name);
        match (all.pop(), all.pop()) {
            (found, None) => Ok(found),
            _ => Err(Refusal::Malformed),
        }
    }

    pub fn needs(&self, namespace: &str, name: &str) -> Result<Self, Refusal> {
        self.child(namespace, name)?.ok_or(Refusal::Malformed)
    }

    /// All of its text, without white space around it. Elements in it are not text.
    pub fn text(&self) -> Result<String, Refusal> {
        if self.elements().next().is_some() {
            return Err(Refusal::Markup);
        }
        let text = self.document.text_content_deep(self.id);
        // What XML calls white space and no more: other blanks are part of a name.
        Ok(text.trim_matches([' ', '\t', '\r', '\n']).to_owned())
    }

    /// The namespaces that are declared here and around it: the nearest of each prefix.
    pub fn namespaces(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let mut next = Some(*self);
        while let Some(node) = next {
            for (prefix, uri) in &node.element.namespace_declarations {
                if !found.iter().any(|(known, _)| known == prefix) {
                    found.push((prefix.to_string(), uri.to_string()));
                }
            }
            next = node.parent();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::saml::metadata::{MetadataError, read};
    use crate::authn::saml::show::shown;

    /// All three that read what somebody else has written.
    #[track_caller]
    fn nobody_reads(text: &str) {
        assert_eq!(Xml::read(text).err(), Some(Refusal::Malformed));
        // As it came, and not made readable.
        assert!(text.starts_with(shown(text).trim_end_matches('…')));
        assert!(matches!(read(text.as_bytes()), Err(MetadataError::Malformed(_))));
    }

    #[test]
    fn a_long_namespace_is_refused_before_each_element_gets_a_copy_of_it() {
        let children = "<b/>".repeat(32_000);
        let long = "n".repeat(128 * 1024);
        for declared in ["xmlns", "xmlns:p", "xmlns \t\n", "xmlns:p\r\n"] {
            for equals in ["=", " = "] {
                for quote in ['"', '\''] {
                    let a = format!("<a {declared}{equals}{quote}{long}{quote}>{children}</a>");
                    nobody_reads(&a);
                }
            }
        }
        let referred = "&#x6e;".repeat(50);
        nobody_reads(&format!("<a xmlns=\"{referred}\">{children}</a>"));
        nobody_reads(&format!("<a xmlns:{long}=\"n\"/>"));
        nobody_reads(&format!("<a>{children}<b xmlns='{long}'/></a>"));
    }

    #[test]
    fn namespaces_as_they_are_and_words_about_them_are_read() {
        let usual = "n".repeat(NAMESPACE);
        for text in [
            format!("<a xmlns=\"{usual}\" xmlns:p = '{PROTOCOL}'><p:b/></a>"),
            "<a>xmlns is declared by xmlns= or xmlns:p</a>".to_owned(),
            format!("<a b=\"xmlns\" c=\"{}\"/>", "x".repeat(5000)),
        ] {
            assert!(Xml::read(&text).is_ok(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_its_bounds_are_found(text in "(xmlns|[:=\"' <>a-zé]){0,400}") {
            let _ = bounded(&text);
        }
    }
}
