//! Passkeys and security keys (WebAuthn level 3). A browser is asked something and answers it: a
//! *ceremony*, kept here between its two requests. What a passkey proves goes the way of every
//! other factor, through [`admit`](super::admit).

mod ceremony;
mod own;
mod proof;
mod register;
mod relying_party;
mod sign_in;
mod stored;

pub use ceremony::{Asked, Binding};
pub use own::{OwnPasskey, own_passkeys, remove, rename};
pub use proof::{Shown, ask_person, check_person};
pub use register::{Kept, NewPasskey, ask_to_register, register};
pub use relying_party::{Place, RelyingParty};
pub use sign_in::{Attempt, ask_anybody, ask_second, second_factor, sign_in, turn_away};

use serde::Deserialize;
use webauthn_rs::prelude::WebauthnError;

use super::AuthnError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    #[error(
        "passkeys need a name instead of an IP address: set server.external_url to the https:// \
         address that people open"
    )]
    NoName,
    /// One answer for whatever is wrong with what a browser answered; the log has the reason.
    #[error("this passkey was not accepted, or it took longer than five minutes: try again")]
    Refused(Reason),
    #[error("there is no such passkey")]
    NotFound,
    #[error("a passkey needs a name of at most {} characters", limits::PASSKEY_NAME_CHARS)]
    Name,
    #[error("nobody can have more than {} passkeys: remove one first", limits::PASSKEYS)]
    TooMany,
    #[error(
        "this is your only second factor and you must have one: set up another before you remove it"
    )]
    Obligatory,
    #[error(transparent)]
    Authn(AuthnError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(PasskeyError);

impl From<AuthnError> for PasskeyError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            other => Self::Authn(other),
        }
    }
}

impl Fault for PasskeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoName | Self::Name | Self::TooMany => ErrorKind::Invalid,
            Self::Refused(_) => ErrorKind::Unauthenticated,
            Self::NotFound => ErrorKind::NotFound,
            Self::Obligatory => ErrorKind::Conflict,
            Self::Authn(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoName => "passkeys-need-a-name",
            Self::Refused(_) => "passkey-refused",
            Self::NotFound => "not-found",
            Self::Name => "passkey-name",
            Self::TooMany => "too-many-passkeys",
            Self::Obligatory => "second-factor-obligatory",
            Self::Authn(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }
}

/// Why an answer was refused: for the log, never for who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Never asked, asked too long ago, answered before, or asked of another browser.
    Ceremony,
    /// Not what a browser would send.
    Malformed,
    /// No passkey of this realm, or another person's.
    Unknown,
    Challenge,
    Origin,
    Signature,
    /// Neither PIN nor fingerprint, where one is wanted.
    NotVerified,
    /// The passkey's counter went back: somebody may have a copy of it.
    Counter,
    /// The person is disabled, or their password was changed meanwhile.
    Stale,
    Other,
}

impl Reason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ceremony => "not-asked",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown-passkey",
            Self::Challenge => "wrong-challenge",
            Self::Origin => "wrong-origin",
            Self::Signature => "wrong-signature",
            Self::NotVerified => "user-not-verified",
            Self::Counter => "signature-counter",
            Self::Stale => "account-changed",
            Self::Other => "not-accepted",
        }
    }
}

impl From<WebauthnError> for Reason {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::MismatchedChallenge => Self::Challenge,
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => Self::Origin,
            WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => {
                Self::Signature
            }
            WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialPossibleCompromise => Self::Counter,
            WebauthnError::CredentialNotFound => Self::Unknown,
            _ => Self::Other,
        }
    }
}

impl From<WebauthnError> for PasskeyError {
    fn from(error: WebauthnError) -> Self {
        Self::Refused(error.into())
    }
}

/// The fields of a form with which a page's script sends what the browser answered.
#[derive(Deserialize)]
pub struct Answer {
    /// As [`Asked::json`] gave it.
    pub ceremony: String,
    /// JSON, as the standard's `toJSON()` makes it.
    pub answer: String,
}

impl Answer {
    /// Both in one field, as JSON, for forms that have one for whatever is shown.
    pub fn from_field(text: &str) -> Option<Self> {
        if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
    }
}

fn parse<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, PasskeyError> {
    serde_json::from_str(answer).map_err(|_| PasskeyError::Refused(Reason::Malformed))
}
