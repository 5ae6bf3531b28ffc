//! Refusals, each with its place and its cure.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag(&'static str),
    Env(String),
    /// What systemd handed over.
    Credential(PathBuf),
    File {
        path: PathBuf,
        line: usize,
    },
}

impl Origin {
    /// What kind of place it is, without its name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "flag",
            Self::Env(_) => "environment",
            Self::Credential(_) => "credential",
            Self::File { .. } => "file",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
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
    #[error("{origin}: not valid TOML: {message}")]
    Syntax { origin: Origin, message: String },
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
    /// Settings that do not go together.
    #[error("{}{reason}", all(.places))]
    Together { places: Vec<Origin>, reason: &'static str },
}

impl ConfigError {
    /// Where the first of what is wrong stands, when it is a source of settings.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Unknown { origin, .. }
            | Self::Type { origin, .. }
            | Self::Value { origin, .. }
            | Self::Syntax { origin, .. } => Some(origin),
            Self::Twice { second, .. } => Some(second),
            Self::Together { places, .. } => places.first(),
            _ => None,
        }
    }
}

fn hint(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn all(places: &[Origin]) -> String {
    let places: Vec<_> = places.iter().map(ToString::to_string).collect();
    if places.is_empty() { String::new() } else { format!("{}: ", places.join(" and ")) }
}
