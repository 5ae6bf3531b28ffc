//! Types of single settings.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use crate::kernel::limits;

use super::value::{Fault, Raw, Value, number, parse};

/// A listening address, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionalListen {
    Off,
    On(SocketAddr),
}

impl Value for OptionalListen {
    const EXPECTED: &'static str = "an IP address and port such as \"127.0.0.1:8080\", or \"off\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw.text().map(str::trim) {
            Some("off") => Ok(Self::Off),
            _ => parse(raw).map(Self::On),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Off => "\"off\"".into(),
            Self::On(address) => address.shown(),
        }
    }
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// `per_minute` 0 means no limit.
    pub const fn new(per_minute: u32) -> Self {
        Self(per_minute)
    }

    /// Requests a minute; `None` means no limit.
    pub const fn per_minute(self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0)
    }
}

impl Value for Rate {
    const EXPECTED: &'static str = "a whole number of requests a minute, 0 for no limit";
    const CLOSED: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        number(raw).map(Self)
    }

    fn shown(&self) -> String {
        self.0.to_string()
    }
}

/// The oldest TLS version that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    V1_2,
    V1_3,
}

impl Value for TlsVersion {
    const EXPECTED: &'static str = "\"1.3\" or \"1.2\", in quotes";
    const CLOSED: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw.text().map(str::trim) {
            Some("1.2") => Ok(Self::V1_2),
            Some("1.3") => Ok(Self::V1_3),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::V1_2 => "\"1.2\"".into(),
            Self::V1_3 => "\"1.3\"".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    Text,
}

impl Value for LogFormat {
    const EXPECTED: &'static str = "\"json\" or \"text\"";
    const CLOSED: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw.text().map(str::trim) {
            Some("json") => Ok(Self::Json),
            Some("text") => Ok(Self::Text),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Json => "\"json\"".into(),
            Self::Text => "\"text\"".into(),
        }
    }
}

/// A filter in the language of `tracing_subscriber::EnvFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    pub fn info() -> Self {
        Self("info".into())
    }

    pub fn warn() -> Self {
        Self("warn".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogFilter {
    const EXPECTED: &'static str =
        "error, warn, info, debug, trace, or a filter such as \"info,strongroom::store=debug\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).filter(|text| !text.is_empty());
        let text = text.ok_or(Fault::Unexpected)?;
        // A lone word that is no level would be taken for a module's name and silence all others.
        let level = text.contains(['=', ',', ':']) || text.parse::<tracing::Level>().is_ok();
        if !level || tracing_subscriber::EnvFilter::try_new(text).is_err() {
            return Err(Fault::Unexpected);
        }
        Ok(Self(text.into()))
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// Scheme, host and port that clients use: `https://host[:port]`, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl(String);

impl ExternalUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for Vec<ExternalUrl> {
    const EXPECTED: &'static str = "a list of origins such as [\"https://app.example.org\"], or \
        https://one.example.org,https://two.example.org in the environment";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        match raw {
            Raw::List(items) => items.iter().map(ExternalUrl::read).collect(),
            Raw::Env(text) if text.trim().is_empty() => Ok(Self::new()),
            Raw::Env(text) => text
                .split(',')
                .map(|item| ExternalUrl::read(&Raw::Env(item.trim().to_owned().into())))
                .collect(),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        let items: Vec<_> = self.iter().map(ExternalUrl::shown).collect();
        format!("[{}]", items.join(", "))
    }
}

/// Where somebody is reached: `mailto:` or `https:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactUrl(String);

impl ContactUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for ContactUrl {
    const EXPECTED: &'static str =
        "an address such as \"mailto:security@example.org\" or \"https://example.org/security\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let rest = ["mailto:", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let clean =
            text.len() <= limits::LINE_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        match rest {
            Some(rest) if clean && rest.len() > 2 => Ok(Self(text.to_owned())),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl Value for ExternalUrl {
    const EXPECTED: &'static str =
        "https://HOST or https://HOST:PORT without a path, such as \"https://vault.example.org\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let url: actix_web::http::Uri = parse(raw)?;
        let bare = url.path_and_query().is_none_or(|path| path.as_str() == "/");
        match url.authority() {
            Some(host)
                if url.scheme_str() == Some("https") && bare && !host.as_str().contains('@') =>
            {
                Ok(Self(format!("https://{host}")))
            }
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}
