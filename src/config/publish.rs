//! Where checkpoints are published.

use secrecy::SecretString;

use super::value::{Fault, Raw, Value};

/// `tls://HOST:PORT` or `tcp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogUrl {
    pub tls: bool,
    /// `HOST:PORT`
    pub address: String,
}

impl Value for SyslogUrl {
    const EXPECTED: &'static str = "\"tls://HOST:PORT\" or \"tcp://HOST:PORT\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let (scheme, address) = text.split_once("://").ok_or(Fault::Unexpected)?;
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        match (scheme, port) {
            ("tls" | "tcp", Some(1..)) => {
                Ok(Self { tls: scheme == "tls", address: address.to_owned() })
            }
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        format!("\"{}://{}\"", if self.tls { "tls" } else { "tcp" }, self.address)
    }
}

/// An address of an HTTP service, with a path if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for HttpUrl {
    const EXPECTED: &'static str = "an address such as \"https://log.example.org/checkpoints\"";

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let url = reqwest::Url::parse(text).map_err(|_| Fault::Unexpected)?;
        let plain = url.username().is_empty() && url.password().is_none();
        match url.scheme() {
            "https" | "http" if plain && url.has_host() => Ok(Self(text.to_owned())),
            _ => Err(Fault::Unexpected),
        }
    }

    fn shown(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

/// `Name: value`, the value a secret.
#[derive(Clone, Debug)]
pub struct SecretHeader {
    pub name: String,
    pub value: SecretString,
}

impl Value for SecretHeader {
    const EXPECTED: &'static str = "a header as \"Name: value\"";
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, Fault> {
        let text = raw.text().map(str::trim).ok_or(Fault::Unexpected)?;
        let (name, value) = text.split_once(':').ok_or(Fault::Unexpected)?;
        let (name, value) = (name.trim(), value.trim());
        let fits = reqwest::header::HeaderName::try_from(name).is_ok()
            && reqwest::header::HeaderValue::from_str(value).is_ok();
        let header = || Self { name: name.to_owned(), value: value.into() };
        fits.then(header).ok_or(Fault::Unexpected)
    }

    fn shown(&self) -> String {
        String::new()
    }
}
