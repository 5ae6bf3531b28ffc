//! Bringing data back from backups.
//!
//! A tenant is restored beside itself and put in its own place only when everything is checked
//! (`run`); the state before stays until somebody confirms, and can be put back (`undo`). After a
//! fire everything comes back into an empty directory (`fire`), and what was erased since is erased
//! again before anything serves. Restore tests (`rehearse`) do all but the last step, every week.

mod available;
mod error;
mod fire;
mod model;
mod order;
mod plan;
mod rehearse;
mod repo;
mod run;
mod spared;
mod status;
mod trial;
mod undo;

pub use available::{Available, available, windows};
pub use error::RestoreError;
pub use fire::{Rebuild, Rebuilt, RebuiltTenant, rebuild};
pub use model::{Moment, Plan, Restore, RestoreState, Wanted};
pub use plan::plan;
pub use rehearse::{Rehearsal, RestoreTest, Tested, Tried, rehearse, test, tests, trials};
pub(super) use repo::last_passed;
pub use run::{Told, run, start};
pub use spared::{Spared, forget, spared};
pub use status::{find, restores};
pub use undo::{confirm, settle_at_start, undo};

use std::path::Path;

use crate::backup::Manifest;

const MEBIBYTE: u64 = 1024 * 1024;

/// Whether there is room beside what is there: the file itself, a copy of its log, a margin.
fn room(data: &Path, manifest: &Manifest) -> Result<(), RestoreError> {
    let needed = manifest.plain_bytes.saturating_mul(2) / MEBIBYTE + 64;
    // A file system that does not tell is found out when it is full.
    let Ok(about) = rustix::fs::statvfs(data) else { return Ok(()) };
    let free = about.f_bavail.saturating_mul(about.f_frsize) / MEBIBYTE;
    if free < needed { Err(RestoreError::Room { needed, free }) } else { Ok(()) }
}
