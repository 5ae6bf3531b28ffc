//! Why settings are not changed.

use std::ops::RangeInclusive;

use super::Lack;
use crate::approvals::ApprovalError;
use crate::authn::AuthnError;
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
    #[error("turn an identity provider on first, and sign in by it")]
    NoProvider,
    #[error("nobody has signed in by an identity provider yet: sign in by one first")]
    NobodySignedIn,
    #[error(
        "you have not signed in by an identity provider yet, and would be out at once: sign in by one first"
    )]
    NotByProvider,
    #[error("{}", emergency(*.0))]
    Emergency(Option<Lack>),
    #[error("only somebody with a shell on the machine does this without a second person")]
    NotTheOperator,
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SettingsError);

fn emergency(lacks: Option<Lack>) -> &'static str {
    match lacks {
        None => "name the emergency account: an owner who gets in when there is no provider",
        Some(Lack::Owner) => "the emergency account has to be an active owner of this tenant",
        Some(Lack::Password) => {
            "the emergency account needs a password of its own: its owner has to choose one first"
        }
        Some(Lack::SecondFactor) => {
            "the emergency account needs an authenticator app or a passkey of its own: its owner has to set one up first"
        }
    }
}

impl From<AuthnError> for SettingsError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            _ => Self::Emergency(Some(Lack::Owner)),
        }
    }
}

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
            Self::Range { .. }
            | Self::Domain(_)
            | Self::NoDomains
            | Self::TooManyDomains
            | Self::Emergency(_) => ErrorKind::Invalid,
            Self::NoProvider | Self::NobodySignedIn | Self::NotByProvider => ErrorKind::Conflict,
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
            Self::NoProvider => "sso-no-provider",
            Self::NobodySignedIn => "sso-nobody-signed-in",
            Self::NotByProvider => "sso-not-signed-in",
            Self::Emergency(_) => "emergency-account-unfit",
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
            Self::Emergency(_) => Some("breakGlass"),
            _ => None,
        }
    }
}
