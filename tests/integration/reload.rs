//! A changed configuration and a new certificate, taken over by a server that runs.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;
use rcgen::{CertificateParams, KeyPair};
use strongroom::kernel::Runtime;
use tempfile::TempDir;

use crate::app::TestApp;
use crate::server::{self, Server};
use crate::setup::{ADMIN, set_up};

/// Far more than anything here takes.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

fn written(directory: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = directory.join(name);
    let new = directory.join("new");
    std::fs::write(&new, text).unwrap();
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::rename(new, &path).unwrap();
    path
}

/// Waits until something is so; says what was seen last when it never is.
pub fn until<T: std::fmt::Debug>(
    what: &str,
    look: impl Fn() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let mut seen = look();
    for _ in 0..TRIES {
        if is_so(&seen) {
            return seen;
        }
        std::thread::sleep(PAUSE);
        seen = look();
    }
    panic!("{what}: {seen:?}");
}

fn log(data: &Path) -> String {
    std::fs::read_to_string(server::errors(data)).unwrap_or_default()
}

fn hang_up(server: &Server) {
    let pid = rustix::process::Pid::from_raw(server.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
}

/// The fingerprint of the certificate that somebody new is shown.
pub fn shown_to_clients(url: &str) -> String {
    let address = url.strip_prefix("https://").unwrap();
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    let config = connector.build().configure().unwrap().verify_hostname(false);
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let connected = config.connect("localhost", stream).unwrap();
    let certificate = connected.ssl().peer_certificate().unwrap();
    let digest = certificate.digest(MessageDigest::sha256()).unwrap();
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

struct Pair {
    certificate: String,
    key: String,
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(Runtime::system().now().as_micros() / 1_000_000).unwrap()
}

fn pair(days: i64) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned)).unwrap();
    let end = now() + u64::try_from(days * 86_400).unwrap();
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(end);
    let certificate = params.self_signed(&key).unwrap().pem();
    Pair { certificate, key: key.serialize_pem() }
}

/// Actions of the platform's log with the text of their entries, oldest first.
pub fn entries(app: &TestApp, action: &str) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("out.jsonl");
    let query = format!("action:{action}");
    app.cli(
        &[
            "audit",
            "export",
            "--platform",
            "--format",
            "jsonl",
            "--query",
            &query,
            "--out",
            out.to_str().unwrap(),
        ],
        "",
    );
    std::fs::read_to_string(out).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn limits_are_taken_over_on_sighup_and_what_needs_a_restart_is_named() {
    let directory = TempDir::new().unwrap();
    let text = |bytes: u32, workers: u32| {
        format!("[server]\nworkers = {workers}\n[limits]\nbody_bytes = {bytes}\n")
    };
    let file = written(directory.path(), "strongroom.toml", &text(100_000, 2), 0o640);
    let app = TestApp::with(&[("STRONGROOM_CONFIG", file.to_str().unwrap())]);
    let token = app.tenant("acme");
    let client = app.client(&token);
    let large = serde_json::json!({ "subject": "x".repeat(20_000) });
    let path = "/api/v1/conversations/acme";
    assert_ne!(client.post(path, &large).await.status, 413);

    written(directory.path(), "strongroom.toml", &text(10_000, 3), 0o640);
    hang_up(&app.server);
    let taken = until("taken over", || entries(&app, "config.reloaded"), |found| found.len() == 1);
    assert!(taken[0].contains("limits.body_bytes"), "{taken:?}");
    assert!(taken[0].contains("needsRestart") && taken[0].contains("server.workers"), "{taken:?}");
    assert_eq!(client.post(path, &large).await.status, 413);
    until(
        "it says so",
        || log(app.data()),
        |log| log.contains("needs a restart") && log.contains("server.workers"),
    );
}

#[tokio::test]
async fn a_broken_file_leaves_everything_as_it_was_and_is_on_record() {
    let directory = TempDir::new().unwrap();
    let good = "[limits]\nbody_bytes = 10000\n";
    let file = written(directory.path(), "strongroom.toml", good, 0o640);
    let app = TestApp::with(&[("STRONGROOM_CONFIG", file.to_str().unwrap())]);
    let token = app.tenant("acme");
    let broken = "[limits]\nbody_bytes = 100000\n[server]\nworkres = 1\ntls_key = \"/k.pem\"\n";
    written(directory.path(), "strongroom.toml", broken, 0o640);
    hang_up(&app.server);
    let said = until("refused", || log(app.data()), |log| log.contains("stay in force"));
    assert!(said.contains("strongroom.toml:4") && said.contains("set both or neither"), "{said}");
    let large = serde_json::json!({ "subject": "x".repeat(20_000) });
    let answer = app.client(&token).post("/api/v1/conversations/acme", &large).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    // Mended, it is taken over.
    written(directory.path(), "strongroom.toml", "[limits]\nbody_bytes = 100000\n", 0o640);
    hang_up(&app.server);
    until("taken over", || entries(&app, "config.reloaded"), |found| found.len() == 1);
    let refused = entries(&app, "config.refused");
    assert!(refused[0].contains("workres") && refused[0].contains("and 1 more"), "{refused:?}");
    let answer = app.client(&token).post("/api/v1/conversations/acme", &large).await;
    assert_ne!(answer.status, 413, "{}", answer.body);
}

