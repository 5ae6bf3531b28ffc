//! What all our messages have in common.

use data_encoding::HEXLOWER;

use crate::authn::saml::{KeyError, Sent};
use crate::kernel::Runtime;
use crate::sso::{SendAway, SsoError};

/// An xs:ID that nobody guesses.
pub(super) fn message_id(runtime: &Runtime) -> String {
    format!("_{}", HEXLOWER.encode(&runtime.bytes::<20>()))
}

pub(super) fn away(sent: Result<Sent, KeyError>) -> Result<SendAway, SsoError> {
    Ok(match sent? {
        Sent::Redirect(url) => SendAway::Redirect(url),
        Sent::Post { url, fields } => SendAway::Post { url, fields },
    })
}
