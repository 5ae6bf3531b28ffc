//! What the note of a release says.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use super::{FORMAT, MEMBER_BYTES, MEMBERS, NOTE, ReleaseError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub version: String,
    pub build: String,
    /// What it brings the platform's file, tenants' files and key stores to.
    pub schemas: [i64; 3],
    pub members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub bytes: u64,
    pub sha256: [u8; 32],
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [platform, tenant, keys] = self.schemas;
        writeln!(f, "{FORMAT}")?;
        writeln!(f, "version {}", self.version)?;
        writeln!(f, "build {}", self.build)?;
        writeln!(f, "schemas {platform} {tenant} {keys}")?;
        for Member { name, bytes, sha256 } in &self.members {
            writeln!(f, "file {} {bytes} {name}", HEXLOWER.encode(sha256))?;
        }
        Ok(())
    }
}

impl FromStr for Manifest {
    type Err = ReleaseError;

    /// Reads strictly: what it prints as is what was read.
    fn from_str(text: &str) -> Result<Self, ReleaseError> {
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) {
            return Err(ReleaseError::Malformed("its note is of another kind, or of a later one"));
        }
        let mut field = |name: &str| {
            let line = lines.next()?;
            line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned)
        };
        let lacks = |what| move || ReleaseError::Malformed(what);
        let version = field("version").ok_or_else(lacks("it has no version"))?;
        let build = field("build").ok_or_else(lacks("it has no build"))?;
        let schemas = field("schemas").ok_or_else(lacks("it has no schemas"))?;
        let schemas: Vec<i64> = schemas.split(' ').filter_map(|part| part.parse().ok()).collect();
        let schemas =
            schemas.try_into().map_err(|_| lacks("its schemas are not three numbers")())?;
        let mut members: Vec<Member> = Vec::new();
        for line in lines {
            let member = Member::parse(line)?;
            if members.iter().any(|other| other.name == member.name) || members.len() == MEMBERS {
                return Err(ReleaseError::Malformed("its files are too many, or named twice"));
            }
            members.push(member);
        }
        let read = Self { version, build, schemas, members };
        match read.to_string() == text && is_plain(&read.version) && is_plain(&read.build) {
            true => Ok(read),
            false => Err(ReleaseError::Malformed("its note is not written as it should be")),
        }
    }
}

impl Member {
    fn parse(line: &str) -> Result<Self, ReleaseError> {
        let malformed = || ReleaseError::Malformed("a line of its note names no file");
        let rest = line.strip_prefix("file ").ok_or_else(malformed)?;
        let mut parts = rest.splitn(3, ' ');
        let (Some(hash), Some(bytes), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let hash = HEXLOWER.decode(hash.as_bytes()).map_err(|_| malformed())?;
        let sha256 = hash.try_into().map_err(|_| malformed())?;
        let bytes = bytes.parse().ok().filter(|bytes| *bytes <= MEMBER_BYTES);
        check_name(name)?;
        Ok(Self { name: name.to_owned(), bytes: bytes.ok_or_else(malformed)?, sha256 })
    }
}

/// # Errors
/// [`ReleaseError::Name`] for what could lead out of a directory, steer a terminal or pass for
/// another.
pub fn check_name(name: &str) -> Result<(), ReleaseError> {
    let good = is_plain(name) && !name.starts_with(['.', '-']) && name != NOTE;
    if good { Ok(()) } else { Err(ReleaseError::Name(name.escape_debug().to_string())) }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~-".contains(&byte);
    (1..=99).contains(&text.len()) && text.bytes().all(plain)
}
