//! Verbs that work on the data directory itself.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context as _, bail};

/// Whether this user is the one whose installation lies there: by `root.json`, which the service
/// made. A directory that is not initialised is nobody's.
///
/// # Errors
/// When it is not, with the cure.
pub fn made_this(directory: &Path) -> anyhow::Result<()> {
    let root = directory.join("root.json");
    match std::fs::metadata(&root) {
        Ok(about) if about.uid() == rustix::process::geteuid().as_raw() => Ok(()),
        Ok(about) => bail!("{}", belongs(&root, about.uid(), "")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            is_own(directory, "")?;
            bail!("{} cannot be read: {error}", root.display())
        }
        Err(_) => Ok(()),
    }
}

fn belongs(path: &Path, owner: u32, verb: &str) -> String {
    let path = path.display();
    format!("{path} belongs to user {owner}; run it as that user: sudo -u '#{owner}' strongroom {verb} …")
        .replace("  ", " ")
}

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
    bail!("{}", belongs(directory, owner, verb))
}
