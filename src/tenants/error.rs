//! Why a door did not open, or what went wrong behind it.

use std::sync::Arc;

use super::ReadOnly;
use crate::authz::Denied;
use crate::crypto::CryptoError;
use crate::kernel::{ErrorKind, Fault};
use crate::store::StoreError;

#[derive(Clone, Debug, thiserror::Error)]
pub enum DoorError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("this idempotency key was used for another request: use a new key for a new request")]
    IdempotencyMismatch,
    #[error("this idempotency key is too long: 1 to 128 characters")]
    IdempotencyKey,
    #[error("this tenant is being restored from a backup: try again in a few seconds")]
    Restoring,
    #[error("{0}")]
    ReadOnly(Arc<ReadOnly>),
    #[error("in recovery mode no key is destroyed: no backup target would learn of it")]
    Recovery,
    /// A change without its audit entry: a defect, stopped before it was written.
    #[error("a change without an audit entry was stopped")]
    Unaudited,
}

impl From<CryptoError> for DoorError {
    fn from(error: CryptoError) -> Self {
        Self::Store(error.into())
    }
}

impl Fault for DoorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Denied(denied) => denied.kind(),
            Self::IdempotencyMismatch | Self::IdempotencyKey => ErrorKind::Invalid,
            Self::Restoring | Self::ReadOnly(_) | Self::Recovery => ErrorKind::Unavailable,
            Self::Unaudited => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(StoreError::Full) => "disk-full",
            Self::Store(StoreError::QueueFull) => "busy",
            Self::Store(StoreError::ClockJump) => "clock-jump",
            Self::Store(StoreError::LedgerNotCopied(_)) => "ledger-not-copied",
            Self::Store(StoreError::OutcomeUnknown) => "outcome-unknown",
            Self::Store(error) if error.kind() == ErrorKind::Unavailable => "unavailable",
            Self::Store(error) if error.kind() == ErrorKind::Conflict => "conflict",
            Self::Store(_) | Self::Unaudited => "internal",
            Self::Restoring => "restoring",
            Self::ReadOnly(_) => "read-only",
            Self::Recovery => "recovery-mode",
            Self::Denied(denied) => denied.code(),
            Self::IdempotencyMismatch => "idempotency-key-reused",
            Self::IdempotencyKey => "idempotency-key-invalid",
        }
    }
}

/// Gives a domain's error the ways in that a closure behind a door needs. The error has a variant
/// `Door(DoorError)`.
#[macro_export]
macro_rules! behind_doors {
    ($error:ty) => {
        impl From<$crate::tenants::DoorError> for $error {
            fn from(error: $crate::tenants::DoorError) -> Self {
                Self::Door(error)
            }
        }

        impl From<$crate::store::StoreError> for $error {
            fn from(error: $crate::store::StoreError) -> Self {
                Self::Door(error.into())
            }
        }

        impl From<$crate::crypto::CryptoError> for $error {
            fn from(error: $crate::crypto::CryptoError) -> Self {
                Self::Door(error.into())
            }
        }
    };
}
