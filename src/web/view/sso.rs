//! On the way to an identity provider and back.

use askama::Template;

use super::Chrome;

/// Sends a form to a provider by itself; without script, by a button.
#[derive(Template)]
#[template(path = "sso/send.html")]
pub struct SendAwayPage {
    pub chrome: Chrome,
    pub url: String,
    pub fields: Vec<(String, String)>,
}

/// Whether somebody wants to sign in, whom another site has sent.
#[derive(Template)]
#[template(path = "sso/ask.html")]
pub struct AskPage {
    pub chrome: Chrome,
    /// The provider's.
    pub name: String,
    /// This page's own address: from here it leads on.
    pub url: String,
}

/// On the way to a provider to sign out there too.
#[derive(Template)]
#[template(path = "sso/leave.html")]
pub struct LeavePage {
    pub chrome: Chrome,
    pub url: String,
}

/// A sign-in at a provider came to nothing.
#[derive(Template)]
#[template(path = "sso/refused.html")]
pub struct SsoRefusedPage {
    pub chrome: Chrome,
    /// What can be done, in words.
    pub text: &'static str,
    /// The request's id.
    pub reference: String,
    pub back: String,
}
