//! The first-run wizard behind the one-time link.

use askama::Template;

use super::{Chrome, Field};

/// The form, by POST to `/setup`. Sends `token`, `admin_name`, `admin_email`, `admin_password`, `admin_password_again`,
/// `tenant_name`, `tenant_slug`, `owner_name`, `owner_email`, `owner_password`.
#[derive(Template)]
#[template(path = "setup/form.html")]
pub struct SetupPage {
    pub chrome: Chrome,
    /// The link's one-time token.
    pub token: String,
    pub admin_name: Field,
    pub admin_email: Field,
    pub admin_password: Field,
    pub admin_password_again: Field,
    pub tenant_name: Field,
    pub tenant_slug: Field,
    pub owner_name: Field,
    pub owner_email: Field,
    pub owner_password: Field,
    /// Fewest characters of a password.
    pub password_min: u64,
}

impl SetupPage {
    /// An empty form.
    pub fn new(chrome: Chrome, token: String, password_min: u64) -> Self {
        Self {
            chrome,
            token,
            admin_name: Field::default(),
            admin_email: Field::default(),
            admin_password: Field::default(),
            admin_password_again: Field::default(),
            tenant_name: Field::default(),
            tenant_slug: Field::default(),
            owner_name: Field::default(),
            owner_email: Field::default(),
            owner_password: Field::default(),
            password_min,
        }
    }

    pub fn errors(&self) -> u64 {
        let fields = [
            &self.admin_name,
            &self.admin_email,
            &self.admin_password,
            &self.admin_password_again,
            &self.tenant_name,
            &self.tenant_slug,
            &self.owner_name,
            &self.owner_email,
            &self.owner_password,
        ];
        fields.iter().filter(|field| field.error.is_some()).count() as u64
    }
}

/// The link cannot be used.
#[derive(Template)]
#[template(path = "setup/link.html")]
pub struct SetupLinkPage {
    pub chrome: Chrome,
    pub problem: SetupLinkProblem,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetupLinkProblem {
    /// Past its time, or never a link of this installation.
    Expired,
    /// Set-up was done already.
    Used,
    /// A link for choosing a password, used or past its time.
    Password,
}

impl SetupLinkProblem {
    const SETUP_LINK: &str = "strongroom admin setup-link";
    const CREATE: &str = "strongroom admin create you@example.org";
    const RESET: &str = "strongroom admin reset you@example.org";

    pub const fn title(&self) -> &'static str {
        match self {
            Self::Expired | Self::Password => "setup-link-expired-title",
            Self::Used => "setup-link-used-title",
        }
    }

    pub const fn text(&self) -> &'static str {
        match self {
            Self::Expired => "setup-link-expired-text",
            Self::Used => "setup-link-used-text",
            Self::Password => "choose-password-over-text",
        }
    }

    /// What helps, typed on the machine.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Expired => Self::SETUP_LINK,
            Self::Used => Self::CREATE,
            Self::Password => Self::RESET,
        }
    }
}

/// Set-up is complete.
#[derive(Template)]
#[template(path = "setup/done.html")]
pub struct SetupDonePage {
    pub chrome: Chrome,
    pub tenant_name: String,
    pub tenant_slug: String,
    pub owner_email: String,
    /// The root key file beside the data, when the appliance made one: it should move elsewhere.
    pub root_key_file: Option<String>,
}
