//! Restores when something goes wrong: a kill at any step, files that are not what they are called,
//! a full disk, a target that is gone. The source is unharmed, and what is wrong is named.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::app::{Said, TestApp, cli};
use crate::restore::{House, logs, status, write};

/// Kills the server just before the n-th change of names that a restore makes, or that is made below
/// a directory.
pub struct Strike {
    order: PathBuf,
}

impl Strike {
    /// A house whose server can be struck.
    fn house() -> (House, Self) {
        Self::house_with(&[])
    }

    pub fn house_with(more: &[(&'static str, &str)]) -> (House, Self) {
        let house = House::with(|outside| {
            let library = outside.join("strike.so");
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/strike.c");
            let mut build = Command::new("cc");
            build.args(["-shared", "-fPIC", "-o"]).arg(&library).args([source, "-ldl"]);
            let built = build.output().unwrap();
            assert!(built.status.success(), "{built:?}");
            let order = outside.join("order");
            let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
            let own = [
                ("LD_PRELOAD", library.display().to_string()),
                ("STRIKE", order.display().to_string()),
            ];
            own.into_iter().chain(more).collect()
        });
        let order = house.outside.path().join("order");
        (house, Self { order })
    }

    pub fn at(&self, step: usize) {
        std::fs::write(&self.order, step.to_string()).unwrap();
    }
}

/// Steps between two that are tried; every one with `STRONGROOM_EVERY_STEP`.
pub fn stride() -> usize {
    if std::env::var_os("STRONGROOM_EVERY_STEP").is_some() { 1 } else { 3 }
}

/// More than an exchange has.
const MOST: usize = 60;

fn last(app: &TestApp) -> Value {
    app.cli(&["restore", "status"], "")["items"][0].clone()
}

fn nothing_is_left(app: &TestApp, kept: usize) {
    let count = |name: &str| std::fs::read_dir(app.data().join(name)).map_or(0, Iterator::count);
    assert_eq!((count("restoring"), count("restored")), (0, kept));
}

#[tokio::test]
async fn a_server_killed_at_any_step_has_restored_or_undone_all_of_it_or_nothing() {
    let (mut house, strike) = Strike::house();
    let acme = house.app.tenant("acme");
    let early = write(&house.app, &acme, "acme", "early").await;
    house.back_up();
    let late = write(&house.app, &acme, "acme", "late").await;
    let (mut states, mut struck) = (Vec::new(), true);
    for step in (1..MOST).step_by(stride()) {
        strike.at(step);
        struck = house.restore("acme", &[]).code != 0;
        house.app.crash_and_restart();
        let (app, restore) = (&house.app, last(&house.app));
        let restored = restore["state"] == "restored";
        assert!(restored || restore["state"] == "failed", "step {step}: {restore}");
        assert_eq!(status(app, &acme, "acme", &early).await, 200, "step {step}");
        let found = status(app, &acme, "acme", &late).await;
        assert_eq!(found, if restored { 404 } else { 200 }, "step {step}: {restore}");
        assert_eq!(logs(app, "acme")["ok"], true, "step {step}");
        nothing_is_left(app, usize::from(restored));
        let entries = app.client(app.key("acme", "owner")).entries("acme").await;
        let id = restore["id"].as_str().unwrap();
        let is_told = entries
            .iter()
            .any(|entry| entry["action"] == "restore.completed" && entry.to_string().contains(id));
        assert_eq!(is_told, restored, "step {step}: the tenant's own log says so");
        states.push(restored);
        if restored {
            app.cli(&["restore", "undo", id], "");
        }
        if !struck {
            break;
        }
    }
    assert!(!struck, "there are more steps than were tried");
    assert!(states.first() == Some(&false) && states.iter().filter(|it| **it).count() > 1);
    an_undo_that_is_killed(&mut house, &strike, &acme, &late).await;
}

async fn an_undo_that_is_killed(house: &mut House, strike: &Strike, acme: &str, late: &str) {
    let (mut states, mut struck) = (Vec::new(), true);
    let mut id = String::new();
    for step in (1..MOST).step_by(stride()) {
        if states.last() != Some(&"restored") {
            let said = house.restore("acme", &[]);
            let restored: Value = serde_json::from_str(&said.out).expect(&said.err);
            id = restored["id"].as_str().unwrap().to_owned();
        }
        let between = logs(&house.app, "acme")["logId"].clone();
        strike.at(step);
        struck = house.app.try_cli(&["restore", "undo", &id], "").code != 0;
        house.app.crash_and_restart();
        let (app, restore) = (&house.app, last(&house.app));
        let undone = restore["state"] == "undone";
        assert!(undone || restore["state"] == "restored", "undo, step {step}: {restore}");
        let found = status(app, acme, "acme", late).await;
        assert_eq!(found, if undone { 200 } else { 404 }, "undo, step {step}: {restore}");
        let verified = logs(app, "acme");
        assert_eq!(verified["ok"], true, "undo, step {step}");
        let past = verified["past"].as_array().unwrap();
        let is_kept = past.iter().any(|log| log["logId"] == between && log["ok"] == true);
        assert!(is_kept == undone, "undo, step {step}: the log in between is kept: {verified}");
        nothing_is_left(app, usize::from(!undone));
        states.push(if undone { "undone" } else { "restored" });
        if !struck {
            break;
        }
    }
    assert!(!struck, "there are more steps than were tried");
    assert!(states.first() == Some(&"restored"), "{states:?}");
    assert!(states.iter().filter(|it| **it == "undone").count() > 1, "{states:?}");
}

fn tenant_id(app: &TestApp, slug: &str) -> String {
    let listed = app.cli(&["tenant", "list"], "");
    let mut tenants = listed["items"].as_array().unwrap().iter();
    tenants.find(|one| one["slug"] == slug).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A tenant's archives of data in the target, the newest last.
fn archives(house: &House, tenant: &str) -> Vec<PathBuf> {
    let installation = std::fs::read_dir(&house.target).unwrap().next().unwrap().unwrap().path();
    let place = installation.join("data").join(tenant_id(&house.app, tenant));
    let files = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "age")).collect();
    found.sort();
    found
}

fn manifest(archive: &Path) -> PathBuf {
    PathBuf::from(format!("{}.manifest", archive.display()))
}

/// That a restore was refused, naming the file.
fn refused(said: &Said, file: &Path) {
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(said.code != 0 && said.err.contains(name), "{name}: {said:?}");
}

#[tokio::test]
async fn an_archive_that_is_not_what_its_name_says_is_named_and_an_older_one_used_only_when_asked_for()
 {
    let house = House::start();
    let app = &house.app;
    let (acme, globex) = (app.tenant("acme"), app.tenant("globex"));
    let early = write(app, &acme, "acme", "early").await;
    write(app, &globex, "globex", "theirs").await;
    house.back_up();
    let middle = write(app, &acme, "acme", "middle").await;
    house.back_up();
    let late = write(app, &acme, "acme", "late").await;
    let mine = archives(&house, "acme");
    let [older, newest] = &mine[..] else { panic!("{mine:?}") };
    let theirs = archives(&house, "globex").pop().unwrap();
    let own = (std::fs::read(newest).unwrap(), std::fs::read(manifest(newest)).unwrap());
    let from = house.target.to_str().unwrap();

    // Another tenant's, without and with what it was signed with.
    std::fs::copy(&theirs, newest).unwrap();
    refused(&house.restore("acme", &[]), newest);
    refused(&house.restore("acme", &["--from", from]), newest);
    std::fs::copy(manifest(&theirs), manifest(newest)).unwrap();
    refused(&house.restore("acme", &["--from", from]), newest);
    refused(&app.try_cli(&["restore", "plan", "--tenant", "acme", "--from", from], ""), newest);
    // Cut off.
    std::fs::write(newest, &own.0[..own.0.len() - 1]).unwrap();
    std::fs::write(manifest(newest), &own.1).unwrap();
    refused(&house.restore("acme", &[]), newest);
    // Gone.
    std::fs::remove_file(newest).unwrap();
    refused(&house.restore("acme", &[]), newest);
    for id in [&early, &middle, &late] {
        assert_eq!(status(app, &acme, "acme", id).await, 200, "everything is as before");
    }
    nothing_is_left(app, 0);

    let listed = app.cli(&["restore", "list", "--tenant", "acme"], "");
    let items = listed["items"].as_array().unwrap();
    let before = items.iter().map(|it| &it["manifest"]).find(|it| {
        it["path"].as_str().unwrap().ends_with(older.file_name().unwrap().to_str().unwrap())
    });
    let id = before.unwrap()["id"].as_str().unwrap();
    let said = house.restore("acme", &["--backup", id]);
    assert_eq!(said.code, 0, "{said:?}");
    let restored: Value = serde_json::from_str(&said.out).unwrap();
    app.cli(&["restore", "confirm", restored["id"].as_str().unwrap()], "");

    // The other one is of a log that ended with this restore: it can be had, and all logs verify.
    std::fs::write(newest, &own.0).unwrap();
    let newer = items.iter().find(|it| it["manifest"]["id"] != id).unwrap();
    let said = house.restore("acme", &["--backup", newer["manifest"]["id"].as_str().unwrap()]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(status(app, &acme, "acme", &middle).await, 200);
    let verified = logs(app, "acme");
    let past = verified["past"].as_array().unwrap();
    assert!(verified["ok"] == true && past.len() == 2, "{verified}");
    assert!(past.iter().all(|log| log["ok"] == true), "{verified}");
}

#[tokio::test]
async fn what_is_not_set_up_or_not_there_is_said_with_a_way_out() {
    let app = TestApp::start();
    app.tenant("acme");
    let key = app.data().with_file_name("key");
    std::fs::write(&key, "AGE-SECRET-KEY-").unwrap();
    for args in [
        &["restore", "plan", "--tenant", "acme"][..],
        &["restore", "run", "--tenant", "acme", "--yes", "--identity", key.to_str().unwrap()],
    ] {
        let said = app.try_cli(args, "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(!said.err.contains("AGE-SECRET"), "{said:?}");
    }
    let said = app.try_cli(&["restore", "plan", "--tenant", "acme"], "");
    assert!(said.err.contains("there is no backup of acme"), "{said:?}");
    assert_eq!(app.cli(&["restore", "list"], "")["items"], json!([]));
    let said = app.try_cli(&["backup", "list", "--tenant", "nobody"], "");
    assert!(said.code == 1 && said.err.contains("there is no tenant nobody"), "{said:?}");
    let said = app.try_cli(&["restore", "plan", "--tenant", "nobody"], "");
    assert!(said.err.contains("there is no tenant nobody"), "{said:?}");
}

#[tokio::test]
async fn a_target_that_is_gone_fails_a_backup_aloud_and_a_restore_without_harm() {
    let house = House::with(|outside| {
        let url = |name: &str| format!("file://{}", outside.join(name).display());
        vec![("STRONGROOM_BACKUP__TARGETS", format!("{},{}", url("target"), url("second")))]
    });
    let app = &house.app;
    let acme = app.tenant("acme");
    let kept = write(app, &acme, "acme", "kept").await;
    house.back_up();
    let away = house.target.with_file_name("away");
    std::fs::rename(&house.target, &away).unwrap();
    std::fs::create_dir(&house.target).unwrap();
    let made = app.try_cli(&["backup", "run"], "");
    assert_eq!(made.code, 1, "one target was left out: {made:?}");
    let told: Value = serde_json::from_str(&made.out).unwrap();
    let failed = told["failedTargets"].to_string();
    assert!(failed.contains("/target") && !failed.contains("/second"), "{told}");
    assert!(told["failed"] == json!([]), "the other one took everything: {told}");
    assert!(
        std::fs::read_dir(&house.target).unwrap().next().is_none(),
        "the mount point is filled"
    );

    std::fs::rename(house.outside.path().join("second"), house.outside.path().join("gone"))
        .unwrap();
    let plan = app.cli(&["restore", "plan", "--tenant", "acme"], "");
    assert!(plan["unread"].to_string().contains("/second"), "later changes may lie there: {plan}");
    let said = house.restore("acme", &[]);
    assert!(said.code != 0 && said.err.contains("file://"), "{said:?}");
    assert_eq!(status(app, &acme, "acme", &kept).await, 200);
    nothing_is_left(app, 0);
}

#[tokio::test]
async fn a_disk_that_is_full_while_restoring_is_said_and_nothing_changes() {
    let mut house = House::start();
    let token = house.app.tenant("acme");
    let id = write(&house.app, &token, "acme", "large").await;
    let messages = format!("/api/v1/conversations/acme/{id}/messages");
    let long = |n| crate::conversations::message(&format!("{n} {}", "x".repeat(20_000)));
    let long: Vec<_> = (0..100).map(long).collect();
    house.app.client(&token).post(&messages, &json!(long)).await.expect(201);
    house.back_up();
    let late = write(&house.app, &token, "acme", "late").await;
    let before = logs(&house.app, "acme");
    house.app.server.stop();
    // Files of more than a mebibyte cannot be written: the tenant's is one.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";
    let mut limited = Command::new("/bin/sh");
    limited.env_clear().envs(house.given()).env("STRONGROOM_DATA_DIR", house.app.data());
    limited.args(["-c", script, env!("CARGO_BIN_EXE_strongroom")]);
    limited.args(["restore", "run", "--tenant", "acme", "--yes", "--json"]);
    let said = limited.args(["--identity", house.identity()]).output().unwrap();
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.code() == Some(1) && told.contains("the data disk failed"), "{said:?}");
    nothing_is_left(&house.app, 0);
    house.app.crash_and_restart();
    assert_eq!(last(&house.app)["state"], "failed");
    assert_eq!(status(&house.app, &token, "acme", &late).await, 200);
    assert_eq!(logs(&house.app, "acme")["logId"], before["logId"]);
    let said = cli(house.app.data(), &house.given(), &["restore", "status", "--json"], "");
    assert!(said.out.contains("the data disk failed"), "the reason is on record: {said:?}");
}
