//! One SSH connection to a server whose key is known beforehand.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::Preferred;
use russh::client::{self, Handle, Handler};
use russh::keys::{
    Algorithm, EcdsaCurve, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate,
};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::{Config, RawSftpSession, SftpSession};
use russh_sftp::extensions::HardlinkExtension;
use russh_sftp::protocol::{Packet, StatusCode};
use tokio::sync::OnceCell;

use crate::config::{SftpPlace, read_secret};

const CONNECT_TIME: Duration = Duration::from_secs(20);
/// For the answer to one request.
const ANSWER_SECONDS: u64 = 60;
const POSIX_RENAME: &str = "posix-rename@openssh.com";
const KEEPALIVE: Duration = Duration::from_secs(15);
const ECDSA: [EcdsaCurve; 3] = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];

#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("no connection to {0}: {1}")]
    Connect(String, String),
    #[error("{0} did not answer in time")]
    Slow(String),
    #[error(
        "{host} shows the key {found}, which is not the one that host_key says: either the server was set up anew, or somebody is in between"
    )]
    HostKey { host: String, found: String },
    #[error("{0} does not accept the key of the user {1}")]
    Key(String, String),
    #[error("{0}")]
    Broken(String),
}

/// Who connects, and to whom.
pub struct Way {
    place: SftpPlace,
    key: Arc<PrivateKey>,
    config: Arc<client::Config>,
}

/// A connection with its SFTP session.
pub struct Connection {
    ssh: Handle<Pinned>,
    pub sftp: SftpSession,
    /// A channel for the one request that the session above has not; opened when it is needed.
    replacing: OnceCell<RawSftpSession>,
}

impl Connection {
    pub fn is_closed(&self) -> bool {
        self.ssh.is_closed()
    }

    /// Gives a file another's name, whose place it takes in one step: OpenSSH's
    /// `posix-rename@openssh.com`, which most servers have (OpenSSH, PROTOCOL, section 4.3). The
    /// protocol's own rename never replaces anything.
    pub async fn replace(&self, from: &str, to: &str) -> Result<(), SftpError> {
        let another = || async {
            let opened = tokio::time::timeout(CONNECT_TIME, self.another_session()).await;
            opened.unwrap_or(Err(SftpError::Timeout))
        };
        let session = self.replacing.get_or_try_init(another).await?;
        // Two names, as a hard link's.
        let names = HardlinkExtension { oldpath: from.to_owned(), newpath: to.to_owned() };
        match session.extended(POSIX_RENAME, names.try_into()?).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(status.into()),
            _ => Err(SftpError::UnexpectedPacket),
        }
    }

    async fn another_session(&self) -> Result<RawSftpSession, SftpError> {
        let broken = |error: russh::Error| SftpError::UnexpectedBehavior(error.to_string());
        let channel = self.ssh.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let session = RawSftpSession::new_with_config(channel.into_stream(), settings());
        session.init().await?;
        Ok(session)
    }
}

fn settings() -> Config {
    Config { request_timeout_secs: ANSWER_SECONDS, ..Config::default() }
}

impl Way {
    /// Reads the key, connects to nobody.
    pub fn new(place: &SftpPlace) -> Result<Self, String> {
        let (text, file) = (read_secret(&place.key_file)?, place.key_file.display());
        let key = PrivateKey::from_openssh(text.as_bytes())
            .map_err(|_| format!("{file} is no private key of OpenSSH: `ssh-keygen` makes one"))?;
        if key.is_encrypted() {
            return Err(format!("{file} has a passphrase, which nobody is there to type"));
        }
        if !matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::Ecdsa { .. }) {
            return Err(format!("{file}: use an Ed25519 or ECDSA key: `ssh-keygen -t ed25519`"));
        }
        let ecdsa = ECDSA.map(|curve| Algorithm::Ecdsa { curve });
        let keys: Vec<_> = std::iter::once(Algorithm::Ed25519).chain(ecdsa).collect();
        let config = client::Config {
            preferred: Preferred { key: keys.into(), ..Preferred::DEFAULT },
            keepalive_interval: Some(KEEPALIVE),
            nodelay: true,
            ..client::Config::default()
        };
        Ok(Self { place: place.clone(), key: Arc::new(key), config: Arc::new(config) })
    }

    pub async fn connect(&self) -> Result<Connection, ConnectionError> {
        let host = || self.place.host.clone();
        let connected = tokio::time::timeout(CONNECT_TIME, self.try_connect()).await;
        connected.unwrap_or_else(|_| Err(ConnectionError::Slow(host())))
    }

    async fn try_connect(&self) -> Result<Connection, ConnectionError> {
        let place = &self.place;
        let found = Arc::new(Mutex::new(None));
        let pinned = Pinned { expected: place.host_key.clone(), found: found.clone() };
        let at = (place.host.as_str(), place.port);
        let connected = client::connect(self.config.clone(), at, pinned).await;
        let mut ssh = connected.map_err(|error| {
            let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
            match found {
                Some(found) => ConnectionError::HostKey { host: place.host.clone(), found },
                None => ConnectionError::Connect(place.host.clone(), error.to_string()),
            }
        })?;
        let broken = |error: russh::Error| ConnectionError::Broken(error.to_string());
        let key = PrivateKeyWithHashAlg::new(self.key.clone(), None);
        let answer = ssh.authenticate_publickey(&place.user, key).await.map_err(broken)?;
        if !answer.success() {
            return Err(ConnectionError::Key(place.host.clone(), place.user.clone()));
        }
        let channel = ssh.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let sftp = SftpSession::new_with_config(channel.into_stream(), settings()).await;
        let sftp = sftp.map_err(|error| {
            ConnectionError::Connect(place.host.clone(), format!("no SFTP there: {error}"))
        })?;
        Ok(Connection { ssh, sftp, replacing: OnceCell::new() })
    }
}

/// Accepts one key.
struct Pinned {
    expected: String,
    /// The fingerprint of another key that was shown.
    found: Arc<Mutex<Option<String>>>,
}

impl Handler for Pinned {
    type Error = russh::Error;

    fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        let fingerprint = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                key.fingerprint(HashAlg::Sha256).to_string()
            }
            PublicKeyOrCertificate::Certificate(_) => "a certificate".to_owned(),
        };
        let fits = fingerprint == self.expected;
        if !fits {
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        }
        std::future::ready(Ok(fits))
    }
}
