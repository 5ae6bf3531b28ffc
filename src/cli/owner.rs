//! Verbs that work on the data directory itself.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context as _, bail};

/// As somebody else such a verb would leave files that the service cannot open; as root it would
/// follow what the service's user has put there.
///
/// # Errors
/// When the directory is not there, or not this user's; with the cure.
pub fn is_own(directory: &Path, verb: &str) -> anyhow::Result<()> {
    let about = std::fs::metadata(directory);
    let owner = about.with_context(|| format!("{} cannot be read", directory.display()))?.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    bail!(
        "{} belongs to user {owner}; run it as that user: sudo -u '#{owner}' strongroom {verb} …",
        directory.display()
    )
}
