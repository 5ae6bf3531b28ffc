//! The root key is replaced while nothing is lost and the former one opens nothing any more.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::app::{Said, TestApp, cli};
use crate::server::Server;

const ONE: &str = "6f1e5d4c3b2a19087f6e5d4c3b2a19086f7e8d9cabbccddeef0123456789abcd";
const TWO: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff0";
const FILE: &str = "STRONGROOM_MASTER_KEY_FILE";
const FROM: &str = "STRONGROOM_ROOT_KEY__PASSPHRASE_FROM";

/// A file of the operator's own, beside the data directory.
fn secret(app: &TestApp, name: &str, text: &str) -> PathBuf {
    let path = app.data().with_file_name(name);
    std::fs::write(&path, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

fn with<'a>(setting: &'a str, path: &'a Path) -> [(&'a str, &'a str); 1] {
    [(setting, path.to_str().unwrap())]
}

fn restart(app: &mut TestApp, settings: &[(&str, &str)]) {
    app.server.stop();
    app.server = Server::start(app.data(), settings);
}

/// Of what each key that opens the installation is made, and whether it is in use.
fn listed(answer: &Value) -> Vec<(&str, bool)> {
    let keys = answer["rootKeys"].as_array().unwrap().iter();
    keys.map(|key| (key["madeOf"].as_str().unwrap(), key["inUse"].as_bool().unwrap())).collect()
}

fn ran(app: &TestApp, settings: &[(&str, &str)], args: &[&str]) -> Said {
    cli(app.data(), settings, &[&["root-key"], args, &["--json"]].concat(), "")
}

fn done(app: &TestApp, settings: &[(&str, &str)], args: &[&str]) -> Value {
    let said = ran(app, settings, args);
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

#[tokio::test]
async fn a_key_that_lay_beside_the_data_gives_way_to_one_that_never_did() {
    let (mut app, token) = TestApp::with_tenant();
    let new = secret(&app, "new.key", ONE);
    let new = with(FILE, &new);
    let added = app.cli(&["root-key", "add", "--file", new[0].1], "");
    assert_eq!(listed(&added), [("key", true), ("key", false)]);
    // Whoever stops half-way still has the former one.
    restart(&mut app, &[]);
    restart(&mut app, &new);
    assert_eq!(listed(&done(&app, &new, &["list"])), [("key", false), ("key", true)]);
    assert!(app.data().join("root.key").exists());
    assert_eq!(listed(&done(&app, &new, &["retire"])), [("key", true)]);
    assert!(app.data().join("root.key").exists(), "archives of before may need it");
    assert_eq!(listed(&done(&app, &new, &["retire"])), [("key", true)]);
    assert!(!app.data().join("root.key").exists(), "the key that opens nothing any more");

    app.server.stop();
    assert!(Server::try_start(app.data(), &[]).is_err(), "it started without its key");
    app.server = Server::start(app.data(), &new);
    app.client(&token).get("/api/v1/conversations/acme").await.expect(200);
    let out = app.data().with_file_name("log.jsonl");
    let export =
        ["audit", "export", "--platform", "--format", "jsonl", "--out", out.to_str().unwrap()];
    assert_eq!(cli(app.data(), &new, &export, "").code, 0);
    let entries = std::fs::read_to_string(out).unwrap();
    for action in ["root_key.added", "root_key.retired"] {
        assert!(entries.contains(action), "{action}: {entries}");
    }
    assert!(!entries.contains(ONE));
}

#[test]
fn a_passphrase_takes_the_place_of_a_key_and_another_passphrase_its() {
    let mut app = TestApp::start();
    let first = secret(&app, "first", "orchid lantern harbour 19 meridian\n");
    let second = secret(&app, "second", "quartz bellows thimble 44 estuary\n");
    let (first, second) = (with(FROM, &first), with(FROM, &second));
    app.cli(&["root-key", "add", "--passphrase-from", first[0].1], "");
    restart(&mut app, &first);
    done(&app, &first, &["retire"]);
    done(&app, &first, &["add", "--passphrase-from", second[0].1]);
    restart(&mut app, &second);
    assert_eq!(
        listed(&done(&app, &second, &["list"])),
        [("passphrase", false), ("passphrase", true)]
    );
    done(&app, &second, &["retire"]);
    app.server.stop();
    let said = Server::try_start(app.data(), &first).err().expect("it started");
    assert!(said.contains("wrong passphrase"), "{said}");
    app.server = Server::start(app.data(), &second);
}

#[test]
fn what_would_lock_everybody_out_or_help_nobody_is_refused_and_an_addition_can_be_taken_back() {
    let app = TestApp::start();
    let [one, two] = [("one", ONE), ("two", TWO)].map(|(name, text)| secret(&app, name, text));
    let weak = secret(&app, "weak", "00000000000000000000000000000000");
    let [one, two, weak] = [&one, &two, &weak].map(|path| path.to_str().unwrap());
    let refused = |args: &[&str], why: &str| {
        let said = ran(&app, &[], args);
        assert!(said.code != 0 && said.err.contains(why), "{args:?}: {said:?}");
    };
    refused(&["retire"], "no other root key");
    refused(&["add"], "--file");
    refused(&["add", "--file", weak], "weak");
    refused(&["add", "--passphrase-from", weak], "passphrase");
    app.cli(&["root-key", "add", "--file", one], "");
    refused(&["add", "--file", one], "already");
    refused(&["add", "--file", two], "two root keys");
    // Never started with: retiring leaves the one that is in use.
    assert_eq!(listed(&app.cli(&["root-key", "retire"], "")), [("key", true)]);
    assert!(app.data().join("root.key").exists());
    app.cli(&["root-key", "add", "--file", two], "");
}

#[test]
fn a_key_that_is_in_use_is_never_deleted_though_it_lies_beside_the_data_and_was_given_from_elsewhere()
 {
    let mut app = TestApp::start();
    let beside = app.data().join("root.key");
    let copy = secret(&app, "copy", &std::fs::read_to_string(&beside).unwrap());
    let new = secret(&app, "new", ONE);
    app.cli(&["root-key", "add", "--file", new.to_str().unwrap()], "");
    let copy = with(FILE, &copy);
    restart(&mut app, &copy);
    done(&app, &copy, &["retire"]);
    assert!(beside.exists());
    restart(&mut app, &[]);

    app.cli(&["root-key", "add", "--file", new.to_str().unwrap()], "");
    let new = with(FILE, &new);
    restart(&mut app, &new);
    done(&app, &new, &["retire"]);
    assert!(beside.exists());
    done(&app, &new, &["retire"]);
    assert!(!beside.exists());
    assert!(ran(&app, &new, &["retire"]).err.contains("no other root key"));
}
