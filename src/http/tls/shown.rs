//! What clients see of the certificate, for whoever looks after it. Makes and renews nothing.

use std::path::{Path, PathBuf};

use super::{Identity, Source, TlsError, load};
use crate::config::Server;
use crate::kernel::Timestamp;

#[derive(Clone, Debug)]
pub struct Shown {
    /// SHA-256 of the certificate, `AA:BB:…`.
    pub fingerprint: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
}

impl Shown {
    pub(super) fn of(identity: &Identity) -> Self {
        Self {
            fingerprint: identity.fingerprint.clone(),
            not_before: identity.not_before,
            not_after: identity.not_after,
            names: identity.names.clone(),
        }
    }
}

/// The certificate that the server uses; none before the first start has made one.
///
/// # Errors
/// [`TlsError`]: with this pair the server would not start.
pub fn shown(server: &Server, data_dir: &Path) -> Result<Option<Shown>, TlsError> {
    let [certificate, key] = paths(server, data_dir);
    if server.tls_certificate.is_none() && matches!(certificate.try_exists(), Ok(false)) {
        return Ok(None);
    }
    load::pair(&certificate, &key, Source::Configured).map(|identity| Some(Shown::of(&identity)))
}

/// The files of the certificate and of its key.
pub fn paths(server: &Server, data_dir: &Path) -> [PathBuf; 2] {
    match (&server.tls_certificate, &server.tls_key) {
        (Some(certificate), Some(key)) => [certificate.clone(), key.clone()],
        _ => ["cert.pem", "key.pem"].map(|name| data_dir.join("tls").join(name)),
    }
}
