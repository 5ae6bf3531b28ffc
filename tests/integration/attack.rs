//! What an attacker tries.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::Session;

fn assert_private(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let facts = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!(facts.permissions().mode() & 0o077, 0, "others may use {}", path.display());
        if facts.is_dir() {
            assert_private(&path);
        }
    }
}

#[tokio::test]
async fn no_file_of_the_data_directory_is_for_others() {
    let (app, token) = TestApp::with_tenant();
    app.client(token).entries("acme").await;
    assert_private(app.data());
}

#[tokio::test]
async fn keys_in_memory_get_into_no_core_dump() {
    let app = TestApp::start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", app.server.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
}

#[tokio::test]
async fn signing_in_does_not_say_whether_a_suspended_tenant_exists() {
    let (app, _) = TestApp::with_tenant();
    app.cli(&["tenant", "suspend", "acme"], "");
    let browser = Session::new(&app.server.url, app.data());
    let wrong = [("email", OWNER), ("password", "wrong password 123")];
    let right = [("email", OWNER), ("password", PASSWORD)];
    let suspended = browser.submit("/t/acme/login", "/t/acme/login", &wrong).await;
    let unknown = browser.submit("/t/nobody/login", "/t/nobody/login", &wrong).await;
    assert_eq!((suspended.status, unknown.status), (401, 401));
    assert_eq!(browser.submit("/t/acme/login", "/t/acme/login", &right).await.status, 403);
}

