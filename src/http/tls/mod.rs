//! The server's certificate and TLS policy.

pub mod acme;
mod exchange;
mod live;
mod load;
pub mod pkcs12;
mod self_signed;
mod shown;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use live::{Live, Served};
pub use self_signed::make_directory;
pub use shown::{Shown, paths, shown};
pub use watch::{Watch, is_over};

use crate::config::{Settings, TlsVersion};
use crate::kernel::Timestamp;

/// A certificate with its key, ready to serve.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// SHA-256 of the certificate, `AA:BB:…`, as browsers show it.
    pub fingerprint: String,
    /// Begin and end of validity.
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    pub source: Source,
}

/// Where a certificate came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By `server.tls_certificate`.
    Configured,
    /// From the data directory, made by us at this start or an earlier one.
    SelfSigned,
    /// Somebody put it into the data directory; it is not renewed.
    Foreign,
    /// From a certificate authority, asked by us.
    Acme,
}

impl Source {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::SelfSigned => "self-signed",
            Self::Foreign => "foreign",
            Self::Acme => "acme",
        }
    }
}

/// Each error names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "{} holds no certificate: expected PEM with `-----BEGIN CERTIFICATE-----`",
        .0.display()
    )]
    NoCertificate(PathBuf),
    #[error("{} holds no private key: expected PEM with `-----BEGIN PRIVATE KEY-----`", .0.display())]
    NoKey(PathBuf),
    #[error("{}: the certificate cannot be read: {reason}", path.display())]
    BadCertificate { path: PathBuf, reason: String },
    #[error(
        "the key {} does not fit the certificate {}: put the matching pair in place",
        key.display(), certificate.display()
    )]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("{} may be read by others (mode {mode:04o}): run `chmod 600 {}`", path.display(), path.display())]
    Readable { path: PathBuf, mode: u32 },
    #[error("cannot make a self-signed certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("TLS set-up failed: {0}")]
    Setup(#[from] rustls::Error),
}

/// The configured certificate, else the one that an authority gave ([`acme`]), else the self-signed
/// one in `<data_dir>/tls`, which is made at the first start and renewed when less than 30 days are
/// left.
///
/// Only a warning is logged when a certificate that is not ours has expired or is not yet valid.
pub fn identity(settings: &Settings, now: Timestamp) -> Result<Identity, TlsError> {
    let server = &settings.server;
    let identity = match (&server.tls_certificate, &server.tls_key) {
        (Some(certificate), Some(key)) => load::pair(certificate, key, Source::Configured)?,
        _ => match acme::in_place(settings) {
            Some(path) => load::pair(&path, &path, Source::Acme)?,
            None => self_signed_identity(settings, now)?,
        },
    };
    if identity.not_after < now {
        tracing::warn!(not_after = %identity.not_after, "the TLS certificate has expired: clients will refuse it");
    }
    Ok(identity)
}

/// The same for a server that begins: what an authority gave and is of no use any more does not keep it
/// from serving; the job that renews asks for another at once. A server that runs keeps what it has.
pub fn identity_at_start(settings: &Settings, now: Timestamp) -> Result<Identity, TlsError> {
    match identity(settings, now) {
        Err(error) if acme::in_place(settings).is_some() => {
            tracing::error!(%error, "the authority's certificate cannot be used; the self-signed one is served until there is another");
            self_signed_identity(settings, now)
        }
        identity => identity,
    }
}

fn self_signed_identity(settings: &Settings, now: Timestamp) -> Result<Identity, TlsError> {
    let directory = settings.store.data_dir.join("tls");
    self_signed::obtain(&directory, settings.server.listen.ip(), now)
}

/// TLS 1.3 (and 1.2 where `minimum` says so) with AES-256-GCM, ChaCha20-Poly1305 and AES-128-GCM
/// only; 1.2 with ephemeral keys only.
pub fn server_config(live: &Arc<Live>, minimum: TlsVersion) -> Result<ServerConfig, TlsError> {
    let (versions, suites) = match minimum {
        TlsVersion::V1_3 => (&[&rustls::version::TLS13][..], TLS13_SUITES.to_vec()),
        TlsVersion::V1_2 => (
            &[&rustls::version::TLS13, &rustls::version::TLS12][..],
            [TLS13_SUITES, TLS12_SUITES].concat(),
        ),
    };
    let provider = CryptoProvider { cipher_suites: suites, ..aws_lc_rs::default_provider() };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(live.clone());
    // With TLS 1.3 each suite is as good, and a client knows which one its processor is fast at; those
    // of before are told the best first.
    config.ignore_client_order = minimum == TlsVersion::V1_2;
    // The second only counts for a client that offers it alone, and is answered while an order runs.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), acme::ALPN.to_vec()];
    Ok(config)
}

const TLS13_SUITES: &[rustls::SupportedCipherSuite] = &[
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS13_AES_128_GCM_SHA256,
];

const TLS12_SUITES: &[rustls::SupportedCipherSuite] = &[
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];
