//! Pages before sign-in.

use askama::Template;

use super::passkeys::PasskeyPlace;
use super::public_sso::ProviderDoor;
use super::{Chrome, Field};
use crate::authn::Way;

/// `GET /`: which organisation? The form sends `slug` by POST to `/`.
#[derive(Template)]
#[template(path = "public/landing.html")]
pub struct LandingPage {
    pub chrome: Chrome,
    /// There is no administrator yet: the page says how to get the set-up link instead.
    pub needs_setup: bool,
    pub slug: Field,
}

/// `GET|POST /t/{slug}/login` and `/platform/login`; the form sends `email` and `password`.
#[derive(Template)]
#[template(path = "public/sign_in.html")]
pub struct SignInPage {
    pub chrome: Chrome,
    /// Where the form goes: the page's own path.
    pub action: String,
    pub place: SignInPlace,
    pub email: Field,
    /// Whether there is a button for passkeys; it sends `ceremony` and `answer` to `…/passkey`.
    pub passkeys: PasskeyPlace,
    pub problem: Option<SignInProblem>,
    /// Other ways in that would work here.
    pub ways: Way,
    /// Ways in by an identity provider.
    pub door: ProviderDoor,
    /// `/platform` or `/t/{slug}`.
    pub base: String,
}

/// What somebody signs in to. An organisation is shown by the slug in the path alone: whether it
/// exists must not show.
pub enum SignInPlace {
    Tenant { slug: String },
    Platform,
}

/// Why a sign-in was refused; wrong e-mail and wrong password read the same.
pub enum SignInProblem {
    WrongCredentials,
    PasskeyRefused,
    /// A password is wanted beside it; said only after a right passkey.
    PasskeyNotAlone,
    /// Too many attempts from this address.
    Throttled {
        /// Seconds.
        retry_after: u64,
    },
    /// The organisation is suspended or closed; said only after the right password.
    Unavailable,
}

/// `GET /security`.
#[derive(Template)]
#[template(path = "public/security.html")]
pub struct SecurityPage {
    pub chrome: Chrome,
    /// Where to report.
    pub contact: Option<String>,
    /// The operator's own page; ours says what to expect where there is none.
    pub policy: Option<String>,
}
