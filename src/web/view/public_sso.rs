//! Single sign-on on the pages before sign-in.

use askama::Template;

use super::{Chrome, Field};

/// The ways in by an identity provider that a sign-in page offers.
#[derive(Default)]
pub struct ProviderDoor {
    pub providers: Vec<ProviderButton>,
    /// Nothing else lets anybody in but the emergency account.
    pub only: bool,
    /// The emergency account's form was asked for.
    pub emergency: bool,
    /// Which provider answers for an address, where there are several: sends `email`.
    pub find: Option<Field>,
}

impl ProviderDoor {
    /// Whether there is a form for passwords.
    pub fn shows_form(&self) -> bool {
        !self.only || self.emergency
    }
}

pub struct ProviderButton {
    pub name: String,
    /// Starts a sign-in there.
    pub href: String,
}

/// Goes on to a provider, by itself or by the link: a form's answer may not lead to another site.
#[derive(Template)]
#[template(path = "public/to_provider.html")]
pub struct ToProviderPage {
    pub chrome: Chrome,
    pub provider: ProviderButton,
    /// The sign-in page.
    pub back: String,
}
