//! What a saved search is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::query::QueryError;
use crate::kernel::id::SavedSearchId;
use crate::kernel::{ErrorKind, Fault, Timestamp, limits};
use crate::tenants::DoorError;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedSearch {
    pub id: SavedSearchId,
    pub name: String,
    /// As it was typed: times such as `-7d` count from whenever it is used.
    pub q: String,
    pub created_at: Timestamp,
}

/// A search to be saved.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSearch {
    /// 1 to 128 characters; no other search has it, in whatever case.
    pub name: String,
    pub q: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SavedSearchError {
    #[error(
        "a saved search needs a name of 1 to 128 characters, so that people know what it finds"
    )]
    Name,
    #[error("in the search {0}")]
    Query(#[from] QueryError),
    #[error("this search finds everything; write at least one term")]
    Nothing,
    #[error("there is a saved search of this name; delete it first, or take another name")]
    NameTaken,
    #[error("there are {} saved searches already; delete one first", limits::SAVED_SEARCHES)]
    TooMany,
    #[error("there is no such saved search")]
    NotFound,
    #[error(transparent)]
    Door(DoorError),
}

crate::behind_doors!(SavedSearchError);

impl Fault for SavedSearchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name | Self::Query(_) | Self::Nothing => ErrorKind::Invalid,
            Self::NameTaken | Self::TooMany => ErrorKind::Conflict,
            Self::NotFound => ErrorKind::NotFound,
            Self::Door(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name => "name-invalid",
            Self::Query(_) | Self::Nothing => "query-invalid",
            Self::NameTaken => "name-taken",
            Self::TooMany => "too-many-searches",
            Self::NotFound => "search-not-found",
            Self::Door(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Name | Self::NameTaken => Some("name"),
            Self::Query(_) | Self::Nothing => Some("q"),
            _ => None,
        }
    }
}
