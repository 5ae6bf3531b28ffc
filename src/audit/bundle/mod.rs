//! Signed bundles (`.srbundle`): entries that prove themselves on a machine that has nothing but
//! the verifier and the log's public key. `docs/audit-format.md`, "Bundle", is the contract.
//!
//! `archive` is the container, `record` what is in it, `span` how many entries are proven at once,
//! `manifest` what it says about itself; `write` makes bundles and `verify` checks them. Both go
//! through a bundle once, from front to back, with one part of it in memory.

mod archive;
mod manifest;
mod record;
mod span;
#[cfg(test)]
mod tests;
pub mod verify;
mod walk;
mod write;

pub use manifest::{Exporter, Manifest, Selection, TenantName};
pub use record::Secrets;
pub use verify::{Findings, Trusted, Witnessed, verify};
pub use write::{BundleWriter, Description, Earlier, Summary};

use crate::kernel::id::LogId;
use crate::store::StoreError;

/// Files of a bundle, in their order.
const CHECKPOINT: &str = "checkpoint";
const PUBLIC_KEY: &str = "public-key";
/// Present together, when growth from an earlier checkpoint is proven.
const EARLIER: &str = "earlier-checkpoint";
const CONSISTENCY: &str = "consistency";
const SUMS: &str = "SHA256SUMS";
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";

/// A part ends with the record that fills this many bytes.
const PART_BYTES: usize = 1 << 20;
/// Larger files are refused before they are read: a full part and one more record of the largest.
const PART_MOST: usize = 3 << 20;
/// A manifest holds one search; a consistency proof has 126 hashes at the most.
const SMALL_MOST: usize = 64 << 10;

/// First line of what is signed; a checkpoint's is an origin and its second line a number.
const SIGNED_AS: &str = "strongroom/audit-bundle/v1";

fn part_name(number: u64) -> String {
    format!("entries/{number:08}")
}

/// What the installation signs: the manifest by its hash.
fn signed_text(manifest: &[u8]) -> String {
    format!("{SIGNED_AS}\nsha256 {}\n", crate::audit::leaf::Hash::of(manifest))
}

/// A line of `SHA256SUMS`, as `sha256sum` writes and checks it.
fn sum_line(name: &str, content: &[u8]) -> String {
    format!("{}  {name}\n", crate::audit::leaf::Hash::of(content))
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the checkpoint is of another log than {0}")]
    OtherLog(LogId),
    #[error("there is no checkpoint over {0} entries in this log; see: GET …/checkpoints")]
    NoCheckpoint(u64),
    #[error("entry {seq} comes after the checkpoint's {size}: sign a newer checkpoint first")]
    Beyond { seq: u64, size: u64 },
    #[error("entry {0} is not in order: a bundle takes entries by rising numbers")]
    Order(u64),
    #[error("entry {0} is not there any more: it was removed while the bundle was made")]
    Gone(u64),
    #[error(transparent)]
    Proof(#[from] super::proof::ProofError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error(transparent)]
    Note(#[from] super::note::NoteError),
}
