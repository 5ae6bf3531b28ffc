//! Refusals, each with its place and its cure.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Env(String),
    /// What systemd handed over.
    Credential(PathBuf),
    File {
        path: PathBuf,
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Credential(path) => write!(f, "systemd credential {}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// Why the settings are refused. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}:{line}: not valid TOML: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("{origin}: unknown {what} `{name}`{}", hint(.near))]
    Unknown { origin: Origin, what: &'static str, name: String, near: Option<String> },
    #[error("{origin}: {key}: expected {expected}, found {found}")]
    Type { origin: Origin, key: String, expected: String, found: String },
    #[error("{origin}: {key}: {reason}")]
    Value { origin: Origin, key: String, reason: String },
    #[error("{what} is given twice, by {first} and by {second}: keep one of them")]
    Twice { what: &'static str, first: Origin, second: Origin },
    #[error(
        "{} holds a secret and others may read it (mode {mode:04o}): run `chmod 600 {}`",
        path.display(), path.display()
    )]
    Readable { path: PathBuf, mode: u32 },
    #[error("root key file {}: {reason}", path.display())]
    KeyFile { path: PathBuf, reason: String },
    #[error(
        "{} opens the data and lies in {} beside it: whoever takes that directory has both. Move it to \
         another disk or make it a systemd credential (see strongroom.toml(5))",
        path.display(), directory.display()
    )]
    Beside { path: PathBuf, directory: PathBuf },
    #[error(
        "root_key.passphrase_from is `terminal` and there is none ({0}): start it in one, or give \
         `fd:NUMBER` or a file instead"
    )]
    NoTerminal(io::Error),
    #[error("passphrase of the root key: {0}")]
    Passphrase(String),
    /// Two settings that do not go together.
    #[error("{0}")]
    Together(&'static str),
}

fn hint(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}
