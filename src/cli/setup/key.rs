//! Makes the root key, where there is none yet.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::answers::RootKey;
use super::service::Service;
use crate::config::{ROOT_KEY_CREDENTIAL, RootKeyConfig, SecretKey32};
use crate::kernel::Runtime;

const CREDENTIALS: &str = "/etc/credstore.encrypted";

/// A root key that is there now.
pub struct Made {
    /// What verbs need that systemd does not hand it over to.
    pub config: RootKeyConfig,
    /// What the person has to know about it.
    pub note: String,
}

/// `show` is told of a new key before anything is made of it, so that nobody has a root key that
/// nobody saw.
pub fn make(
    source: &RootKey,
    service: &Service,
    runtime: &Runtime,
    show: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<Made> {
    match source {
        RootKey::Passphrase { .. } => Ok(Made {
            config: RootKeyConfig::None,
            note: "The root key is made of the passphrase: without it nothing can be read again."
                .into(),
        }),
        RootKey::File { file } if file.exists() => {
            Ok(Made { config: RootKeyConfig::None, note: copy_it(file) })
        }
        RootKey::File { file } => {
            let hex = Zeroizing::new(HEXLOWER.encode(&runtime.bytes::<32>()));
            show(&hex)?;
            write_new(file, &hex, service)
                .with_context(|| format!("{} cannot be made", file.display()))?;
            Ok(Made { config: RootKeyConfig::None, note: copy_it(file) })
        }
        RootKey::Credential => credential(runtime, show),
    }
}

fn copy_it(file: &Path) -> String {
    format!(
        "The root key is in {}: keep a copy of it away from this machine and from its backups.",
        file.display()
    )
}

fn write_new(path: &Path, hex: &str, service: &Service) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    service.give(&file, path)?;
    writeln!(file, "{hex}")?;
    Ok(file.sync_all()?)
}

fn credential_path() -> PathBuf {
    Path::new(CREDENTIALS).join(ROOT_KEY_CREDENTIAL)
}

/// Whether systemd has one to hand over.
pub fn has_credential() -> bool {
    credential_path().exists()
}

fn credential(
    runtime: &Runtime,
    show: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<Made> {
    let path = credential_path();
    let name = format!("--name={ROOT_KEY_CREDENTIAL}");
    let note = format!(
        "The root key is the credential {}, which opens on this machine alone: keep the key itself \
         on paper, away from this machine and from its backups.",
        path.display()
    );
    if path.exists() {
        let hex = creds(&["decrypt", &name, &path.to_string_lossy(), "-"], None)?;
        let hex = std::str::from_utf8(&hex).context("the credential holds no text")?;
        let key = SecretKey32::from_text(hex).map_err(anyhow::Error::msg)?;
        return Ok(Made { config: RootKeyConfig::Inline(key), note });
    }
    let hex = Zeroizing::new(HEXLOWER.encode(&runtime.bytes::<32>()));
    let key = SecretKey32::from_text(&hex).map_err(anyhow::Error::msg)?;
    let made = std::fs::DirBuilder::new().mode(0o700).recursive(true).create(CREDENTIALS);
    made.with_context(|| format!("{CREDENTIALS} cannot be made: run this as root"))?;
    show(&hex)?;
    creds(&["encrypt", &name, "-", &path.to_string_lossy()], Some(&hex))
        .context("the root key was not kept, and counts for nothing if it was shown")?;
    Ok(Made { config: RootKeyConfig::Inline(key), note })
}

/// The key goes through pipes: in an argument, every process could read it.
fn creds(args: &[&str], given: Option<&str>) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut command = Command::new("systemd-creds");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let cure = "systemd-creds cannot be run: choose another source of the root key";
    let mut child = command.spawn().context(cure)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(given.unwrap_or_default().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("systemd-creds: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(Zeroizing::new(output.stdout))
}
