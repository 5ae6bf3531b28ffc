//! When something has happened: everything that opens an account, a tenant or the installation is
//! taken away at one stroke.

mod access;
mod repo;
mod revoke;

pub use access::{Access, Counted, Revoked};
pub use revoke::{
    count, count_installation, count_tenant, revoke, revoke_installation, revoke_tenant,
};

use crate::kernel::limits::LINE_BYTES;
use crate::kernel::{ErrorKind, Fault};
use crate::sessions::SessionError;
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum IncidentError {
    #[error("there is nobody with this e-mail address or id")]
    Nobody,
    #[error("there is no such tenant")]
    NoTenant,
    #[error("nothing was taken away: this is not the name that was to be repeated")]
    Confirmation,
    #[error("a reason has at most {LINE_BYTES} bytes on one line")]
    Reason,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(IncidentError);

impl From<SessionError> for IncidentError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Door(error) => Self::Door(error),
            _ => Self::Nobody,
        }
    }
}

impl Fault for IncidentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Nobody | Self::NoTenant => ErrorKind::NotFound,
            Self::Confirmation | Self::Reason => ErrorKind::Invalid,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Nobody => "member-not-found",
            Self::NoTenant => "not-found",
            Self::Confirmation => "not-confirmed",
            Self::Reason => "reason-invalid",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Confirmation => Some("confirm"),
            Self::Reason => Some("reason"),
            _ => None,
        }
    }
}
