//! Certificates from a certificate authority of the site, by ACME, with a real one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use openssl::hash::MessageDigest;
use openssl::ssl::{SslConnector, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use serde_json::Value;

use crate::app::{PASSWORD, TestApp, cli};
use crate::pebble::{self, Pebble, connect, free_port};
use crate::reload::{entries, until};
use crate::server::Server;
use crate::setup::{ADMIN, set_up};

/// Settings of a server that asks this authority.
fn asking(pebble: &Pebble) -> Vec<(&'static str, String)> {
    vec![
        ("STRONGROOM_ACME__DIRECTORY", pebble.directory_url()),
        ("STRONGROOM_ACME__CA", pebble.ca()),
        ("STRONGROOM_ACME__NAMES", "localhost,127.0.0.1".to_owned()),
        ("STRONGROOM_LOG__LEVEL", "debug".to_owned()),
    ]
}

fn start(settings: &[(&'static str, String)]) -> TestApp {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    TestApp::with(&settings)
}

fn address(app: &TestApp) -> SocketAddr {
    app.server.url.strip_prefix("https://").unwrap().parse().unwrap()
}

/// The fingerprint of the certificate that somebody is shown who believes this root alone.
fn shown(app: &TestApp, root: &str) -> Result<String, String> {
    let stream = connect(address(app), &X509::from_pem(root.as_bytes()).unwrap(), &[])?;
    let certificate = stream.ssl().peer_certificate().unwrap();
    let digest = certificate.digest(MessageDigest::sha256()).unwrap();
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
}

/// Waits until such a one is shown a certificate.
fn believed(app: &TestApp, pebble: &Pebble) -> String {
    let root = pebble.root();
    let seen = until("a certificate", || (shown(app, &root), said(app)), |(it, _)| it.is_ok());
    seen.0.unwrap()
}

/// What the last try brought.
fn said(app: &TestApp) -> Value {
    app.cli(&["tls", "show"], "")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The state of one of the doctor's checks, and what it found.
fn doctor(app: &TestApp) -> (String, String) {
    let said = app.try_cli(&["doctor", "acme"], "");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let check = &report["checks"][0];
    let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
    (text("state"), text("found"))
}

#[test]
fn a_server_gets_its_certificate_by_itself_and_another_when_it_is_asked_to() {
    let pebble = Pebble::started();
    let app = start(&asking(&pebble));
    pebble.tls.lead_to(&app.server.url);
    let server = app.server.id();
    let first = believed(&app, &pebble);

    let told = said(&app);
    assert_eq!((&told["source"], &told["fingerprint"]), (&"acme".into(), &first.clone().into()));
    assert!(told["renewal"].as_str() < told["notAfter"].as_str(), "{told}");
    assert!(told["renewal"].as_str() > told["notBefore"].as_str(), "{told}");
    assert_eq!(told["acme"]["failures"], 0, "{told}");
    let names = told["names"].as_array().unwrap();
    assert!(names.contains(&"localhost".into()) && names.contains(&"127.0.0.1".into()), "{told}");
    let (state, found) = doctor(&app);
    assert_eq!(state, "ok", "{found}");
    until("on record", || entries(&app, "certificate.renewed"), |all| all.len() == 1);
    until(
        "in service",
        || entries(&app, "config.reloaded"),
        |all| all.iter().any(|entry| entry.contains(&first)),
    );

    let directory = app.data().join("tls/acme");
    let key = |file: &str| std::fs::read_to_string(directory.join(file)).unwrap();
    let before = key("certificate.pem");
    let renewed = app.cli(&["tls", "renew"], "");
    let second = renewed["fingerprint"].as_str().unwrap().to_owned();
    assert_ne!(second, first);
    let root = pebble.root();
    let seen = until("served", || shown(&app, &root), |seen| *seen == Ok(second.clone()));
    assert_eq!(seen, Ok(second));
    assert_eq!(app.server.id(), server, "it is the same server");

    let after = key("certificate.pem");
    let secret = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    assert_ne!(secret(&before), secret(&after), "each certificate has a key of its own");
    assert_eq!(mode(&directory), 0o700);
    for file in ["certificate.pem", "account.json"] {
        assert_eq!(mode(&directory.join(file)), 0o600, "{file}");
    }
    let account: Value = serde_json::from_str(&key("account.json")).unwrap();
    let account = account["credentials"]["key_pkcs8"].as_str().unwrap();
    let log = app.errors();
    for secret in [secret(&before), secret(&after), account.to_owned()] {
        assert!(secret.len() > 40 && !log.contains(&secret));
    }
    nobody_else_is_shown_a_challenge(&app, &root);
}

/// Who asks for the certificate of a challenge gets none while nothing is being asked for; who could
/// take another protocol is a client like any other.
fn nobody_else_is_shown_a_challenge(app: &TestApp, root: &str) {
    let root = X509::from_pem(root.as_bytes()).unwrap();
    assert!(connect(address(app), &root, b"\x0aacme-tls/1").is_err());
    let stream = connect(address(app), &root, b"\x0aacme-tls/1\x08http/1.1").unwrap();
    assert_eq!(stream.ssl().selected_alpn_protocol(), Some(&b"http/1.1"[..]));
}

/// While an order runs. Nothing else is said on such a connection.
fn a_challenge_is_shown_to_who_asks_for_it_alone(app: &TestApp) {
    let (usual, _) = credulous(app, b"").unwrap();
    let look = || credulous(app, b"\x0aacme-tls/1").map(|(challenge, _)| challenge);
    let challenge = until("a challenge", look, Result::is_ok).unwrap();
    assert_ne!(challenge, usual);
    assert_eq!(credulous(app, b"\x08http/1.1").unwrap().0, usual);
    let (_, mut stream) = credulous(app, b"\x0aacme-tls/1").unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    let mut stream = credulous(app, b"\x08http/1.1").unwrap().1;
    stream.write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200"));
}

/// The certificate that somebody is shown who believes every one.
fn credulous(app: &TestApp, protocols: &[u8]) -> Result<(Vec<u8>, SslStream<TcpStream>), String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    if !protocols.is_empty() {
        connector.set_alpn_protos(protocols).unwrap();
    }
    let stream = TcpStream::connect(address(app)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let stream =
        connector.build().connect("localhost", stream).map_err(|error| error.to_string())?;
    let certificate = stream.ssl().peer_certificate().unwrap().to_der().unwrap();
    Ok((certificate, stream))
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_authority_may_look_by_http_instead() {
    let pebble = Pebble::started();
    let mut settings = asking(&pebble);
    settings.push(("STRONGROOM_ACME__CHALLENGE", "http-01".to_owned()));
    let listen = format!("127.0.0.1:{}", pebble.http);
    settings.push(("STRONGROOM_SERVER__HTTP_REDIRECT_LISTEN", listen));
    let app = start(&settings);
    believed(&app, &pebble);
    assert_eq!(pebble.tls.seen(), 0);
    let answer = get(pebble.http, "/.well-known/acme-challenge/x");
    assert!(answer.starts_with("HTTP/1.1 308 "), "{answer}");
}

#[test]
fn an_authority_that_is_down_leaves_the_certificate_and_one_set_up_anew_gives_another() {
    let mut pebble = Pebble::started();
    let app = start(&asking(&pebble));
    pebble.tls.lead_to(&app.server.url);
    let first = believed(&app, &pebble);
    let root = pebble.root();

    pebble.stop();
    let failed = app.try_cli(&["tls", "renew"], "");
    assert!(failed.code == 1 && failed.err.contains("cannot be asked"), "{failed:?}");
    assert_eq!(shown(&app, &root), Ok(first.clone()));
    let told = said(&app);
    assert_eq!((&told["fingerprint"], &told["acme"]["failures"]), (&first.into(), &1.into()));
    let (state, found) = doctor(&app);
    assert!(state == "warn" && found.contains("cannot be asked"), "{state} {found}");
    assert_eq!(entries(&app, "certificate.not_renewed").len(), 1);

    // It knows no account and signs with another key.
    pebble.start(false);
    app.cli(&["tls", "renew"], "");
    believed(&app, &pebble);
    assert_eq!(doctor(&app).0, "ok");
}

#[tokio::test]
async fn an_authority_that_another_root_vouches_for_is_not_believed() {
    let (pebble, other) = (Pebble::started(), Pebble::new());
    let mut settings = asking(&pebble);
    settings.push(("STRONGROOM_ACME__CA", other.ca()));
    let app = start(&settings);
    pebble.tls.lead_to(&app.server.url);
    let told = until("asked", || said(&app), |told| told["acme"]["failures"] == 1);
    let why = told["acme"]["error"].as_str().unwrap();
    assert!(why.contains("TLS handshake failed") && why.contains("acme.ca"), "{why}");
    assert_eq!(told["source"], "self-signed", "{told}");
    assert_eq!(doctor(&app).0, "fail");
    assert!(!app.data().join("tls/acme/account.json").exists());
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let page = admin.get("/platform/configuration").await.body;
    for words in ["until the certificate authority at", "TLS handshake failed"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn an_authority_that_wants_a_bound_account_gets_one() {
    let mut pebble = Pebble::new();
    pebble.start(true);
    let settings = asking(&pebble);
    let app = start(&settings);
    pebble.tls.lead_to(&app.server.url);
    let told = until("asked", || said(&app), |told| told["acme"]["failures"] == 1);
    let why = told["acme"]["error"].as_str().unwrap();
    assert!(why.contains("refused") && why.contains("external"), "{why}");
    drop(app);

    let directory = tempfile::TempDir::new().unwrap();
    let key = directory.path().join("eab");
    std::fs::write(&key, pebble::KEY).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut settings = settings;
    settings.push(("STRONGROOM_ACME__EAB_KEY_ID", pebble::KEY_ID.to_owned()));
    settings.push(("STRONGROOM_ACME__EAB_KEY_FILE", key.display().to_string()));
    let mut app = start(&settings);
    pebble.tls.lead_to(&app.server.url);
    believed(&app, &pebble);
    assert!(!app.errors().contains(pebble::KEY));
    // Whoever takes the key out of the configuration keeps the account.
    app.server.stop();
    let bare: Vec<_> = asking(&pebble);
    let bare: Vec<_> = bare.iter().map(|(key, value)| (*key, value.as_str())).collect();
    app.server = Server::start(app.data(), &bare);
    pebble.tls.lead_to(&app.server.url);
    let renewed = cli(app.data(), &bare, &["tls", "renew", "--json"], "");
    assert_eq!(renewed.code, 0, "{renewed:?}");
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_an_order_begins_anew() {
    let pebble = Pebble::started();
    let mut app = start(&asking(&pebble));
    until("it looks", || (pebble.tls.seen(), app.errors()), |(seen, _)| *seen > 0);
    a_challenge_is_shown_to_who_asks_for_it_alone(&app);
    assert!(!app.data().join("tls/acme/certificate.pem").exists());
    app.crash_and_restart();
    pebble.tls.lead_to(&app.server.url);
    believed(&app, &pebble);
    // And after the certificate is there: the same one, at once.
    let before = said(&app);
    app.crash_and_restart();
    assert_eq!(shown(&app, &pebble.root()).ok(), before["fingerprint"].as_str().map(str::to_owned));
    // One that a failing disk damaged keeps nobody out: another is asked for.
    std::fs::write(app.data().join("tls/acme/certificate.pem"), "damaged").unwrap();
    app.crash_and_restart();
    pebble.tls.lead_to(&app.server.url);
    until("another", || shown(&app, &pebble.root()), Result::is_ok).unwrap();
}

#[test]
fn an_authority_that_does_not_find_this_server_says_so() {
    let pebble = Pebble::started();
    let mut settings = asking(&pebble);
    settings.push(("STRONGROOM_ACME__CHALLENGE", "http-01".to_owned()));
    let elsewhere = format!("127.0.0.1:{}", free_port());
    settings.push(("STRONGROOM_SERVER__HTTP_REDIRECT_LISTEN", elsewhere));
    let app = start(&settings);
    let told = until("asked", || said(&app), |told| told["acme"]["failures"] == 1);
    let why = told["acme"]["error"].as_str().unwrap();
    assert!(why.contains("could not see that") && why.contains("is this server"), "{why}");
    // A pause follows, and another start is no way around it.
    assert!(told["acme"]["next"].as_str() > told["acme"]["lastTry"].as_str(), "{told}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_what_to_do() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    let url = ("STRONGROOM_ACME__DIRECTORY", "https://ca.example.org/acme/directory");
    let name = ("STRONGROOM_ACME__NAMES", "vault.example.org");
    let refused = |settings: &[(&str, &str)], why: &str| {
        let said = cli(&data, settings, &["config", "check"], "");
        assert!(said.code == 1 && said.out.contains(why), "{why}: {said:?}");
    };
    refused(&[("STRONGROOM_ACME__DIRECTORY", "http://ca.example.org/"), name], "an https://");
    refused(&[url], "no name to ask");
    refused(&[name], "without acme.directory");
    refused(&[url, ("STRONGROOM_ACME__NAMES", "*.example.org")], "no wildcards");
    refused(&[url, name, ("STRONGROOM_ACME__EAB_KEY_ID", "1")], "set both or neither");
    refused(&[url, name, ("STRONGROOM_ACME__CA", "/nowhere/ca.pem")], "acme.ca");
    // The tests' servers have no redirect.
    refused(&[url, name, ("STRONGROOM_ACME__CHALLENGE", "http-01")], "http_redirect_listen");
    let files =
        [("STRONGROOM_SERVER__TLS_CERTIFICATE", "/c"), ("STRONGROOM_SERVER__TLS_KEY", "/k")];
    refused(&[url, name, files[0], files[1]], "two sources of one certificate");
    let external = ("STRONGROOM_SERVER__EXTERNAL_URL", "https://vault.example.org");
    let said = cli(&data, &[url, external], &["config", "check"], "");
    assert_eq!(said.code, 0, "{said:?}");
}
