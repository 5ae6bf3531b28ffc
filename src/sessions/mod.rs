//! Who is signed in, where: one's own sessions and devices, and those of others for who may see or
//! end them. The same for the members of a tenant and for the administrators of the platform.

mod devices;
mod end;
mod list;
mod model;
mod people;
mod repo;

pub use devices::{forget, own_devices};
pub use end::{end, end_everybody, end_of, end_others, end_own};
pub use list::{list, own};
pub use model::{Device, Holder, Session, SessionPage, Sessions, Whose};
pub(crate) use people::one as person;

use crate::authn::AuthnError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("there is no such session, or it has ended")]
    NotFound,
    #[error("this device is not known, or was forgotten")]
    NoDevice,
    #[error("there is nobody with this e-mail address or id")]
    Nobody,
    #[error("say whose sessions shall end: ?user= with an e-mail address or an id")]
    Whose,
    #[error("this page's cursor is not one that a list has given")]
    Cursor,
    #[error("a page has 1 to {} sessions", limits::PAGE_ITEMS)]
    Limit,
    #[error(transparent)]
    Authn(AuthnError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SessionError);

impl From<AuthnError> for SessionError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            error => Self::Authn(error),
        }
    }
}

impl Fault for SessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound | Self::NoDevice | Self::Nobody => ErrorKind::NotFound,
            Self::Whose | Self::Cursor | Self::Limit => ErrorKind::Invalid,
            Self::Authn(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::NoDevice => "not-found",
            Self::Nobody => "member-not-found",
            Self::Whose => "user-missing",
            Self::Cursor => "cursor-invalid",
            Self::Limit => "limit-invalid",
            Self::Authn(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }
}
