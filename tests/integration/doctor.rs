//! The doctor: what it finds, to whom it says it, and that looking is on record.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::app::{PASSWORD, TestApp, cli};
use crate::client::Session;
use crate::setup::{ADMIN, set_up};

const AUDITOR: &str = "auditor@example.org";

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

fn doctor(app: &TestApp, arguments: &[&str]) -> (i32, Value) {
    let said = app.try_cli(&[&["doctor"], arguments].concat(), "");
    let report = serde_json::from_str(&said.out);
    (said.code, report.unwrap_or_else(|error| panic!("{arguments:?}: {error} {said:?}")))
}

#[test]
fn with_the_server_running_or_stopped_it_says_what_it_found_and_what_to_do() {
    let mut app = TestApp::start();
    app.tenant("acme");
    let (code, running) = doctor(&app, &[]);
    // No backups are set up, and the key lies beside the data.
    assert_eq!((code, &running["result"]), (2, &"fail".into()), "{running}");
    assert!(running["checks"].as_array().unwrap().len() >= 30);
    let beside = check(&running, "root-key-beside-data");
    assert_eq!(beside["state"], "fail");
    assert!(beside["mend"].as_str().unwrap().contains("move root.key"), "{beside}");
    assert_eq!(beside["page"], "docs/doctor.md#root-key-beside-data");
    for well in ["data-directory", "data-files", "tenant-directories", "certificate-expiry"] {
        assert_eq!(check(&running, well)["state"], "ok", "{}", check(&running, well));
    }
    assert_eq!(check(&running, "set-up")["state"], "warn");
    assert_eq!(check(&running, "mail-reachable")["state"], "not-applicable");

    app.server.stop();
    let (_, stopped) = doctor(&app, &["tenant-directories", "streams"]);
    assert_eq!(stopped["checks"].as_array().unwrap().len(), 2);
    assert_eq!(check(&stopped, "tenant-directories")["state"], "ok", "{stopped}");
    assert!(check(&stopped, "streams")["found"].as_str().unwrap().contains("no server"));
}

#[test]
fn a_single_check_that_is_well_ends_with_0_one_to_look_at_with_1_and_an_unknown_name_is_refused() {
    let app = TestApp::start();
    assert_eq!(doctor(&app, &["tls-minimum"]).0, 0);
    assert_eq!(doctor(&app, &["tls-minimum", "security-contact"]).0, 1);
    let said = app.try_cli(&["doctor", "tls"], "");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("doctor --list"), "{said:?}");
    let listed = app.cli(&["doctor", "--list"], "");
    assert!(listed["checks"].as_array().unwrap().len() >= 30);
}

#[test]
fn what_is_open_to_others_is_closed_only_when_somebody_wants_it() {
    let app = TestApp::start();
    let file = app.data().join("platform.db");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let (code, found) = doctor(&app, &["data-files"]);
    assert_eq!((code, mode()), (2, 0o644), "{found}");
    let refused = app.try_cli(&["doctor", "data-files", "--fix"], "y\n");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(mode(), 0o644);
    let (code, mended) = doctor(&app, &["data-files", "--fix", "--yes"]);
    assert_eq!((code, mode()), (0, 0o600), "{mended}");
    assert!(check(&mended, "data-files")["fixed"].is_string(), "{mended}");
}

#[test]
fn where_the_data_cannot_be_opened_the_rest_is_looked_at_all_the_same() {
    const OTHER: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff0";
    let mut app = TestApp::start();
    app.server.stop();
    std::fs::remove_file(app.data().join("root.key")).unwrap();
    let said = cli(app.data(), &[("STRONGROOM_MASTER_KEY", OTHER)], &["doctor", "--json"], "");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(check(&report, "data-directory")["state"], "ok", "{report}");
    let unseen = check(&report, "logs-verified");
    assert_eq!(unseen["state"], "not-applicable");
    assert!(unseen["found"].as_str().unwrap().contains("wrong root key"), "{unseen}");
    assert!(!said.out.contains(OTHER) && !said.err.contains(OTHER));
}

#[tokio::test]
async fn the_console_shows_the_same_and_looking_is_an_entry() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    let stranger = Session::new(&app.server.url, app.data());
    assert_ne!(stranger.get("/platform/doctor").await.status, 200);
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    assert!(admin.get("/platform/jobs").await.body.contains("href=\"/platform/doctor\""));
    let page = admin.get("/platform/doctor").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for said in ["root-key-beside-data", "backup-set-up", "Something needs you"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    let asked = admin.submit("/platform/doctor", "/platform/doctor", &[]).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert!(!asked.body.contains("the network was not asked"));
    let log = admin.get("/platform/audit?q=action:doctor.run").await;
    assert!(log.body.contains("Installation checked"), "{}", log.body);
}

#[tokio::test]
async fn the_console_mends_what_can_be_mended_for_administrators_alone() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let file = app.data().join("platform.db");
    let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();

    let auditor = ["admin", "create", AUDITOR, "--role", "platform-auditor", "--password-stdin"];
    app.cli(&auditor, PASSWORD);
    let auditor = Session::new(&app.server.url, app.data());
    auditor.sign_in("/platform/login", AUDITOR, PASSWORD).await;
    let seen = auditor.get("/platform/doctor").await;
    assert!(seen.body.contains("open to others") && !seen.body.contains("Mend it now"));
    let form = [("check", "data-files")];
    let refused = auditor.submit("/platform/doctor", "/platform/doctor/mend", &form).await;
    assert_eq!((refused.status, mode()), (403, 0o644), "{}", refused.body);

    assert!(admin.get("/platform/doctor").await.body.contains("Mend it now"));
    let unknown = admin.submit("/platform/doctor", "/platform/doctor/mend", &[("check", "")]).await;
    assert_eq!((unknown.status, mode()), (422, 0o644), "{}", unknown.body);
    let mended = admin.submit("/platform/doctor", "/platform/doctor/mend", &form).await;
    assert_eq!((mended.status, mode()), (200, 0o600), "{}", mended.body);
    assert!(mended.body.contains("1 closed to others"), "{}", mended.body);
    let log = admin.get("/platform/audit?q=action:doctor.run").await;
    assert!(log.body.contains("Installation checked"), "{}", log.body);
}

#[tokio::test]
async fn the_console_hands_out_the_bundle_that_the_shell_writes() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let listed = admin.get("/platform/doctor").await.body;
    let made = admin.send("/platform/doctor", "/platform/doctor/support-bundle", &[]).await;
    let unpacked = zstd::decode_all(&*made.bytes().await.unwrap()).unwrap();
    let mut archive = tar::Archive::new(unpacked.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let path = entry.unwrap().path().unwrap().into_owned();
        path.file_name().unwrap().to_str().unwrap().to_owned()
    });
    let names: Vec<_> = entries.collect();
    assert!(names.len() >= 7 && names.iter().all(|name| listed.contains(name)), "{names:?}");
    let log = admin.get("/platform/audit?q=action:doctor.run").await;
    assert!(log.body.contains("Installation checked"), "{}", log.body);
}

#[test]
fn a_server_takes_as_many_open_files_as_it_may_have() {
    let app = TestApp::start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", app.server.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|at| files.split_whitespace().nth(at).unwrap());
    assert_eq!(soft, hard, "{files}");
}
