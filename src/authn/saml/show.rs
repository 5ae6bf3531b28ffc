//! A message as an administrator may see it: readable, and without what is long or secret.

use bergshamra::xml::uppsala::{Document, NodeId, NodeKind, Parser, XmlWriteOptions};

use super::xml::bounded;

/// More is not read by anybody, and traces are kept.
const CHARACTERS: usize = 48 * 1024;
/// Of values that only machines read.
const SHOWN: usize = 12;
const LONG: [&str; 4] = ["SignatureValue", "CipherValue", "X509Certificate", "Modulus"];

/// Without document types: those are refused before anything is read, and shown as they came. So is
/// what would become too large.
pub(super) fn shown(text: &str) -> String {
    let parser = Parser::new().with_max_depth(64).with_forbid_dtd(true).with_forbid_entities(true);
    let parsed = bounded(text).ok().and_then(|()| parser.parse(text).ok());
    let readable = parsed.map(|document| {
        let mut document = document.into_static();
        shorten(&mut document);
        document.to_xml_with_options(&XmlWriteOptions::pretty("  "))
    });
    let text = readable.unwrap_or_else(|| text.to_owned());
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn shorten(document: &mut Document<'static>) {
    let long = |document: &Document<'static>, id: NodeId| {
        document.element(id).is_some_and(|element| LONG.contains(&&*element.name.local_name))
    };
    let all = document.descendants(document.root());
    for id in all.into_iter().filter(|id| long(document, *id)).collect::<Vec<_>>() {
        for child in document.children(id) {
            if let Some(NodeKind::Text(text)) = document.node_kind_mut(child) {
                let start: String = text.trim().chars().take(SHOWN).collect();
                *text = format!("{start}…").into();
            }
        }
    }
}
