//! Exports: any search result, whole, in one of the formats of [`crate::audit::export`].
//!
//! What is small is written while one waits (`reading`); what is large becomes a file first
//! (`task`), which can be fetched for a day (`download`). The entry that records an export is
//! durable before its first byte leaves.

mod cancel;
mod discard;
mod download;
#[cfg(test)]
mod download_tests;
mod error;
mod format;
mod list;
mod model;
mod plan;
mod reading;
mod repo;
mod running;
mod start;
mod sweep;
mod task;
mod writer;

pub use cancel::cancel;
pub use discard::discard_all;
pub use download::{Download, download};
pub use error::ExportError;
pub use format::ExportFormat;
pub use list::{find, list};
pub use model::{Export, ExportRequest, ExportState};
pub use reading::{Reading, export, export_small};
pub use running::Exports;
pub use start::{start, start_approved};
pub use sweep::{Swept, sweep};

use crate::authz::Permission;
use crate::authz::permission::{AuditExport, PlatformAuditExport};

/// A permission to export the log of a realm.
pub trait Exporting: Permission {}

impl Exporting for AuditExport {}
impl Exporting for PlatformAuditExport {}
