//! Why settings are not changed.

use std::ops::RangeInclusive;

use crate::approvals::ApprovalError;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{what} is a number from {} to {}", range.start(), range.end())]
    Range { field: &'static str, what: &'static str, range: RangeInclusive<u32> },
    #[error("\"{0}\" is not the domain of an e-mail address, such as example.org")]
    Domain(String),
    #[error("name the domains whose people may register, or turn registration off")]
    NoDomains,
    #[error("at most {} domains", limits::REGISTRATION_DOMAINS)]
    TooManyDomains,
    #[error("only somebody with a shell on the machine does this without a second person")]
    NotTheOperator,
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SettingsError);

impl From<ApprovalError> for SettingsError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl Fault for SettingsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Range { .. } | Self::Domain(_) | Self::NoDomains | Self::TooManyDomains => {
                ErrorKind::Invalid
            }
            Self::NotTheOperator => ErrorKind::Denied,
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Range { .. } | Self::Domain(_) | Self::NoDomains | Self::TooManyDomains => {
                "setting-invalid"
            }
            Self::NotTheOperator => "forbidden",
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    /// The member, as the API names it.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Range { field, .. } => Some(field),
            Self::Domain(_) | Self::NoDomains | Self::TooManyDomains => Some("registrationDomains"),
            _ => None,
        }
    }
}
