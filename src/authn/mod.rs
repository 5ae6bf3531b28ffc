//! Proving who somebody is. Reads credential tables only, and yields a
//! [`Principal`](crate::authz::Principal).

mod admission;
mod api_key;
mod hasher;
mod person;
mod policy;
mod rights;
mod session;
mod setup_link;
mod sign_in;
mod standing;
pub mod token;

pub use admission::{Admission, Client, Factor, Factors, Proof, Spend, Wanted, admit};
pub use api_key::{ApiKeys, flush_use};
pub use hasher::Hasher;
pub use person::{Needs, Person};
pub use policy::{SETTING as SIGN_IN_SETTING, SignInPolicy};
pub use rights::{SCOPED, key_rights, rights};
pub use session::{
    Authenticated, SessionPolicy, SignedIn, end_all, end_session, session, session_holder,
};
pub use setup_link::{
    LinkFor, consume as consume_link, create as create_link, look as look_at_link,
};
pub use sign_in::{Credentials, sign_in, sign_in_platform};
pub use standing::renew;

use crate::authz::Principal;
use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum AuthnError {
    /// One answer for every credential that opens nothing.
    #[error(
        "no valid credential: send an API key or an access token as \"Authorization: Bearer …\""
    )]
    Unauthenticated,
    /// One answer for a wrong password and an unknown account.
    #[error("e-mail address or password is wrong")]
    WrongPassword,
    #[error("this tenant is suspended; ask the platform's administrator")]
    Suspended,
    #[error(
        "this link has been used or is older than 30 minutes; make a new one with: strongroom admin setup-link"
    )]
    SetupLink,
    /// A key from where it may not be used: told as if there were no such key.
    #[error("{}", Self::Unauthenticated)]
    WrongNetwork(Box<Principal>),
    #[error("this refresh token is not valid, or not any more: sign in again")]
    RefreshToken,
    #[error("this refresh token was used before, so its session was ended: sign in again")]
    RefreshTokenReused,
    #[error("no key is there to sign access tokens with: try again shortly")]
    NoTokenKey,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AuthnError);

impl Fault for AuthnError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthenticated
            | Self::WrongNetwork(_)
            | Self::WrongPassword
            | Self::RefreshToken
            | Self::RefreshTokenReused => ErrorKind::Unauthenticated,
            Self::NoTokenKey => ErrorKind::Unavailable,
            Self::Suspended => ErrorKind::Denied,
            Self::SetupLink => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated | Self::WrongNetwork(_) => "unauthenticated",
            Self::WrongPassword => "wrong-password",
            Self::Suspended => "tenant-suspended",
            Self::SetupLink => "setup-link",
            Self::RefreshToken => "refresh-token-invalid",
            Self::RefreshTokenReused => "refresh-token-reused",
            Self::NoTokenKey => "unavailable",
            Self::Door(error) => error.code(),
        }
    }
}
