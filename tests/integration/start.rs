//! What a start makes, and what it refuses, saying what to do.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::app::{TestApp, cli};
use crate::server::Server;

const KEY: &str = "STRONGROOM_MASTER_KEY";
const ONE: &str = "6f1e5d4c3b2a19087f6e5d4c3b2a19086f7e8d9cabbccddeef0123456789abcd";
const OTHER: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff0";

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_first_start_makes_everything_and_prints_a_setup_link() {
    let app = TestApp::start();
    let greeting = app.server.greeting.join("\n");
    let link = format!("{}/setup?token=", app.server.url);
    assert!(greeting.contains(&link), "{greeting}");
    assert_eq!(mode(app.data()), 0o700);
    assert_eq!(mode(&app.data().join("root.key")), 0o600);
    assert_eq!(mode(&app.data().join("root.json")), 0o600);
}

#[tokio::test]
async fn health_is_answered_to_anybody() {
    let app = TestApp::start();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.anonymous().get(path).await.status, 200, "{path}");
    }
    let openapi = app.anonymous().get("/api/v1/openapi.json").await.expect(200);
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"), "{openapi}");
    assert!(openapi["paths"]["/api/v1/conversations/{tenant}"]["post"].is_object());
}

#[test]
fn a_second_server_on_the_directory_is_refused_and_the_first_goes_on() {
    let app = TestApp::start();
    let said = Server::try_start(app.data(), &[]).err().expect("it started");
    assert!(said.contains("process"), "{said}");
    app.tenant("acme");
}

#[test]
fn a_wrong_root_key_is_refused_with_the_cure_and_nothing_is_lost() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    Server::start(&data, &[(KEY, ONE)]).stop();
    assert!(!data.join("root.key").exists(), "a key was made although one was given");
    let said = Server::try_start(&data, &[(KEY, OTHER)]).err().expect("it started");
    assert!(said.contains("wrong root key") && said.contains(KEY), "{said}");
    assert!(!said.contains(OTHER), "the message shows the key");
    let said = Server::try_start(&data, &[]).err().expect("it started");
    assert!(said.contains(KEY), "{said}");
    Server::start(&data, &[(KEY, ONE)]);
}

#[test]
fn data_of_a_newer_release_is_refused_with_the_cure() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    Server::start(&data, &[]).stop();
    let root = data.join("root.json");
    let text = std::fs::read_to_string(&root).unwrap();
    std::fs::write(&root, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
    let said = Server::try_start(&data, &[]).err().expect("it started");
    assert!(said.contains("newer release"), "{said}");
    std::fs::write(&root, text).unwrap();
    Server::start(&data, &[]);
}

#[test]
fn a_server_that_is_asked_to_stop_ends_well_and_starts_again() {
    let (mut app, _) = TestApp::with_tenant();
    assert_eq!(app.server.stop(), Some(0));
    let said = cli(app.data(), &[], &["tenant", "list", "--json"], "");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("acme"), "{said:?}");
    app.crash_and_restart();
    assert!(!app.server.greeting.join("\n").contains("/setup?"), "{:?}", app.server.greeting);
}

#[test]
fn a_shell_is_told_how_to_use_a_verb_and_what_failed() {
    let (app, _) = TestApp::with_tenant();
    assert_eq!(app.try_cli(&["tenant", "create"], "").code, 2);
    let said =
        app.try_cli(&["tenant", "create", "acme", "--name", "x", "--owner", "a@b.example"], "");
    assert_eq!(said.code, 1, "the name is taken: {said:?}");
    assert!(!said.err.is_empty() && said.out.is_empty(), "{said:?}");
}
