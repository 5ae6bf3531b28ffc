//! The documentation: contents, one page, a search.

use askama::Template;

use super::Chrome;
use crate::web::docs::{Found, GROUPS, Group, Part, Rendered, library};

/// Headings that a page's own list names: its parts and theirs.
const LISTED: std::ops::RangeInclusive<u8> = 2..=3;

/// `GET /docs`
#[derive(Template)]
#[template(path = "docs/contents.html")]
pub struct DocsContents {
    pub chrome: Chrome,
    pub groups: &'static [Group],
}

/// `GET /docs/{page}` and `/docs/runbooks/{page}`
#[derive(Template)]
#[template(path = "docs/page.html")]
pub struct DocsPage {
    pub chrome: Chrome,
    pub page: &'static Rendered,
    /// As in `/docs/{path}`.
    pub path: String,
}

/// `GET /docs/search`
#[derive(Template)]
#[template(path = "docs/search.html")]
pub struct DocsSearch {
    pub chrome: Chrome,
    pub q: String,
    pub found: Vec<Found>,
}

impl DocsContents {
    pub fn new(chrome: Chrome) -> Self {
        Self { chrome, groups: GROUPS }
    }

    fn title(path: &str) -> &'static str {
        library().page(path).map(|page| page.title.as_str()).unwrap_or_default()
    }
}

impl DocsPage {
    /// Headings below the title.
    fn parts(&self) -> Vec<&'static Part> {
        self.page.parts.iter().filter(|part| LISTED.contains(&part.level)).collect()
    }

    /// Pages for the same purpose.
    fn group(&self) -> Option<&'static Group> {
        GROUPS.iter().find(|group| group.pages.contains(&self.path.as_str()))
    }

    fn is_here(&self, path: &str) -> bool {
        self.path == path
    }

    fn title(path: &str) -> &'static str {
        DocsContents::title(path)
    }
}
