//! Why there is no export.

use super::format::UnknownFormat;
use crate::approvals::ApprovalError;
use crate::audit::bundle::BundleError;
use crate::audit::index::IndexError;
use crate::audit::query::QueryError;
use crate::authn::AuthnError;
use crate::authz::Denied;
use crate::kernel::{ErrorKind, Fault, limits};
use crate::tenants::DoorError;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("in the search {0}")]
    Query(#[from] QueryError),
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    #[error(
        "more than {most} entries: ask for an export of them (POST …/exports) and fetch it when it is ready",
        most = limits::EXPORT_AT_ONCE
    )]
    TooMany,
    #[error(
        "{most} exports of this log are being written: wait for one, or cancel one",
        most = limits::EXPORTS_ACTIVE
    )]
    Busy,
    #[error("the search index has not caught up with the log: try again shortly")]
    Behind,
    #[error(
        "this search takes too long: narrow it by time, or add an action, an actor or another field"
    )]
    TooBroad,
    #[error("there is no such export")]
    NotFound,
    #[error(
        "this log follows no log with that id that is still kept: audit verify names those that it follows"
    )]
    NoLog,
    #[error("this export is {0}: there is nothing to fetch")]
    NotReady(&'static str),
    #[error("this export cannot be cancelled: it is {0}")]
    Over(&'static str),
    #[error("cancelled")]
    Cancelled,
    /// Whoever asked would not be let in any more.
    #[error("whoever asked for this export may no longer export the log")]
    Withdrawn,
    #[error("it took longer than {} hours", limits::DOWNLOAD_TIME.as_secs() / 3600)]
    TooSlow,
    #[error("entries were removed from the log while it was exported: ask again")]
    Cut,
    #[error("the export's file is not whole: ask for it again")]
    Damaged,
    #[error(transparent)]
    Bundle(BundleError),
    #[error(transparent)]
    Approval(Box<ApprovalError>),
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(ExportError);

impl From<ApprovalError> for ExportError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Door(error) => Self::Door(error),
            error => Self::Approval(Box::new(error)),
        }
    }
}

impl From<IndexError> for ExportError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Store(error) => Self::Door(error.into()),
            IndexError::TooBroad => Self::TooBroad,
        }
    }
}

impl From<BundleError> for ExportError {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Store(error) => Self::Door(error.into()),
            BundleError::Gone(_) => Self::Cut,
            other => Self::Bundle(other),
        }
    }
}

impl From<Denied> for ExportError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing(_) => Self::Withdrawn,
            other => Self::Door(other.into()),
        }
    }
}

impl From<AuthnError> for ExportError {
    fn from(error: AuthnError) -> Self {
        match error {
            AuthnError::Door(error) => Self::Door(error),
            _ => Self::Withdrawn,
        }
    }
}

impl Fault for ExportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(_) | Self::Format(_) | Self::TooBroad => ErrorKind::Invalid,
            Self::TooMany
            | Self::Busy
            | Self::NotReady(_)
            | Self::Over(_)
            | Self::Cancelled
            | Self::Cut
            | Self::Damaged => ErrorKind::Conflict,
            Self::NotFound | Self::NoLog => ErrorKind::NotFound,
            Self::Withdrawn => ErrorKind::Denied,
            Self::Behind | Self::TooSlow => ErrorKind::Unavailable,
            Self::Bundle(_) => ErrorKind::Internal,
            Self::Approval(error) => error.kind(),
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Query(_) => "query-invalid",
            Self::Format(_) => "format-invalid",
            Self::TooMany => "export-too-large",
            Self::Busy => "exports-busy",
            Self::Behind => "index-behind",
            Self::TooBroad => "search-too-broad",
            Self::NotFound => "export-not-found",
            Self::NoLog => "log-not-found",
            Self::NotReady(_) => "export-not-ready",
            Self::Over(_) => "export-over",
            Self::Cancelled => "export-cancelled",
            Self::Withdrawn => "forbidden",
            Self::TooSlow => "export-too-slow",
            Self::Cut => "export-cut",
            Self::Damaged => "export-damaged",
            Self::Bundle(_) => "internal",
            Self::Approval(error) => error.code(),
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Query(_) => Some("q"),
            Self::Format(_) => Some("format"),
            Self::NoLog => Some("log"),
            _ => None,
        }
    }
}
