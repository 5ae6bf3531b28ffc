//! Whose the files are: the service's user, as which this continues where root began.

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt, fchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::config::RootKeyConfig;

/// The user whom packages make.
const USER: &str = "strongroom";

pub struct Service {
    pub uid: u32,
    pub gid: u32,
    is_root: bool,
    /// The user whom the package made, where it did and root runs this.
    packaged: Option<u32>,
}

impl Service {
    /// The owner of the data directory, if it is there; else the package's user, if root runs this;
    /// else whoever does.
    pub fn of(data_dir: &Path) -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let is_root = uid == 0;
        let there = std::fs::metadata(data_dir).ok().map(|about| (about.uid(), about.gid()));
        let packaged = if is_root { package_user() } else { None };
        let (uid, gid) = there.or(packaged).unwrap_or((uid, gid));
        Self { uid, gid, is_root, packaged: packaged.map(|(uid, _)| uid) }
    }

    /// Whether somebody else than the packaged service would be given the root key and the
    /// configuration, because the data directory is theirs.
    pub fn is_stranger(&self) -> bool {
        self.packaged.is_some_and(|uid| uid != self.uid)
    }

    /// Whether this can do something as the user.
    pub fn may_become(&self, uid: u32) -> bool {
        self.is_root || uid == rustix::process::geteuid().as_raw()
    }

    pub fn may_write(&self, about: &Metadata) -> bool {
        let mode = about.mode();
        (about.uid() == self.uid && mode & 0o200 != 0)
            || (about.gid() == self.gid && mode & 0o020 != 0)
            || mode & 0o002 != 0
    }

    /// Makes what was just made the service's own: what was opened, whatever its name leads to by
    /// now.
    pub fn give(&self, file: &File, path: &Path) -> anyhow::Result<()> {
        let given =
            if self.is_root { fchown(file, Some(self.uid), Some(self.gid)) } else { Ok(()) };
        given.with_context(|| format!("{} cannot be given to the service", path.display()))
    }

    /// Lets the service read a file that stays root's.
    pub fn show(&self, file: &File, path: &Path) -> anyhow::Result<()> {
        let given = if self.is_root { fchown(file, None, Some(self.gid)) } else { Ok(()) };
        given.with_context(|| format!("{} cannot be shown to the service", path.display()))
    }

    /// Runs a verb of this binary as the service's user, with the configuration alone; answers with
    /// its JSON. A root key that systemd would hand over goes with it in the environment, which the
    /// user alone can read.
    pub fn run(&self, config: &Path, key: &RootKeyConfig, args: &[&str]) -> anyhow::Result<Value> {
        let binary = std::env::current_exe().context("this program cannot find itself")?;
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STRONGROOM_") {
                command.env_remove(name);
            }
        }
        command.env_remove("CREDENTIALS_DIRECTORY");
        if let RootKeyConfig::Inline(key) = key {
            let hex = data_encoding::HEXLOWER.encode(key.expose_secret());
            command.env("STRONGROOM_MASTER_KEY", hex);
        }
        if self.is_root && self.uid != 0 {
            command.uid(self.uid).gid(self.gid);
        }
        command.args(["--config".as_ref(), config.as_os_str(), "--json".as_ref()]).args(args);
        // A passphrase is asked for on the terminal, past these.
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
        let output = output.with_context(|| format!("strongroom {} cannot be run", args[0]))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let error = said.lines().last().and_then(|line| {
                Some(serde_json::from_str::<Value>(line).ok()?["error"].as_str()?.to_owned())
            });
            bail!("strongroom {}: {}", args.join(" "), error.unwrap_or_else(|| said.into_owned()));
        }
        serde_json::from_slice(&output.stdout).context("strongroom did not answer itself")
    }
}

fn package_user() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut fields = users.lines().map(|line| line.split(':'));
    let mut of = fields.find(|fields| fields.clone().next() == Some(USER))?.skip(2);
    Some((of.next()?.parse().ok()?, of.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_somebody_else_is_no_service_where_the_package_made_one() {
        let service = |uid, packaged| Service { uid, gid: 1, is_root: true, packaged };
        assert!(service(0, Some(990)).is_stranger(), "root's own: the service cannot open it");
        assert!(service(1000, Some(990)).is_stranger());
        assert!(!service(990, Some(990)).is_stranger());
        assert!(!service(1000, None).is_stranger(), "no package, or not root");
    }
}
