//! A failure on its way out: kind, stable code, what to tell the caller.

use std::borrow::Cow;

use crate::authz::Denied;
use crate::kernel::{ErrorKind, Fault};

#[derive(Debug)]
pub struct Failure {
    pub kind: ErrorKind,
    /// Stable, part of the outside contract.
    pub code: Cow<'static, str>,
    pub detail: String,
    /// Where in the input it is.
    pub field: Option<String>,
    /// Seconds.
    pub retry_after: Option<u64>,
}

impl Failure {
    pub fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        let retry_after = (kind == ErrorKind::Unavailable).then_some(match code {
            "read-only" | "recovery-mode" => 60,
            _ => 1,
        });
        Self { kind, code: code.into(), detail: detail.into(), field: None, retry_after }
    }

    /// HTTP status (RFC 9110; 423 from RFC 4918).
    pub fn status(&self) -> u16 {
        match (self.kind, self.code.as_ref()) {
            (_, "malformed") => 400,
            (_, "method-not-allowed") => 405,
            (_, "entry-removed") => 410,
            (ErrorKind::Invalid, _) => 422,
            (ErrorKind::TooLarge, _) => 413,
            (ErrorKind::Conflict, _) => 409,
            (ErrorKind::NotFound, _) => 404,
            (ErrorKind::Denied, _) => 403,
            (ErrorKind::Unauthenticated, _) => 401,
            (ErrorKind::Throttled, _) => 429,
            (ErrorKind::Frozen, _) => 423,
            (ErrorKind::Unavailable, _) => 503,
            (ErrorKind::Internal, _) => 500,
        }
    }

    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "not-found", "there is nothing at this address")
    }
}

impl<E: Fault> From<E> for Failure {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let detail = match kind {
            ErrorKind::Internal => {
                tracing::error!(error = %error, "a request failed");
                "something went wrong inside; the server's log says what, by this request id".into()
            }
            ErrorKind::Unavailable => {
                tracing::warn!(error = %error, "a request was put off");
                error.to_string()
            }
            _ => error.to_string(),
        };
        let field = error.field().map(str::to_owned);
        let failure = Self::new(kind, error.code(), detail);
        let retry_after = error.retry_after().or(failure.retry_after);
        Self { field, retry_after, ..failure }
    }
}

impl Fault for Denied {
    fn kind(&self) -> ErrorKind {
        Self::kind(*self)
    }

    fn code(&self) -> &'static str {
        Self::code(*self)
    }
}
