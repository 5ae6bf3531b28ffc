//! Places for backups, as addresses.

use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use reqwest::Url;
use zeroize::Zeroizing;

use super::secret::open_secret;

/// Larger than any key.
const SECRET_BYTES: u64 = 64 * 1024;

/// A place for backups: `file:///srv/backup`, `s3://bucket/prefix?…` or `sftp://user@host/path?…`.
/// Secrets are in files of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetUrl {
    name: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Directory(PathBuf),
    S3(S3Place),
    Sftp(SftpPlace),
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Place {
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
    /// Of the store; Amazon's own when there is none.
    pub endpoint: Option<Url>,
    pub region: String,
    pub access_key_id: String,
    pub secret_key_file: PathBuf,
    /// PEM file with the authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The bucket is in the path of requests rather than in the name of the host.
    pub path_style: bool,
}

/// A directory of a server that speaks SFTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SftpPlace {
    pub user: String,
    pub host: String,
    pub port: u16,
    /// Absolute.
    pub path: String,
    pub key_file: PathBuf,
    /// What the server's key has to be, as `ssh-keygen -lf` shows it: `SHA256:…`.
    pub host_key: String,
}

impl TargetUrl {
    /// What people know it by: the address without what only the connection needs.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A directory of this machine.
    pub fn directory(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Directory(path) => Some(path.clone()),
            _ => None,
        }
    }
}

/// Reads a file with a secret, which its owner alone may read.
///
/// # Errors
/// What is wrong, and what to do.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, String> {
    let file = open_secret(path).map_err(|error| error.to_string())?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(SECRET_BYTES).read_to_string(&mut text);
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if text.trim().is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(text)
}

const NO_ADDRESS: &str = "a target is not an address: write file:///srv/backup for a directory, s3://… \
                          or sftp://… for others";

impl FromStr for TargetUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|_| NO_ADDRESS.to_owned())?;
        if url.password().is_some() || url.fragment().is_some() {
            let why = "a target's address holds neither a password nor a #: secrets go into files";
            return Err(why.to_owned());
        }
        let mut options = Options::of(&url)?;
        let (name, place) = match url.scheme() {
            "file" => directory(&url)?,
            "s3" => bucket(&url, &mut options)?,
            "sftp" => server(&url, &mut options)?,
            other => return Err(format!("{other}:// is no target: use file, s3 or sftp")),
        };
        options.end(&name)?;
        Ok(Self { name, place })
    }
}

fn directory(url: &Url) -> Result<(String, Place), String> {
    let path = url.to_file_path().ok().filter(|path| path.parent().is_some());
    let path = path.ok_or("file:// wants a path: file:///srv/backup")?;
    Ok((url.to_string(), Place::Directory(path)))
}

fn bucket(url: &Url, options: &mut Options) -> Result<(String, Place), String> {
    let plain = url.username().is_empty() && url.port().is_none();
    let host = url.host_str().filter(|host| !host.is_empty() && plain);
    let bucket = host.ok_or("s3:// wants a bucket: s3://bucket/prefix?…")?.to_owned();
    let prefix = decoded(url.path().trim_matches('/'))?;
    let endpoint = options.take("endpoint").map(|text| endpoint(&text)).transpose()?;
    let path_style = match options.take("path_style").as_deref() {
        None => endpoint.is_some(),
        Some("true") => true,
        Some("false") => false,
        Some(_) => return Err("path_style is true or false".to_owned()),
    };
    let slash = if prefix.is_empty() { "" } else { "/" };
    let mut name = format!("s3://{bucket}{slash}{prefix}");
    if let Some(endpoint) = &endpoint {
        let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        name = format!("{name} at {}{port}", endpoint.host_str().unwrap_or_default());
    }
    let place = S3Place {
        region: options.take("region").unwrap_or_else(|| "us-east-1".to_owned()),
        access_key_id: options.need("access_key_id", &name)?,
        secret_key_file: options.secret("secret_key_file", &name)?,
        ca: options.take("ca").map(PathBuf::from),
        bucket,
        prefix,
        endpoint,
        path_style,
    };
    if let Some(ca) = &place.ca {
        std::fs::metadata(ca).map_err(|error| format!("cannot read {}: {error}", ca.display()))?;
    }
    Ok((name, Place::S3(place)))
}

