//! What an export is.

use serde::{Deserialize, Serialize};

use super::ExportFormat;
use crate::audit::event::Resource;
use crate::audit::query::{self, Condition, Query, QueryError};
use crate::audit::{Event, catalogue};
use crate::kernel::Timestamp;
use crate::kernel::id::{ExportId, LogId};

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExportRequest {
    pub format: ExportFormat,
    /// A search as in the explorer; empty for everything.
    pub q: String,
    /// Inclusive.
    pub from: Option<Timestamp>,
    /// Exclusive.
    pub to: Option<Timestamp>,
    /// A log from before a restore, which the one in use follows; the one in use when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportState {
    /// For its turn.
    Waiting,
    Writing,
    /// To be fetched.
    Ready,
    /// Or thrown away after it was ready.
    Cancelled,
    Failed,
    /// The server stopped while it was written.
    Interrupted,
    /// Its time to be fetched has passed.
    Expired,
}

impl ExportState {
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Writing,
        Self::Ready,
        Self::Cancelled,
        Self::Failed,
        Self::Interrupted,
        Self::Expired,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Writing => "writing",
            Self::Ready => "ready",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Expired => "expired",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it will become something else by itself, soon.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Writing)
    }
}

const UNSEARCHED: &str = "a log from before a restore has no search index: leave the search empty, and narrow it with from and to";

/// A large export.
#[derive(Clone, Debug)]
pub struct Export {
    pub id: ExportId,
    pub request: ExportRequest,
    pub state: ExportState,
    /// Who asked, as the log names them: type and id.
    pub requester: (String, String),
    pub created: Timestamp,
    pub finished: Option<Timestamp>,
    pub expires: Option<Timestamp>,
    /// Entries written so far.
    pub done: u64,
    /// Entries that it will have; not known before the search is done.
    pub total: Option<u64>,
    /// Length of the file.
    pub bytes: u64,
    /// Why it failed.
    pub problem: Option<String>,
}

impl ExportRequest {
    /// `now` is what relative times in it count from.
    pub fn query(&self, now: Timestamp) -> Result<Query, QueryError> {
        let query = query::parse(&self.q, now)?;
        if self.log.is_some() && query.root.is_some() {
            return Err(QueryError { at: 0, message: UNSEARCHED.to_owned() });
        }
        Ok(match (self.from, self.to) {
            (None, None) => query,
            (from, to) => query.and(Condition::Time { from, to }),
        })
    }

    /// An entry about this request.
    pub(super) fn event(&self, action: catalogue::Action, resource: Resource) -> Event {
        let mut event = Event::new(action);
        event.resource = Some(resource);
        let fields = &mut event.custom_fields;
        fields.insert("format".into(), self.format.name().into());
        if let Some(log) = self.log {
            fields.insert("log".into(), log.to_string().into());
        }
        if !self.q.is_empty() {
            fields.insert("q".into(), self.q.as_str().into());
        }
        for (name, time) in [("from", self.from), ("to", self.to)] {
            if let Some(time) = time {
                fields.insert(name.into(), time.to_string().into());
            }
        }
        event
    }
}

pub(super) fn resource(id: ExportId) -> Resource {
    Resource::new("audit_export", id.to_string())
}
