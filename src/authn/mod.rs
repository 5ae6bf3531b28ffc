//! Proving who somebody is. Reads credential tables only, and yields a
//! [`Principal`](crate::authz::Principal).

mod admission;
mod agent;
mod api_key;
pub mod device;
mod hasher;
mod person;
mod policy;
mod rights;
mod session;
mod setup_link;
mod sign_in;
mod standing;

pub use admission::{Admission, Client, Factor, Factors, Proof, Spend, Wanted, admit};
pub use agent::Agent;
pub use api_key::{ApiKeys, flush_use};
pub use hasher::Hasher;
pub use person::{Needs, Person, tables};
pub use policy::{SETTING as SIGN_IN_SETTING, SignInPolicy};
pub use rights::rights;
pub use session::{
    Authenticated, SessionPolicy, SignedIn, end_all, end_session, holder, session, session_holder,
};
pub use setup_link::{
    LinkFor, consume as consume_link, create as create_link, look as look_at_link,
};
pub use sign_in::{Credentials, sign_in, sign_in_platform};
pub use standing::{renew, renew_with_session};

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
            Self::Suspended => ErrorKind::Denied,
            Self::SetupLink => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::WrongPassword => "wrong-password",
            Self::Suspended => "tenant-suspended",
            Self::SetupLink => "setup-link",
            Self::Door(error) => error.code(),
        }
    }
}