/// Without TLS on this machine alone.
fn endpoint(text: &str) -> Result<Url, String> {
    let refused = || "endpoint is an address such as https://s3.example.org".to_owned();
    let url = Url::parse(text).map_err(|_| refused())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let host = url.host_str().filter(|_| plain && url.path() == "/").ok_or_else(refused)?;
    let local = || {
        let bare = host.trim_matches(['[', ']']);
        host == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if local() => Ok(url),
        "http" => Err("endpoint has to be https:// unless it is on this machine".to_owned()),
        _ => Err(refused()),
    }
}

fn server(url: &Url, options: &mut Options) -> Result<(String, Place), String> {
    let wanted = "sftp:// wants a user, a host and a path: sftp://backup@nas/srv/backup?…";
    let host = url.host_str().ok_or(wanted)?.trim_matches(['[', ']']).to_owned();
    let (user, path) = (decoded(url.username())?, decoded(url.path().trim_end_matches('/'))?);
    if user.is_empty() || path.is_empty() {
        return Err(wanted.to_owned());
    }
    let port = url.port().unwrap_or(22);
    let shown = if port == 22 { String::new() } else { format!(":{port}") };
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let name = format!("sftp://{user}@{bracketed}{shown}{path}");
    let key_file = options.secret("key_file", &name)?;
    let host_key = options.need("host_key", &name)?;
    let digest = host_key.strip_prefix("SHA256:").unwrap_or_default();
    if digest.len() != 43 || data_encoding::BASE64_NOPAD.decode(digest.as_bytes()).is_err() {
        let cure = "it is what `ssh-keygen -lf` shows of the server's public key";
        return Err(format!("{name}: host_key is SHA256: and 43 characters; {cure}"));
    }
    Ok((name, Place::Sftp(SftpPlace { user, host, port, path, key_file, host_key })))
}

/// What stands behind the `?`.
struct Options(Vec<(String, String)>);

impl Options {
    fn of(url: &Url) -> Result<Self, String> {
        let query = url.query().unwrap_or_default();
        // A plus sign is itself here: fingerprints have some.
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(&query.replace('+', "%2B"))
                .map_err(|_| "what stands behind ? in a target cannot be read".to_owned())?;
        let names: std::collections::HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
        if names.len() < pairs.len() {
            return Err("a target says something twice behind its ?".to_owned());
        }
        Ok(Self(pairs))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_empty())
    }

    fn need(&mut self, name: &str, target: &str) -> Result<String, String> {
        self.take(name).ok_or_else(|| format!("{target}: {name}=… is missing behind the ?"))
    }

    fn secret(&mut self, name: &str, target: &str) -> Result<PathBuf, String> {
        let path = PathBuf::from(self.need(name, target)?);
        read_secret(&path).map_err(|why| format!("{target}: {why}"))?;
        Ok(path)
    }

    fn end(self, target: &str) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("{target}: nothing is known of {name}")),
        }
    }
}

/// Without percent signs; a plus sign is itself.
fn decoded(text: &str) -> Result<String, String> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(&format!("a={}", text.replace('+', "%2B").replace('&', "%26")))
            .map_err(|_| "a target's path cannot be read".to_owned())?;
    let text = pairs.into_iter().next().map(|(_, text)| text).unwrap_or_default();
    let odd = text.split('/').any(|part| matches!(part, "." | "..")) || text.contains('\0');
    if odd { Err("a target's path holds no . or ..".to_owned()) } else { Ok(text) }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
