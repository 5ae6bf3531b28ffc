//! Where the passphrase of the root key comes from; it is never a setting itself.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::secret::open_secret;
use super::value::{Fault, Raw, Value};

/// Longer than any passphrase.
const BYTES: u64 = 4096;

/// `terminal`, `fd:NUMBER` or a file.
#[derive(Clone)]
pub struct PassphraseFrom {
    place: Place,
    /// A person is asked once, and a pipe has its content once: all copies share what came.
    given: Arc<OnceLock<SecretString>>,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Terminal,
    Descriptor(u32),
    File(PathBuf),
}

impl PassphraseFrom {
    /// The passphrase. A new one (`confirm`) is asked for twice at a terminal.
    ///
    /// # Errors
    /// [`ConfigError`]: there is no terminal, a file that is missing or that others may read, no
    /// text, two that differ. It says how to give it otherwise.
    pub fn read(&self, confirm: bool) -> Result<SecretString, ConfigError> {
        if let Some(given) = self.given.get() {
            return Ok(given.clone());
        }
        let passphrase = match &self.place {
            Place::Terminal => ask(confirm)?,
            Place::Descriptor(number) => {
                let path = PathBuf::from(format!("/dev/fd/{number}"));
                let opened = File::open(&path);
                first_line(opened.map_err(|source| ConfigError::Read { path, source })?, self)?
            }
            Place::File(path) => first_line(open_secret(path)?, self)?,
        };
        Ok(self.given.get_or_init(|| passphrase).clone())
    }

    /// The file that it is read from, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            _ => None,
        }
    }
}

fn ask(confirm: bool) -> Result<SecretString, ConfigError> {
    let asked = |prompt: &str| {
        rpassword::prompt_password(prompt).map(SecretString::from).map_err(ConfigError::NoTerminal)
    };
    let passphrase = asked("Passphrase of the root key: ")?;
    if confirm {
        let again = asked("Once more: ")?;
        if passphrase.expose_secret() != again.expose_secret() {
            return Err(ConfigError::Passphrase("the two differ; start again".into()));
        }
    }
    Ok(passphrase)
}

fn first_line(file: File, from: &PassphraseFrom) -> Result<SecretString, ConfigError> {
    let mut text = Zeroizing::new(String::with_capacity(BYTES as usize + 1));
    let read = file.take(BYTES + 1).read_to_string(&mut text);
    let wrong = |what: &str| ConfigError::Passphrase(format!("{from}: {what}"));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => wrong("it is not text in UTF-8"),
        _ => wrong(&error.to_string()),
    })?;
    if text.len() as u64 > BYTES {
        return Err(wrong("it is too long"));
    }
    match text.lines().next().unwrap_or_default() {
        "" => Err(wrong("its first line is empty")),
        line => Ok(SecretString::from(line)),
    }
}

impl fmt::Display for PassphraseFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Terminal => f.write_str("terminal"),
            Place::Descriptor(number) => write!(f, "fd:{number}"),
            Place::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for PassphraseFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PassphraseFrom({self})")
    }
}

impl FromStr for PassphraseFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            let expected = Self::EXPECTED;
            format!("expected {expected}; the passphrase itself is no setting")
        };
        let text = text.trim();
        let place = match (text, text.strip_prefix("fd:")) {
            ("terminal", _) => Place::Terminal,
            (_, Some(number)) => Place::Descriptor(number.parse().map_err(|_| refused())?),
            _ if text.starts_with('/') => Place::File(text.into()),
            _ => return Err(refused()),
        };
        Ok(Self { place, given: Arc::default() })
    }
}

impl Value for PassphraseFrom {
    const EXPECTED: &'static str = "`terminal`, `fd:NUMBER` or the absolute path of a file";

    /// What is not understood may be the passphrase itself, so no message repeats it.
    fn read(raw: &Raw) -> Result<Self, Fault> {
        raw.text().unwrap_or_default().parse().map_err(Fault::Because)
    }

    fn shown(&self) -> String {
        format!("\"{self}\"")
    }
}
