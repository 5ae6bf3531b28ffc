//! How people of a tenant have to sign in.

use askama::Template;

use super::{Chrome, Field};

/// `GET|POST /t/{slug}/admin/sign-in`; the form sends every field, boxes only when they are ticked.
#[derive(Template)]
#[template(path = "sign_in_settings.html")]
pub struct SignInSettingsPage {
    pub chrome: Chrome,
    pub form: SignInForm,
    pub may_change: bool,
    /// Active members without a second factor.
    pub without_second: u64,
    /// The installation's own times, for fields that are empty.
    pub idle_minutes: u64,
    pub absolute_hours: u64,
    /// Why the change was refused as a whole.
    pub problem: Option<String>,
}

pub struct SignInForm {
    pub second_factor_for_all: bool,
    pub idle_minutes: Field,
    pub absolute_hours: Field,
    pub access_token_minutes: Field,
    pub magic_links: bool,
    pub passkeys_alone: bool,
    pub registration: bool,
    /// One a line.
    pub registration_domains: Field,
    pub four_eyes: bool,
}
