//! Why something about identity providers is not done.

use super::keys::SsoKeyError;
use crate::approvals::ApprovalError;
use crate::authn::AuthnError;
use crate::authn::saml::KeyError;
use crate::authn::saml::metadata::MetadataError;
use crate::authn::sso::Refusal;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::outgoing::FetchError;
use crate::roles::RoleError;
use crate::tenants::DoorError;
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    #[error("there is no such identity provider")]
    NotFound,
    #[error("the member is nobody at this provider")]
    NotLinked,
    #[error("there is no such report: the last {} of a provider are kept", limits::SSO_REPORTS)]
    NoReport,
    #[error("{0}")]
    Refused(Refusal),
    /// A member of the settings, and what it has to be.
    #[error("{field} {problem}")]
    Setting { field: &'static str, problem: String },
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("the metadata was not fetched: {0}")]
    Fetch(#[from] FetchError),
    #[error("{} identity providers are there already: remove one first", limits::PROVIDERS)]
    TooMany,
    #[error("another identity provider of this tenant calls itself that already")]
    IssuerTaken,
    #[error("another identity provider has the domain {0} already")]
    DomainTaken(String),
    #[error(
        "people sign in by identity providers alone, and no other is on: allow other ways first"
    )]
    LastProvider,
    /// Whoever decides who anybody is could be an owner.
    #[error("only somebody with all of an owner's rights may set up who signs people in")]
    NotAnOwner,
    #[error(transparent)]
    Role(RoleError),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    User(Box<UserError>),
    /// This service's own keys.
    #[error(transparent)]
    Key(SsoKeyError),
    #[error(transparent)]
    Authn(AuthnError),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SsoError);

impl SsoError {
    pub(super) fn setting(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Setting { field, problem: problem.into() }
    }
}

impl From<SsoKeyError> for SsoError {
    fn from(error: SsoKeyError) -> Self {
        match error {
            SsoKeyError::Door(error) => Self::Door(error),
            error => Self::Key(error),
        }
    }
}

impl From<KeyError> for SsoError {
    fn from(error: KeyError) -> Self {
        SsoKeyError::from(error).into()
    }
}

impl From<Refusal> for SsoError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AuthnError> for SsoError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            error => Self::Authn(error),
        }
    }
}

impl From<RoleError> for SsoError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::Door(error) => Self::Door(error),
            error => Self::Role(error),
        }
    }
}

impl From<ApprovalError> for SsoError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<UserError> for SsoError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Door(error) => Self::Door(error),
            error => Self::User(Box::new(error)),
        }
    }
}

impl Fault for SsoError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound | Self::NoReport | Self::NotLinked => ErrorKind::NotFound,
            Self::Refused(_) => ErrorKind::Unauthenticated,
            Self::Setting { .. } | Self::Fetch(_) => ErrorKind::Invalid,
            Self::Metadata(error) => error.kind(),
            Self::TooMany | Self::IssuerTaken | Self::DomainTaken(_) | Self::LastProvider => {
                ErrorKind::Conflict
            }
            Self::NotAnOwner => ErrorKind::Denied,
            Self::Role(error) => error.kind(),
            Self::Approval(error) => error.kind(),
            Self::User(error) => error.kind(),
            Self::Key(error) => error.kind(),
            Self::Authn(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "provider-not-found",
            Self::NoReport => "report-not-found",
            Self::NotLinked => "link-not-found",
            Self::Refused(refusal) => refusal.code(),
            Self::Setting { .. } => "provider-invalid",
            Self::Metadata(error) => error.code(),
            Self::Fetch(_) => "metadata-not-fetched",
            Self::TooMany => "providers-too-many",
            Self::IssuerTaken => "issuer-taken",
            Self::DomainTaken(_) => "domain-taken",
            Self::LastProvider => "last-provider",
            Self::NotAnOwner => "forbidden",
            Self::Role(error) => error.code(),
            Self::Approval(error) => error.code(),
            Self::User(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Authn(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Setting { field, .. } => Some(field),
            Self::DomainTaken(_) => Some("domains"),
            Self::IssuerTaken => Some("protocol"),
            Self::Metadata(_) | Self::Fetch(_) => Some("metadata"),
            Self::Role(_) => Some("provisioning.rules"),
            _ => None,
        }
    }
}
