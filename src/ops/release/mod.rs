//! A release in one file, for a machine without network: `strongroom-VERSION.upgrade`.
//!
//! It is a tar (POSIX.1-1988, regular files only) that begins with `release.note`, a C2SP signed
//! note that names every file after it with its length and SHA-256, in their order:
//!
//! ```text
//! strongroom-release/v1
//! version 0.2.0
//! build 3c9f2ab81d04
//! schemas 29 26 2
//! file 6e34…a1 14680064 strongroom_0.2.0-1_amd64.deb
//!
//! — strongroom-release Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurm…
//! ```
//!
//! Reading believes nothing before the note's signature, and nothing in the tar but what the note
//! says. Nothing is unpacked: an archive that was found good unpacks with `tar` into just the files
//! that were named, because there is nothing else in it.

mod manifest;
mod pack;
pub mod ssh;
#[cfg(test)]
mod tests;
mod verify;

pub use manifest::{Manifest, Member};
pub use pack::pack;
pub use verify::verify;

use crate::audit::note::NoteError;

/// The first file.
const NOTE: &str = "release.note";
/// What the note's text begins with.
const FORMAT: &str = "strongroom-release/v1";
/// Bytes of the note.
const NOTE_BYTES: u64 = 64 * 1024;
/// Files beside the note.
const MEMBERS: usize = 32;
/// Bytes of one file.
const MEMBER_BYTES: u64 = 1024 * 1024 * 1024;
/// Bytes of zeros that may follow the last file: tar ends with two blocks, some fill up ten KiB.
const PADDING_BYTES: usize = 64 * 1024;

/// The key that releases of this build's maker are signed with; empty when the build was given
/// none.
pub const KEY: &str = include_str!("../../../packaging/release.pub");

#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("this is no release of Strongroom: {0}")]
    Malformed(&'static str),
    #[error("the release is not to be trusted: {0}")]
    Note(#[from] NoteError),
    #[error("{0} in the release is not what was signed: it is damaged or was exchanged")]
    Changed(String),
    #[error("the release ends too early: it was not copied whole")]
    Short,
    #[error("the release has {0}, which its signature does not name")]
    Unnamed(String),
    #[error("a file of a release has a name of letters, digits and . _ + ~ -: {0} is another")]
    Name(String),
    #[error("it cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
}
