//! Backups, continuous archiving and restores.
//!
//! What leaves this machine is encrypted to `age` recipients whose private keys are not on it, and
//! described by a manifest that the installation signs. A target is a directory, an S3-compatible
//! store or an SFTP server, all behind one trait ([`object_store::ObjectStore`]); `layout` says
//! what lies where in it. Archives of keys are apart from archives of data and are kept for a week
//! at the most, so that a key that was destroyed is soon gone from everywhere.

pub mod catalogue;
pub mod changes;
mod error;
mod fetch;
mod files;
mod keep;
pub mod keys;
pub mod late;
mod layout;
pub mod ledger;
pub(crate) mod manifest;
pub mod metrics;
mod overdue;
mod pack;
pub mod place;
mod places;
mod prune;
pub mod replicate;
mod repo;
pub mod restore;
mod run;
mod seal;
mod target;
#[cfg(test)]
mod tests;
mod tidy;
mod verify;

pub use error::{BackupError, Damage};
pub use fetch::{
    fetch, manifest as signed_manifest, not_it as damaged, read_through, realm, scan, scan_all,
};
pub use layout::{Kind, Layout};
pub use manifest::{Manifest, ManifestError};
pub use metrics::DURATION;
pub use places::{Places, targets};
pub use prune::{Pruned, prune};
pub use run::{GoOn, Made, Run};
pub use seal::{Identities, Recipients, SealError};
pub use target::{Target, TargetError, Targets};
pub use verify::{Check, Checked, What, verify};
