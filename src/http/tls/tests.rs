use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use tempfile::TempDir;

use super::*;
use crate::config::Server;

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T05:06:07Z").unwrap()
}

fn identity(server: &Server, data_dir: &Path, now: Timestamp) -> Result<Identity, TlsError> {
    let mut settings = Settings { server: server.clone(), ..Settings::default() };
    settings.store.data_dir = data_dir.into();
    super::identity(&settings, now)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn configured(certificate: &Path, key: &Path) -> Server {
    Server {
        tls_certificate: Some(certificate.into()),
        tls_key: Some(key.into()),
        ..Server::default()
    }
}

fn refusal(certificate: &Path, key: &Path) -> String {
    identity(&configured(certificate, key), Path::new("/nowhere"), now()).err().unwrap().to_string()
}

/// A pair as the first start makes it.
fn pair(dir: &TempDir) -> (PathBuf, PathBuf) {
    identity(&Server::default(), dir.path(), now()).unwrap();
    (dir.path().join("tls/cert.pem"), dir.path().join("tls/key.pem"))
}

#[test]
fn the_first_start_makes_a_certificate_and_the_next_keeps_it() {
    let dir = TempDir::new().unwrap();
    let first = identity(&Server::default(), dir.path(), now()).unwrap();
    let later = identity(&Server::default(), dir.path(), now().plus(DAY * 300)).unwrap();
    assert_eq!((first.source, &first.fingerprint), (Source::SelfSigned, &later.fingerprint));
    assert_eq!(first.fingerprint.len(), 32 * 3 - 1);
    assert_eq!(first.not_after, now().plus(DAY * 364));
    assert_eq!(mode(&dir.path().join("tls")), 0o700);
    assert_eq!(mode(&dir.path().join("tls/key.pem")), 0o600);
    assert_eq!(fs::read_dir(dir.path().join("tls")).unwrap().count(), 2);
}

#[test]
fn our_certificate_is_renewed_in_its_last_month_with_the_same_key() {
    let dir = TempDir::new().unwrap();
    let (certificate, key) = pair(&dir);
    let before = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());
    let late = now().plus(DAY * 370);
    let renewed = identity(&Server::default(), dir.path(), late).unwrap();
    assert_eq!(renewed.not_after, late.plus(DAY * 364));
    assert_ne!(fs::read(&certificate).unwrap(), before.0);
    assert_eq!(fs::read(&key).unwrap(), before.1);
    fs::remove_file(&key).unwrap();
    assert!(identity(&Server::default(), dir.path(), late).is_ok());
}

#[test]
fn somebody_elses_certificate_in_our_place_is_kept_even_when_expired() {
    let dir = TempDir::new().unwrap();
    let (certificate, _) = pair(&dir);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["vault.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let pem = params.self_signed(&key).unwrap().pem();
    fs::write(&certificate, &pem).unwrap();
    fs::write(dir.path().join("tls/key.pem"), key.serialize_pem()).unwrap();
    let kept = identity(&Server::default(), dir.path(), now()).unwrap();
    assert_eq!(kept.source, Source::Foreign);
    assert!(kept.not_after < now());
    assert_eq!(fs::read_to_string(&certificate).unwrap(), pem);
}

#[test]
fn what_is_wrong_with_configured_files_is_said() {
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let ((certificate, key), (other, other_key)) = (pair(&one), pair(&two));
    assert!(identity(&configured(&certificate, &key), one.path(), now()).is_ok());
    assert!(refusal(Path::new("/nowhere/c.pem"), &key).contains("cannot read /nowhere/c.pem"));
    assert!(refusal(&certificate, Path::new("/nowhere/k.pem")).contains("/nowhere/k.pem"));
    assert!(refusal(&key, &key).contains("holds no certificate"));
    assert!(refusal(&other, &key).contains("does not fit"));
    fs::set_permissions(&certificate, Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&certificate, &certificate).contains("holds no private key"));
    fs::set_permissions(&other_key, Permissions::from_mode(0o644)).unwrap();
    assert!(refusal(&other, &other_key).contains("chmod 600"));
}

/// The version and suite that a handshake over memory ends with.
fn handshake(
    minimum: TlsVersion,
    client: &[&'static rustls::SupportedProtocolVersion],
    name: &str,
) -> Result<(rustls::ProtocolVersion, String), rustls::Error> {
    let dir = TempDir::new().unwrap();
    let identity = identity(&Server::default(), dir.path(), now()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(identity.chain[0].clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(now())))
        .with_protocol_versions(client)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    let live = Live::new(Served::new(identity).unwrap());
    let mut server = ServerConnection::new(Arc::new(server_config(&live, minimum).unwrap()))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    let suite = server.negotiated_cipher_suite().unwrap().suite();
    Ok((server.protocol_version().unwrap(), format!("{suite:?}")))
}

#[derive(Debug)]
struct At(Timestamp);

impl rustls::time_provider::TimeProvider for At {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let since = self.0.since(Timestamp::from_micros(0));
        Some(rustls::pki_types::UnixTime::since_unix_epoch(since))
    }
}

#[test]
fn tls_1_3_alone_unless_the_setting_admits_1_2() {
    use rustls::ProtocolVersion::{TLSv1_2, TLSv1_3};
    use rustls::version::{TLS12, TLS13};
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert_eq!(handshake(TlsVersion::V1_3, &[&TLS13, &TLS12], name).unwrap().0, TLSv1_3);
    }
    assert!(handshake(TlsVersion::V1_3, &[&TLS12], "localhost").is_err());
    let (version, suite) = handshake(TlsVersion::V1_2, &[&TLS12], "localhost").unwrap();
    assert_eq!((version, suite.contains("ECDHE_ECDSA")), (TLSv1_2, true));
    assert!(handshake(TlsVersion::V1_3, &[&TLS13], "evil.example").is_err());
}
