//! The root key: read from text or a file, refused when weak.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use super::error::ConfigError;
use super::passphrase::PassphraseFrom;
use super::table::RootKey;
use super::value::{Fault, Raw, Value};

const CURE: &str = "make one with `openssl rand -hex 32`";
/// Larger than any spelling of 32 bytes.
const KEY_FILE_BYTES: u64 = 256;
/// Where systemd puts credentials, for this service's user alone.
const CREDENTIALS: &str = "/run/credentials";

/// 32 secret bytes, wiped when dropped and never printed.
// The box keeps the bytes in one place when the value moves.
#[derive(Clone)]
pub struct SecretKey32(Box<Zeroizing<[u8; 32]>>);

impl SecretKey32 {
    /// Takes 32 bytes that look random. The error says what is wrong and how to make a good key.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        let Ok(key) = <[u8; 32]>::try_from(bytes) else {
            return Err(format!("a root key has 32 bytes, this has {}: {CURE}", bytes.len()));
        };
        let key = Self(Box::new(Zeroizing::new(key)));
        key.refuse_weak()?;
        Ok(key)
    }

    /// Reads hex or base64 (standard or URL alphabet, padded or not).
    pub fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim().as_bytes();
        let spellings = [HEXLOWER_PERMISSIVE, BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
        let mut decoded = spellings
            .iter()
            .filter_map(|spelling| spelling.decode(text).ok().map(Zeroizing::new))
            .filter(|bytes| bytes.len() == 32);
        match decoded.next() {
            Some(bytes) => Self::new(&bytes),
            None => Err(format!("expected 32 bytes as 64 hex digits or base64: {CURE}")),
        }
    }

    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }

    /// 32 random bytes have fewer than 16 different values once in 10¹⁶ keys, and are all printable
    /// once in 10¹³: what fails here was typed, padded or cut.
    fn refuse_weak(&self) -> Result<(), String> {
        let mut seen = [false; 256];
        self.0.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        if seen.iter().filter(|seen| **seen).count() < 16 {
            return Err(format!("the root key is weak, its bytes repeat: {CURE}"));
        }
        if self.0.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(format!("the root key is weak, it is text rather than random: {CURE}"));
        }
        Ok(())
    }
}

impl fmt::Debug for SecretKey32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey32([redacted])")
    }
}

impl Value for SecretKey32 {
    const EXPECTED: &'static str = "32 bytes as 64 hex digits or base64";
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().ok_or(Fault::Unexpected)?;
        Self::from_text(text).map_err(Fault::Because)
    }

    fn shown(&self) -> String {
        String::new()
    }
}

/// Where the root key comes from.
#[derive(Clone, Debug)]
pub enum RootKeyConfig {
    /// No source is set.
    None,
    Inline(SecretKey32),
    File(PathBuf),
    /// A file that systemd hands over.
    Credential(PathBuf),
    Passphrase(PassphraseFrom),
}

impl RootKey {
    /// `Settings::load` has made sure that one source at most is set.
    pub fn source(&self) -> RootKeyConfig {
        if let Some(key) = &self.key {
            return RootKeyConfig::Inline(key.clone());
        }
        if let Some(path) = &self.file {
            return RootKeyConfig::File(path.clone());
        }
        if let Some(path) = &self.credential {
            return RootKeyConfig::Credential(path.clone());
        }
        match &self.passphrase_from {
            Some(from) => RootKeyConfig::Passphrase(from.clone()),
            None => RootKeyConfig::None,
        }
    }
}

impl RootKeyConfig {
    /// The key, or `None` when no source is set or a passphrase, of which one is made only with what
    /// stands in `root.json`. Errors: a file that is missing, that others may read, or that holds no
    /// good key.
    pub fn load(&self) -> Result<Option<SecretKey32>, ConfigError> {
        match self {
            Self::None | Self::Passphrase(_) => Ok(None),
            Self::Inline(key) => Ok(Some(key.clone())),
            Self::File(path) | Self::Credential(path) => read_key_file(path).map(Some),
        }
    }

    /// Refuses a key, or the passphrase of one, that lies in the data directory: a thief of the one
    /// has the other, and so has every copy.
    pub fn refuse_beside(&self, directory: &Path) -> Result<(), ConfigError> {
        let file = match self {
            Self::File(path) => Some(path.as_path()),
            Self::Passphrase(from) => from.file(),
            Self::None | Self::Inline(_) | Self::Credential(_) => None,
        };
        let Some(file) = file else { return Ok(()) };
        // What is not there is refused by whoever reads it.
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let inside = file.starts_with(directory) || real(file).starts_with(real(directory));
        if inside {
            return Err(ConfigError::Beside { path: file.into(), directory: directory.into() });
        }
        Ok(())
    }
}

/// 32 raw bytes, hex or base64; a newline at the end is ignored.
fn read_key_file(path: &Path) -> Result<SecretKey32, ConfigError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES as usize + 1));
    let file = open_secret(path)?;
    file.take(KEY_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| ConfigError::Read { path: path.into(), source })?;
    let raw = match bytes.as_slice() {
        [raw @ .., b'\n'] if raw.len() == 32 => raw,
        raw => raw,
    };
    let key = match (raw.len(), std::str::from_utf8(raw)) {
        (32, _) | (_, Err(_)) => SecretKey32::new(raw),
        (_, Ok(text)) => SecretKey32::from_text(text),
    };
    key.map_err(|reason| ConfigError::KeyFile { path: path.into(), reason })
}

/// The group that the packages make for the service.
fn service_group() -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find_map(|line| line.strip_prefix("strongroom:"))?;
    line.split(':').nth(1)?.parse().ok()
}

/// Opens a file that holds a secret; refuses one that others than its owner and, when it is root's,
/// this service's group may read.
pub(super) fn open_secret(path: &Path) -> Result<File, ConfigError> {
    let opened = |path: &Path| -> io::Result<_> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        Ok((file, about))
    };
    let (file, about) =
        opened(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
    let mode = about.mode() & 0o7777;
    let may_read_at_most = about.uid() == 0 && mode & 0o037 == 0;
    // systemd gives access by an access list, which shows as group bits of a root-owned file.
    let credential = path.starts_with(CREDENTIALS);
    // Root's own, for the service's group alone: the service reads it and cannot change it.
    let (group, user) = (rustix::process::getegid(), rustix::process::geteuid());
    let for_service = match user.is_root() {
        // Its own, or of the group of the package's service.
        true => about.gid() == 0 || Some(about.gid()) == service_group(),
        false => about.gid() == group.as_raw(),
    };
    if mode & 0o077 != 0 && !(may_read_at_most && (credential || for_service)) {
        return Err(ConfigError::Readable { path: path.into(), mode });
    }
    Ok(file)
}
