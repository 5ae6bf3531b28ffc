//! Where a stream goes, without its secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The receiver's kind and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Destination {
    /// Syslog, RFC 5424, with octet counting (RFC 6587).
    Syslog(SyslogTarget),
    /// Splunk's HTTP Event Collector.
    Splunk(SplunkTarget),
    /// JSON posted to any address.
    Http(HttpTarget),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyslogTarget {
    /// `host:port`; 6514 is usual for TLS, 514 or 601 for TCP.
    pub address: String,
    #[serde(default)]
    pub transport: Transport,
    /// 0 to 23 (RFC 5424, 6.2.1); 13 is "log audit".
    #[serde(default = "log_audit")]
    pub facility: u8,
    #[serde(default, skip_serializing_if = "TlsOptions::is_usual")]
    pub tls: TlsOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    #[default]
    Tls,
    /// Readable and changeable on the way.
    Tcp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SplunkTarget {
    /// `https://host:8088`; the collector's path is added when there is none.
    pub url: String,
    /// The index to write to; the token's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_type: Option<String>,
    #[serde(default, skip_serializing_if = "TlsOptions::is_usual")]
    pub tls: TlsOptions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpTarget {
    pub url: String,
    #[serde(default)]
    pub body: Body,
    #[serde(default)]
    pub authentication: Authentication,
    #[serde(default, skip_serializing_if = "TlsOptions::is_usual")]
    pub tls: TlsOptions,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Body {
    /// A JSON array of entries.
    #[default]
    Array,
    /// One JSON value a line.
    Ndjson,
}

/// How the credential is presented.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Authentication {
    #[default]
    None,
    /// `Authorization: Bearer`
    Bearer,
    Basic {
        user: String,
    },
    /// The credential as the value of a header.
    Header {
        name: String,
    },
}

/// What is trusted and shown in a TLS handshake, where the usual is not enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsOptions {
    /// Certificates (PEM) of the authorities to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The client's certificate with its intermediates (PEM); needs the secret `clientKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// The name in the receiver's certificate, when it is not the host's; syslog only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

impl TlsOptions {
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

const fn log_audit() -> u8 {
    13
}

impl Destination {
    pub fn tls(&self) -> &TlsOptions {
        match self {
            Self::Syslog(target) => &target.tls,
            Self::Splunk(target) => &target.tls,
            Self::Http(target) => &target.tls,
        }
    }

    /// Host and port with the protocol before it: what the log and lists say, because a path may
    /// be a secret itself.
    pub fn place(&self) -> String {
        match self {
            Self::Syslog(target) => match target.transport {
                Transport::Tls => format!("syslog+tls://{}", target.address),
                Transport::Tcp => format!("syslog+tcp://{}", target.address),
            },
            Self::Splunk(SplunkTarget { url, .. }) | Self::Http(HttpTarget { url, .. }) => {
                reqwest::Url::parse(url).map_or_else(|_| String::new(), |url| origin(&url))
            }
        }
    }

    /// The same without what stands behind the host in a URL, for those who only look.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        let place = self.place();
        if let Self::Splunk(SplunkTarget { url, .. }) | Self::Http(HttpTarget { url, .. }) =
            &mut self
        {
            *url = place;
        }
        self
    }

    /// Whether what is sent can be read on the way.
    pub fn is_encrypted(&self) -> bool {
        let place = self.place();
        place.starts_with("syslog+tls:") || place.starts_with("https:")
    }

    /// Whether a credential goes with what is sent.
    pub fn needs_credential(&self) -> bool {
        match self {
            Self::Syslog(_) => false,
            Self::Splunk(_) => true,
            Self::Http(target) => target.authentication != Authentication::None,
        }
    }
}

fn origin(url: &reqwest::Url) -> String {
    let port = url.port_or_known_default().unwrap_or(0);
    format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default())
}
