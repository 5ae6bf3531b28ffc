//! Bringing entries to a receiver.

mod encode;
mod http;
mod outq;
mod syslog;
mod syslog_message;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use encode::Encoder;
pub use http::Http;
pub use syslog::Syslog;

use super::model::Secrets;
use super::{Destination, TlsOptions};
use crate::kernel::{Clock, Timestamp};
use crate::outgoing::{AddressError, Allowed};

/// Entries on their way, encoded for the receiver.
#[derive(Debug)]
pub struct Batch {
    pub body: Vec<u8>,
    /// Number of the last entry.
    pub last: u64,
    pub count: u64,
    /// When the first of them was written down.
    pub oldest: Timestamp,
}

/// Why entries did not get through. The texts are for administrators; they hold no secret and
/// nothing that a receiver said but its status.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    #[error("the name {0} is not known")]
    Unknown(String),
    #[error(
        "{0} is not an address that streams may send to; the machine's administrator can allow it with streams.allowed_addresses"
    )]
    Refused(IpAddr),
    #[error("recovery mode connects to nothing")]
    CutOff,
    #[error("no connection to {to}: {why}")]
    Connect { to: String, why: String },
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("{0} took too long")]
    Slow(&'static str),
    #[error("the receiver closed the connection")]
    Closed,
    #[error("the receiver says more than anybody asked for")]
    Talkative,
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the receiver answered {status}{}", said.as_deref().map(|said| format!(": {said}")).unwrap_or_default())]
    Status { status: u16, said: Option<String>, retry_after: Option<Duration> },
    #[error("{0}")]
    Setup(String),
}

impl SendError {
    /// Whether the receiver found the batch too large.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Status { status: 413, .. })
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<AddressError> for SendError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Unknown(name) => Self::Unknown(name),
            AddressError::Refused(ip) => Self::Refused(ip),
            AddressError::CutOff => Self::CutOff,
        }
    }
}

/// What a sender needs besides the destination.
#[derive(Clone)]
pub struct Circumstances {
    pub allowed: Allowed,
    pub settle: Duration,
    pub clock: Arc<dyn Clock>,
}

pub enum Sender {
    Syslog(Box<Syslog>),
    Http(Box<Http>),
}

impl Sender {
    /// Connects, where there is a connection.
    pub async fn open(
        destination: &Destination,
        secrets: &Secrets,
        circumstances: &Circumstances,
    ) -> Result<Self, SendError> {
        let tls = client_config(destination.tls(), secrets).await?;
        Ok(match destination {
            Destination::Syslog(target) => {
                Self::Syslog(Box::new(Syslog::open(target, tls, circumstances).await?))
            }
            _ => Self::Http(Box::new(Http::new(destination, secrets, tls, circumstances)?)),
        })
    }

    pub async fn send(&mut self, batch: Batch) -> Result<(), SendError> {
        match self {
            Self::Syslog(sender) => sender.send(batch).await,
            Self::Http(sender) => sender.send(batch).await,
        }
    }

    /// The number up to which everything that was sent is delivered, if that is more than before.
    pub fn delivered(&mut self) -> Result<Option<u64>, SendError> {
        match self {
            Self::Syslog(sender) => sender.delivered(),
            Self::Http(sender) => Ok(sender.delivered()),
        }
    }

    /// Returns only when the connection is no good any more.
    pub async fn broken(&mut self) -> SendError {
        match self {
            Self::Syslog(sender) => sender.broken().await,
            Self::Http(_) => std::future::pending().await,
        }
    }

    /// When to ask again what is delivered; `None` when everything is.
    pub fn look_again(&self) -> Option<Duration> {
        match self {
            Self::Syslog(sender) => sender.look_again(),
            Self::Http(_) => None,
        }
    }

    /// What can be said about the way to the receiver.
    pub fn describe(&self) -> String {
        match self {
            Self::Syslog(sender) => sender.describe(),
            Self::Http(sender) => sender.describe(),
        }
    }
}

/// Reading certificates is not for the threads that answer requests.
async fn client_config(
    options: &TlsOptions,
    secrets: &Secrets,
) -> Result<rustls::ClientConfig, SendError> {
    let (options, key) = (options.clone(), secrets.client_key.clone());
    let made =
        tokio::task::spawn_blocking(move || super::tls::client_config(&options, key.as_ref()));
    made.await
        .map_err(|_| SendError::Setup("the TLS set-up broke off".to_owned()))?
        .map_err(SendError::Setup)
}

/// `future`, or an error that says what took too long.
async fn within<T>(
    time: Duration,
    what: &'static str,
    future: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    tokio::time::timeout(time, future).await.unwrap_or(Err(SendError::Slow(what)))
}
