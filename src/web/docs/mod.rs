//! The pages of `docs/`, carried in the binary and read without a network: rendered once, at the
//! first look, with an index for the search.

mod groups;
mod links;
mod render;
mod search;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_embed::RustEmbed;

pub use groups::{GROUPS, Group};
pub use render::{Part, Rendered};
pub use search::{Found, Piece};

#[derive(RustEmbed)]
#[folder = "docs/"]
struct Files;

/// The list of all pages, for who reads them beside the source. Here [`GROUPS`] takes its place.
const CONTENTS: &str = "README";

/// All pages by path, as in `/docs/{path}`.
pub struct Library {
    pages: BTreeMap<String, Rendered>,
    index: search::Index,
}

pub fn library() -> &'static Library {
    static LIBRARY: LazyLock<Library> = LazyLock::new(Library::read);
    &LIBRARY
}

/// A picture of a page.
pub fn image(name: &str) -> Option<Cow<'static, [u8]>> {
    name.ends_with(".png").then(|| Files::get(&format!("images/{name}")))?.map(|file| file.data)
}

impl Library {
    fn read() -> Self {
        let mut pages = BTreeMap::new();
        for file in Files::iter() {
            let Some(path) = file.strip_suffix(".md").filter(|path| *path != CONTENTS) else {
                continue;
            };
            let bytes = Files::get(&file).map(|file| file.data).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            pages.insert(path.to_owned(), render::render(path, &text));
        }
        let index = search::Index::of(&pages);
        Self { pages, index }
    }

    pub fn page(&self, path: &str) -> Option<&Rendered> {
        self.pages.get(path)
    }

    /// The parts of pages that have these words, the best first.
    pub fn search(&self, words: &str) -> Vec<Found> {
        self.index.search(words)
    }
}