#[test]
fn a_new_certificate_is_served_without_a_signal_and_one_that_does_not_fit_is_not() {
    let directory = TempDir::new().unwrap();
    let dir = directory.path();
    let (one, two, three) = (pair(90), pair(90), pair(90));
    let certificate = written(dir, "cert.pem", &one.certificate, 0o644);
    let key = written(dir, "key.pem", &one.key, 0o600);
    let app = TestApp::with(&[
        ("STRONGROOM_SERVER__TLS_CERTIFICATE", certificate.to_str().unwrap()),
        ("STRONGROOM_SERVER__TLS_KEY", key.to_str().unwrap()),
    ]);
    let first = shown_to_clients(&app.server.url);
    written(dir, "key.pem", &two.key, 0o600);
    written(dir, "cert.pem", &two.certificate, 0o644);
    let second = until("a new one", || shown_to_clients(&app.server.url), |shown| *shown != first);
    let taken = entries(&app, "config.reloaded");
    assert!(taken.len() == 1 && taken[0].contains(&second), "{taken:?}");
    // A key of another certificate.
    written(dir, "key.pem", &three.key, 0o600);
    let refused = until("refused", || entries(&app, "config.refused"), |found| found.len() == 1);
    assert!(refused[0].contains("does not fit"), "{refused:?}");
    assert_eq!(shown_to_clients(&app.server.url), second);
    // On a signal too, it says so and goes on.
    hang_up(&app.server);
    until("refused again", || entries(&app, "config.refused"), |found| found.len() == 2);
    assert_eq!(shown_to_clients(&app.server.url), second);
}

#[test]
fn a_pkcs12_file_is_put_into_place_and_served_and_its_password_is_no_argument() {
    let directory = TempDir::new().unwrap();
    let Pair { certificate, key } = pair(90);
    let key = PKey::private_key_from_pem(key.as_bytes()).unwrap();
    let certificate = X509::from_pem(certificate.as_bytes()).unwrap();
    let mut builder = Pkcs12::builder();
    let file = builder.pkey(&key).cert(&certificate).build2("horse battery").unwrap();
    let path = directory.path().join("vault.p12");
    std::fs::write(&path, file.to_der().unwrap()).unwrap();
    let path = path.to_str().unwrap();
    let app = TestApp::start();
    let before = shown_to_clients(&app.server.url);
    assert_eq!(app.cli(&["tls", "show"], "")["fingerprint"], before);
    let wrong = app.try_cli(&["tls", "import", path, "--password-stdin"], "horse");
    assert!(wrong.code == 1 && wrong.err.contains("password is wrong"), "{wrong:?}");
    let open = written(directory.path(), "open", "horse battery\n", 0o644);
    let open = ["tls", "import", path, "--password-file", open.to_str().unwrap()];
    let refused = app.try_cli(&open, "");
    assert!(refused.code == 1 && refused.err.contains("chmod 600"), "{refused:?}");
    let password = written(directory.path(), "password", "horse battery\n", 0o600);
    let done = app.cli(&["tls", "import", path, "--password-file", password.to_str().unwrap()], "");
    let fingerprint = done["fingerprint"].as_str().unwrap().to_owned();
    assert_ne!(fingerprint, before);
    until("served", || shown_to_clients(&app.server.url), |shown| *shown == fingerprint);
    let key = app.data().join("tls/key.pem");
    assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_end_of_the_certificate_is_on_the_home_the_page_and_in_the_metrics() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, crate::app::PASSWORD).await;
    assert!(!admin.get("/platform/").await.body.contains("certificate ends at"));
    let page = admin.get("/platform/configuration").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let fingerprint = shown_to_clients(&app.server.url);
    for said in [&fingerprint, "Locked", "STRONGROOM_STORE__DATA_DIR", "queue_depth", "Valid"] {
        let said = said.replace("STRONGROOM_STORE__DATA_DIR", "STRONGROOM_DATA_DIR");
        assert!(page.body.contains(&said), "{said}: {}", page.body);
    }
    let metrics = app.anonymous().get("/metrics").await.body;
    let line = metrics.lines().find(|line| line.starts_with("strongroom_tls_expiry_timestamp"));
    let value: f64 = line.and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    assert!(value > now() as f64 + 300.0 * 86_400.0, "{metrics}");
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_said_where_administrators_look_and_by_the_job() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, crate::app::PASSWORD).await;
    let before = shown_to_clients(&app.server.url);
    let Pair { certificate, key } = pair(5);
    written(&app.data().join("tls"), "key.pem", &key, 0o600);
    written(&app.data().join("tls"), "cert.pem", &certificate, 0o644);
    until("served", || shown_to_clients(&app.server.url), |shown| *shown != before);
    app.cli(&["job", "run", "tls.watch"], "");
    let warned =
        until("warned", || entries(&app, "certificate.expiring"), |found| found.len() == 1);
    assert!(warned[0].contains("expires"), "{warned:?}");
    let admin = admin.again(app.data());
    let home = admin.get("/platform/").await;
    assert!(home.body.contains("certificate ends at"), "{}", home.body);
    let page = admin.get("/platform/configuration").await;
    assert!(page.body.contains("Ends soon"), "{}", page.body);
}
