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

/// Only root can make a file somebody else's; who is not meets the same with a directory of root's.
#[test]
fn a_verb_of_another_user_makes_nothing_in_an_installation() {
    let mut app = TestApp::start();
    app.server.stop();
    let (place, owner) = if rustix::process::geteuid().is_root() {
        let root = app.data().join("root.json");
        std::os::unix::fs::chown(&root, Some(65534), None).unwrap();
        (app.data().to_owned(), 65534)
    } else {
        (std::path::PathBuf::from("/root"), 0)
    };
    let said =
        cli(&place, &[], &["tenant", "create", "acme", "--name", "A", "--owner", "a@b.c"], "");
    assert!(said.code == 1 && said.err.contains(&format!("sudo -u '#{owner}'")), "{said:?}");
    let tenants = std::fs::read_dir(app.data().join("tenants"));
    assert!(tenants.map_or(true, |mut found| found.next().is_none()));
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
fn a_root_key_that_systemd_hands_over_is_used_and_one_beside_the_data_is_refused() {
    let directory = TempDir::new().unwrap();
    let (data, handed) = (directory.path().join("data"), directory.path().join("credentials"));
    std::fs::create_dir(&handed).unwrap();
    let key = handed.join("strongroom-root-key");
    std::fs::write(&key, ONE).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o400)).unwrap();
    let credentials = ("CREDENTIALS_DIRECTORY", handed.to_str().unwrap());
    Server::start(&data, &[credentials]).stop();
    assert!(!data.join("root.key").exists(), "a key was made although one was given");
    let said = Server::try_start(&data, &[credentials, (KEY, ONE)]).err().expect("it started");
    assert!(said.contains("given twice") && said.contains("keep one of them"), "{said}");
    let beside = data.join("key");
    std::fs::copy(&key, &beside).unwrap();
    let beside = ("STRONGROOM_MASTER_KEY_FILE", beside.to_str().unwrap());
    let said = Server::try_start(&data, &[beside]).err().expect("it started");
    assert!(said.contains("beside it"), "{said}");
    Server::start(&data, &[(KEY, ONE)]);
}

#[test]
fn a_root_key_made_of_a_passphrase_opens_what_it_sealed_and_no_other_does() {
    const FROM: &str = "STRONGROOM_ROOT_KEY__PASSPHRASE_FROM";
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let weak = file("weak", "strongroom123\n");
    let said = Server::try_start(&data, &[(FROM, &weak)]).err().expect("it started");
    assert!(said.contains("six words") && !said.contains("strongroom123"), "{said}");
    assert!(!data.join("root.json").exists());
    let good = file("good", "harbour lantern orchid pebble walnut drizzle\n");
    Server::start(&data, &[(FROM, &good)]).stop();
    let root = std::fs::read_to_string(data.join("root.json")).unwrap();
    assert!(root.contains("argon2id") && !root.contains("harbour"), "{root}");
    assert!(!data.join("root.key").exists());
    for (name, value, says) in [
        (FROM, file("other", "harbour lantern orchid pebble walnut drizzly"), "wrong passphrase"),
        (KEY, ONE.to_owned(), "sealed under a passphrase"),
        (FROM, "terminal".to_owned(), "there is none"),
    ] {
        let said = Server::try_start(&data, &[(name, &value)]).err().expect("it started");
        assert!(said.contains(says), "{said}");
    }
    let said = cli(
        &data,
        &[(FROM, "fd:0")],
        &["tenant", "list"],
        "harbour lantern orchid pebble walnut drizzle\n",
    );
    assert_eq!(said.code, 0, "{said:?}");
    Server::start(&data, &[(FROM, &good)]);
}

#[test]
fn a_passphrase_does_not_open_what_a_key_sealed() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    Server::start(&data, &[(KEY, ONE)]).stop();
    let from = ("STRONGROOM_ROOT_KEY__PASSPHRASE_FROM", "fd:0");
    let said = cli(&data, &[from], &["tenant", "list"], "harbour lantern orchid pebble walnut\n");
    assert!(said.code == 1 && said.err.contains("sealed under a key"), "{said:?}");
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
