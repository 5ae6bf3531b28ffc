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
mod step_up;

pub use admission::{Admission, Client, Factor, Factors, Proof, Spend, Wanted, admit};
pub use api_key::{ApiKeys, flush_use};
pub use hasher::Hasher;
pub use person::{Needs, Person};
pub use policy::{SETTING as SIGN_IN_SETTING, SignInPolicy};
pub use rights::rights;
pub use session::{
    Authenticated, SessionPolicy, SignedIn, end_all, end_session, session, session_holder,
};
pub use setup_link::{
    LinkFor, consume as consume_link, create as create_link, look as look_at_link,
};
pub use sign_in::{Credentials, sign_in, sign_in_platform};
pub use standing::renew;
pub use step_up::{Again, Asked, step_up, step_up_asks};

use crate::kernel::{ErrorKind, Fault};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum AuthnError {
    /// One answer for every credential that opens nothing.
    #[error("no valid credential: send an API key as \"Authorization: Bearer sr_…\"")]
    Unauthenticated,
    /// One answer for a wrong password and an unknown account.
    #[error("e-mail address or password is wrong")]
    WrongPassword,
    #[error("this does not confirm that it is you: try again")]
    NotConfirmed,
    #[error("only a person who is signed in can confirm that it is them; a key has no need to")]
    NoPerson,
    #[error("this tenant is suspended; ask the platform's administrator")]
    Suspended,
    #[error(
        "this link has been used or is older than 30 minutes; make a new one with: strongroom admin setup-link"
    )]
    SetupLink,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(AuthnError);

impl Fault for AuthnError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthenticated | Self::WrongPassword => ErrorKind::Unauthenticated,
            Self::NotConfirmed | Self::NoPerson => ErrorKind::Invalid,
            Self::Suspended => ErrorKind::Denied,
            Self::SetupLink => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::WrongPassword => "wrong-password",
            Self::NotConfirmed => "not-confirmed",
            Self::NoPerson => "not-a-person",
            Self::Suspended => "tenant-suspended",
            Self::SetupLink => "setup-link",
            Self::Door(error) => error.code(),
        }
    }
}
