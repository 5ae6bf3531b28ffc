//! JSON Lines: what the API gives for an entry, one a line.

use crate::audit::view::EntryView;

pub fn line(entry: &EntryView, out: &mut Vec<u8>) {
    // JSON writes every line break inside a text as an escape.
    out.extend(serde_json::to_vec(entry).unwrap_or_default());
}
