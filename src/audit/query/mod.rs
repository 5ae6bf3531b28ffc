//! The language of searches: `action:conversation.* -actor:alice after:-7d "free text"`.
//! `docs/audit-search.md` describes it for its users. One parser serves console, API, command line
//! and saved searches; what a search finds is the index's business.

pub mod ast;
mod complete;
mod field;
mod grammar;
mod network;
mod scan;
mod term;
mod time;
mod write;

#[cfg(test)]
mod docs_tests;
#[cfg(test)]
mod tests;

pub use ast::{Condition, Expr, Field, Query};
pub use complete::{Candidate, Completion, Kind, complete};
pub use field::{FIELDS, FieldName};
pub use write::{quote, with_term};

use crate::kernel::{Timestamp, limits};

/// Why a text is no search.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct QueryError {
    /// Byte position in the query, from 0.
    pub at: usize,
    /// What was expected there.
    pub message: String,
}

impl QueryError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Reads a search; times such as `-7d` count from `now`.
///
/// # Errors
/// Where the text is not a search, or is longer than any that a person writes.
pub fn parse(text: &str, now: Timestamp) -> Result<Query, QueryError> {
    if text.len() > limits::QUERY_BYTES {
        let message = format!("a search has at most {} bytes", limits::QUERY_BYTES);
        return Err(QueryError::new(text.floor_char_boundary(limits::QUERY_BYTES), message));
    }
    Ok(Query { root: grammar::Parser::new(text, now).query()? })
}
