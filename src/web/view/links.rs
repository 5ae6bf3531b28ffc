//! Pages around links that come by mail or are handed over, for people who are not signed in.

use askama::Template;

use super::{Chrome, Field};
use crate::web::pages::AskKind;

/// Asking for a link: sends `email`.
#[derive(Template)]
#[template(path = "public/link_ask.html")]
pub struct AskPage {
    pub chrome: Chrome,
    pub kind: AskKind,
    /// Where the form goes: the page's own path.
    pub action: String,
    pub email: Field,
    /// The sign-in page.
    pub back: String,
}

/// Something is said, and there is one way on from here.
#[derive(Template)]
#[template(path = "public/said.html")]
pub struct SaidPage {
    pub chrome: Chrome,
    /// Messages.
    pub title: &'static str,
    pub text: &'static str,
    pub way: Way,
}

/// Where one can go from a page.
pub struct Way {
    pub href: String,
    /// A message.
    pub words: &'static str,
}

/// A link was opened; the button uses it.
#[derive(Template)]
#[template(path = "public/link_open.html")]
pub struct OpenLinkPage {
    pub chrome: Chrome,
    /// Messages.
    pub title: &'static str,
    pub text: &'static str,
    pub submit: &'static str,
    /// What the link is about, an address for instance.
    pub about: Option<String>,
    pub action: String,
}

/// Becoming a member behind a link: sends `name` (if it is asked for), `password`,
/// `password_again`.
#[derive(Template)]
#[template(path = "public/join.html")]
pub struct JoinPage {
    pub chrome: Chrome,
    /// The tenant's name.
    pub place: String,
    pub email: String,
    /// The code of the role, for somebody who was invited.
    pub role: Option<String>,
    pub action: String,
    pub name: Field,
    pub password: Field,
    pub password_again: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}

/// Registering: sends `name`, `email`.
#[derive(Template)]
#[template(path = "public/register.html")]
pub struct RegisterPage {
    pub chrome: Chrome,
    pub slug: String,
    pub action: String,
    pub name: Field,
    pub email: Field,
    pub back: String,
}

/// Changing one's own e-mail address: sends `email`, `current`.
#[derive(Template)]
#[template(path = "account_email.html")]
pub struct EmailPage {
    pub chrome: Chrome,
    /// Without mail there is no way to confirm another address, so no form.
    pub mails: bool,
    pub now: String,
    pub email: Field,
    pub current: Field,
}