#[tokio::test]
async fn in_a_frozen_tenant_the_owner_still_takes_rights_away_and_gives_none() {
    let (app, _) = TestApp::with_tenant();
    let key =
        app.cli(&["key", "create", "--tenant", "acme", "--role", "admin", "--name", "stolen"], "");
    let create = ["user", "create", "--tenant", "acme", "m@example.org", "--role", "viewer"];
    let member = app.cli(&create, "");
    let owner = app.session("acme", OWNER, PASSWORD).await;
    app.cli(&["tenant", "freeze", "acme"], "");
    let place = |what: &str, of: &serde_json::Value, act: &str| {
        format!("/t/acme/{what}/{}/{act}", of["id"].as_str().unwrap())
    };
    let revoked = owner.submit("/t/acme/keys", &place("keys", &key, "revoke"), &[]).await;
    assert_eq!(revoked.status, 303, "{}", revoked.body);
    let disabled =
        owner.submit("/t/acme/members", &place("members", &member, "disable"), &[]).await;
    assert_eq!(disabled.status, 303, "{}", disabled.body);
    let enabled = owner.submit("/t/acme/members", &place("members", &member, "enable"), &[]).await;
    assert_eq!(enabled.status, 423, "{}", enabled.body);
    let stolen = app.client(key["token"].as_str().unwrap());
    stolen.get("/api/v1/conversations/acme").await.problem(401, "unauthenticated");
    let log = owner.get("/t/acme/admin/audit").await.body;
    for action in ["api_key.revoked", "user.disabled", "access.denied"] {
        assert!(log.contains(action), "{action}");
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_is_reported_and_the_others_are_checked_all_the_same() {
    let (mut app, _) = TestApp::with_tenant();
    app.tenant("globex");
    let id = app.cli(&["tenant", "list"], "")["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.server.stop(), Some(0));
    let file = app.data().join("tenants").join(id).join("tenant.db");
    std::fs::write(&file, vec![7; 65536]).unwrap();
    let said = app.try_cli(&["audit", "verify"], "");
    assert_eq!(said.code, 1, "{said:?}");
    let all: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let ok: Vec<_> = all["logs"].as_array().unwrap().iter().map(|log| log["ok"] == true).collect();
    assert_eq!((all["ok"] == false, ok), (true, vec![true, false, true]), "{all}");
    assert!(all["logs"][1]["reason"].as_str().unwrap().contains("tenant.db"), "{all}");
}

#[tokio::test]
async fn a_search_of_a_thousand_terms_is_refused_not_run() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let query = "seq:1+".repeat(2000);
    let answer = api.get(&format!("/api/v1/audit/acme/events?q={query}")).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down_and_that_is_in_the_log_once() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS__SIGN_IN_PER_MINUTE", "2")]);
    let api = app.client(app.tenant("acme"));
    let browser = Session::new(&app.server.url, app.data());
    let mut last = 0;
    for _ in 0..6 {
        let fields = [("email", OWNER), ("password", "wrong password 123")];
        let answer = browser.submit("/t/acme/login", "/t/acme/login", &fields).await;
        assert!(!answer.header("ratelimit").is_empty(), "{:?}", answer.headers);
        last = answer.status;
    }
    assert_eq!(last, 429);
    let entries = api.entries("acme").await;
    let slowed = entries.iter().filter(|entry| entry["action"] == "rate.limited");
    assert_eq!(slowed.count(), 1);
}

/// Sends the beginning of a request and reads the first bytes of the answer.
fn begin(app: &TestApp, head: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    let pem = app.data().join("tls").join("cert.pem");
    roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().unwrap();
    let connection = rustls::ClientConnection::new(config.into(), name).unwrap();
    let address = app.server.url.strip_prefix("https://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, stream);
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test]
async fn a_stranger_is_refused_before_their_large_body_is_read() {
    let (app, token) = TestApp::with_tenant();
    let wrong = format!("{token}x");
    for (credential, length) in [
        (String::new(), "Content-Length: 30000000"),
        (String::new(), "Transfer-Encoding: chunked"),
        (format!("Authorization: Bearer {wrong}\r\n"), "Content-Length: 30000000"),
    ] {
        let path = "/api/v1/audit/acme/events";
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{credential}{length}\r\n\r\n[");
        let answer = begin(&app, &head);
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

#[tokio::test]
async fn odd_requests_are_refused_and_break_nothing() {
    let (app, token) = TestApp::with_tenant();
    let api = format!("Authorization: Bearer {token}\r\n");
    let paths = [
        "/api/v1/conversations/acme%2f..%2fglobex",
        "/api/v1/conversations/%2e%2e/acme",
        "/api/v1/conversations/acme/..%2f..%2f..%2froot.key",
        "/api/v1/conversations/acme/%00",
        "/api/v1/conversations/acme%0d%0aX-Evil:%201",
        "/api/v1/audit/acme/events/-1",
        "/api/v1/audit/acme/events/18446744073709551615",
        "/api/v1/audit/acme/events/99999999999999999999999",
        "/api/v1/audit/acme/events?cursor=18446744073709551615",
        "/api/v1/audit/acme/events?q=before:%2B262142-01-01",
        "/api/v1/audit/acme/events?q=seq:18446744073709551615",
        "/api/v1/audit/acme/events?q=%ff%fe",
        "/api/v1/audit/acme/events?from=9999-12-31T23:59:60Z",
        "/static/..%2f..%2froot.key",
        "/static/%2e%2e/app.css",
        "/t/acme%2f..%2f..%2fplatform/login",
        "/t/%0d%0aSet-Cookie:%20x=y/account",
        "/t/..%2f%2fevil.example/account",
        "/t/%2f%2fevil.example",
        "//evil.example/t/acme",
    ];
    for path in paths {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{api}Connection: close\r\n\r\n");
        let answer = begin(&app, &head);
        let status: u16 = answer[9..12].parse().unwrap_or_else(|_| panic!("{path}: {answer}"));
        assert!(status < 500, "{path}: {answer}");
        let evil = |line: &str| {
            let line = line.to_ascii_lowercase();
            line.starts_with("x-evil") || line.starts_with("set-cookie: x=")
        };
        assert!(!answer.lines().any(evil), "{path}: {answer}");
        let to = answer.lines().find_map(|line| line.strip_prefix("location: "));
        assert!(to.is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{path}: {to:?}");
    }
    app.client(token).get("/api/v1/conversations/acme").await.expect(200);
}

#[tokio::test]
async fn every_log_begins_by_saying_so() {
    let (app, token) = TestApp::with_tenant();
    let first = app.client(token).entries("acme").await.remove(0);
    assert_eq!((&first["seq"], &first["action"]), (&1.into(), &"log.opened".into()), "{first}");
    assert_eq!(first["customFields"]["cause"], "new");
}
