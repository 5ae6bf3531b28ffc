//! Why a tenant is not closed, or not taken back.

use crate::audit::note::NoteError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::{DoorError, TenantError};

#[derive(Debug, thiserror::Error)]
pub enum ClosingError {
    #[error("to close a tenant, type its short name exactly as it is")]
    Confirmation,
    #[error("say in 1 to {} bytes why the tenant is closed", limits::LINE_BYTES)]
    Reason,
    #[error("this tenant is closed already")]
    Closed,
    #[error("this tenant is not closed")]
    NotClosed,
    #[error("there is no such closing")]
    NotFound,
    #[error("the tenant's data cannot be exported: {0}")]
    Export(String),
    #[error("the certificate cannot be signed: {0}")]
    Note(#[from] NoteError),
    #[error(transparent)]
    Tenant(TenantError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ClosingError);

impl From<TenantError> for ClosingError {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Door(error) => Self::Door(error),
            error => Self::Tenant(error),
        }
    }
}

impl Fault for ClosingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Confirmation | Self::Reason => ErrorKind::Invalid,
            Self::Closed | Self::NotClosed => ErrorKind::Conflict,
            Self::NotFound => ErrorKind::NotFound,
            Self::Note(_) | Self::Export(_) => ErrorKind::Internal,
            Self::Tenant(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation-wrong",
            Self::Reason => "reason-invalid",
            Self::Closed => "tenant-closed",
            Self::NotClosed => "tenant-not-closed",
            Self::NotFound => "closing-not-found",
            Self::Note(_) | Self::Export(_) => "internal",
            Self::Tenant(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Confirmation => Some("confirm"),
            Self::Reason => Some("reason"),
            Self::Tenant(error) => error.field(),
            _ => None,
        }
    }
}
