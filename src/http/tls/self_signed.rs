//! The self-signed certificate in the data directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rcgen::{KeyUsagePurpose, SanType};
use zeroize::Zeroizing;

use super::{Identity, Source, TlsError, load};
use crate::config::host_name;
use crate::kernel::Timestamp;

/// By this common name a certificate is known to be ours to renew.
const NAME: &str = "Strongroom self-signed";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Browsers accept no more than 398 days, and who checks a server wants less than 366.
const LIFE: Duration = DAY.saturating_mul(365);
const RENEW_BEFORE: Duration = DAY.saturating_mul(30);

/// Loads the pair in `dir`; makes or renews it first where needed.
pub(super) fn obtain(dir: &Path, listen: IpAddr, now: Timestamp) -> Result<Identity, TlsError> {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let source = match state(&certificate, &key, now)? {
        State::Foreign => Source::Foreign,
        State::Good => Source::SelfSigned,
        State::Due => {
            make(dir, &certificate, &key, listen, now)?;
            Source::SelfSigned
        }
    };
    load::pair(&certificate, &key, source)
}

enum State {
    /// Missing; or ours, and near its end or without its key.
    Due,
    Good,
    Foreign,
}

fn state(certificate: &Path, key: &Path, now: Timestamp) -> Result<State, TlsError> {
    let facts = match load::leaf_facts(certificate) {
        Err(TlsError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(State::Due);
        }
        other => other?,
    };
    Ok(match facts.self_issued_by.as_deref() {
        Some(NAME) if is_due(facts.not_after, now) => State::Due,
        Some(NAME) if !key.exists() => State::Due,
        Some(NAME) => State::Good,
        _ => State::Foreign,
    })
}

/// Whose a certificate in the data directory is.
pub(super) fn source(certificate: &Path) -> Result<Source, TlsError> {
    let ours = load::leaf_facts(certificate)?.self_issued_by.as_deref() == Some(NAME);
    Ok(if ours { Source::SelfSigned } else { Source::Foreign })
}

/// Whether a certificate with this end is made anew.
pub(super) fn is_due(not_after: Timestamp, now: Timestamp) -> bool {
    not_after.minus(RENEW_BEFORE) < now
}

/// The key outlives its certificates: then a crash between the two files leaves no misfit, and
/// whoever pinned the key need not pin anew.
fn make(
    dir: &Path,
    certificate: &Path,
    key: &Path,
    listen: IpAddr,
    now: Timestamp,
) -> Result<(), TlsError> {
    private_dir(dir)?;
    let pair = match std::fs::read_to_string(key).map(Zeroizing::new) {
        Ok(pem) => KeyPair::from_pem(&pem).map_err(|_| TlsError::NoKey(key.into()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            replace(key, Zeroizing::new(pair.serialize_pem()).as_bytes(), 0o600)?;
            pair
        }
        Err(source) => return Err(TlsError::Read { path: key.into(), source }),
    };
    let signed = parameters(listen, now)?.self_signed(&pair)?;
    replace(certificate, signed.pem().as_bytes(), 0o644)
}

fn parameters(listen: IpAddr, now: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut names = vec![SanType::DnsName("localhost".try_into()?)];
    if let Some(host) = host_name().filter(|host| host != "localhost") {
        names.push(SanType::DnsName(host.try_into()?));
    }
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    if !listen.is_unspecified() && !addresses.contains(&listen) {
        addresses.push(listen);
    }
    names.extend(addresses.into_iter().map(SanType::IpAddress));

    // The clocks of clients are not exact.
    let begin = now.minus(DAY);
    let since_epoch = begin.since(Timestamp::from_micros(0));
    let mut params = CertificateParams::default();
    params.not_before =
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(since_epoch.as_secs());
    params.not_after = params.not_before + LIFE;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// The directory of the certificate that is served when none is configured.
pub fn make_directory(data_dir: &Path) -> Result<(), TlsError> {
    private_dir(&data_dir.join("tls"))
}

pub(super) fn private_dir(dir: &Path) -> Result<(), TlsError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(TlsError::Write { path: dir.into(), source: error })
        }
        _ => Ok(()),
    }
}

/// After a power cut either the old file is there or the new one, whole.
pub(super) fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), TlsError> {
    let temporary = path.with_extension("new");
    let write = || -> io::Result<()> {
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        let dir = path.parent().unwrap_or(Path::new("."));
        File::open(dir)?.sync_all()
    };
    write().map_err(|source| TlsError::Write { path: path.into(), source })
}
