//! Which release this is.

use askama::Template;

use super::Chrome;

/// `GET /platform/about`
#[derive(Template)]
#[template(path = "platform/about.html")]
pub struct AboutPage {
    pub chrome: Chrome,
    pub version: &'static str,
    pub build: &'static str,
    pub libraries: Vec<Library>,
}

pub struct Library {
    pub name: &'static str,
    pub version: &'static str,
    /// An SPDX expression.
    pub licence: &'static str,
}

impl AboutPage {
    pub fn count(&self) -> String {
        let args = [("count", (self.libraries.len() as u64).into())];
        self.chrome.messages.with("about-libraries-count", &args).into_owned()
    }
}
