//! Where things lie: `<data_dir>/tls/acme`, which nobody else can read.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::self_signed::{private_dir, replace};
use super::super::{Identity, Source, TlsError, load};
use crate::config::Settings;

const CERTIFICATE: &str = "certificate.pem";
const CANDIDATE: &str = "candidate.pem";

pub fn directory(settings: &Settings) -> PathBuf {
    settings.store.data_dir.join("tls").join("acme")
}

/// Where the key and the certificate of the authority are, or will be; none when no authority is set
/// up.
pub fn expected(settings: &Settings) -> Option<PathBuf> {
    let asked = settings.acme.directory.is_some() && settings.server.tls_certificate.is_none();
    asked.then(|| directory(settings).join(CERTIFICATE))
}

/// The same, when something is there.
pub fn in_place(settings: &Settings) -> Option<PathBuf> {
    expected(settings).filter(|path| !matches!(path.try_exists(), Ok(false)))
}

/// Writes a file that only we can read.
pub fn put(settings: &Settings, name: &str, content: &[u8]) -> Result<(), TlsError> {
    private_dir(&settings.store.data_dir.join("tls"))?;
    let directory = directory(settings);
    private_dir(&directory)?;
    replace(&directory.join(name), content, 0o600)
}

/// Key and chain, before they are known to be of use.
pub fn put_candidate(settings: &Settings, pem: &str) -> Result<Identity, TlsError> {
    put(settings, CANDIDATE, pem.as_bytes())?;
    let path = directory(settings).join(CANDIDATE);
    load::pair(&path, &path, Source::Acme)
}

/// The candidate takes its place, whole.
pub fn promote(settings: &Settings) -> Result<(), TlsError> {
    let directory = directory(settings);
    let to = directory.join(CERTIFICATE);
    let moved = std::fs::rename(directory.join(CANDIDATE), &to)
        .and_then(|()| File::open(&directory)?.sync_all());
    moved.map_err(|source| TlsError::Write { path: to, source })
}

/// Nothing of a key that is not used is kept.
pub fn drop_candidate(settings: &Settings) {
    let _ = std::fs::remove_file(directory(settings).join(CANDIDATE));
}

pub fn path(settings: &Settings, name: &str) -> PathBuf {
    directory(settings).join(Path::new(name))
}
