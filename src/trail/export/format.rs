//! What an export can be written as: lines of text, or a bundle that proves itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::audit::export::Format;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    Jsonl,
    Csv,
    Cef,
    Ocsf,
    /// Entries with what opens and proves them (`docs/audit-format.md`).
    Bundle,
}

impl ExportFormat {
    pub const ALL: [Self; 5] = [Self::Jsonl, Self::Csv, Self::Cef, Self::Ocsf, Self::Bundle];

    /// The format of its lines; none when it has no lines.
    pub const fn lines(self) -> Option<Format> {
        match self {
            Self::Jsonl => Some(Format::Jsonl),
            Self::Csv => Some(Format::Csv),
            Self::Cef => Some(Format::Cef),
            Self::Ocsf => Some(Format::Ocsf),
            Self::Bundle => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self.lines() {
            Some(format) => format.name(),
            None => "bundle",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self.lines() {
            Some(format) => format.content_type(),
            None => "application/x-tar",
        }
    }

    /// What a file's name ends with.
    pub const fn extension(self) -> &'static str {
        match self.lines() {
            Some(format) => format.extension(),
            None => "srbundle",
        }
    }
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such format: use jsonl, csv, cef, ocsf or bundle")]
pub struct UnknownFormat;

impl FromStr for ExportFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}
