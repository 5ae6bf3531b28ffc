//! Entries in the formats that other systems take: a text of lines, one an entry.
//!
//! `docs/audit-export.md` is the contract: columns, keys and the table from actions to classes.

mod cef;
mod csv;
mod jsonl;
mod ocsf;
mod ocsf_class;
#[cfg(test)]
mod ocsf_tests;
mod severity;
#[cfg(test)]
mod tests;

use std::fmt;

use super::view::EntryView;
use crate::kernel::id::{LogId, TenantId};

pub use ocsf::VERSION as OCSF_VERSION;
pub use ocsf_class::{Class, Classified};
pub use severity::Severity;

/// What an export can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON Lines: the API's shape, one entry a line.
    Jsonl,
    /// RFC 4180, safe to open in a spreadsheet.
    Csv,
    /// ArcSight Common Event Format, version 0.
    Cef,
    /// Open Cybersecurity Schema Framework, as JSON Lines.
    Ocsf,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Csv, Self::Cef, Self::Ocsf];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Ocsf => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// What a file's name ends with.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cef => "cef",
            Self::Ocsf => "ocsf.jsonl",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which log the entries are from, and on which machine it is kept.
#[derive(Clone, Debug)]
pub struct Source {
    pub log: LogId,
    /// None for the platform's own log.
    pub tenant: Option<SourceTenant>,
    /// Of the machine that the appliance runs on.
    pub host: String,
    /// Of the product.
    pub version: &'static str,
}

#[derive(Clone, Debug)]
pub struct SourceTenant {
    pub id: TenantId,
    pub slug: String,
}

impl Source {
    pub fn new(log: LogId, tenant: Option<SourceTenant>) -> Self {
        let about = rustix::system::uname();
        let host = match about.nodename().to_str() {
            Ok("") | Err(_) => "localhost".to_owned(),
            Ok(name) => name.to_owned(),
        };
        Self { log, tenant, host, version: env!("CARGO_PKG_VERSION") }
    }

    /// `platform` for the platform's own log.
    fn tenant_name(&self) -> &str {
        self.tenant.as_ref().map_or("platform", |tenant| &tenant.slug)
    }
}

/// Writes entries one after another.
pub struct Encoder {
    format: Format,
    source: Source,
}

impl Encoder {
    pub fn new(format: Format, source: Source) -> Self {
        Self { format, source }
    }

    /// What stands before the first entry, if anything.
    pub fn begin(&self, out: &mut Vec<u8>) {
        if self.format == Format::Csv {
            csv::head(out);
        }
    }

    /// One entry: one line with its end.
    pub fn entry(&self, entry: &EntryView, out: &mut Vec<u8>) {
        match self.format {
            Format::Jsonl => jsonl::line(entry, out),
            Format::Csv => return csv::row(&self.source, entry, out),
            Format::Cef => out.extend_from_slice(cef::line(&self.source, entry).as_bytes()),
            Format::Ocsf => ocsf::line(&self.source, entry, out),
        }
        out.push(b'\n');
    }
}
