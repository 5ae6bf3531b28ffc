//! Daily backups through the command line of the real binary, read back with stock tools.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{TestApp, cli};
use crate::client::Client;
use crate::conversations::{message, start_conversation};
use crate::server;

const SECRET: &str = "the combination is 31 17 42";

/// Two people who can read backups, and a place for them.
struct Place {
    directory: TempDir,
    recipients: String,
    target: String,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let recipients: Vec<_> = ["one", "two"]
            .iter()
            .map(|name| {
                let file = directory.path().join(name);
                let made = Command::new("age-keygen").arg("-o").arg(&file).output().unwrap();
                assert!(made.status.success(), "{made:?}");
                let text = std::fs::read_to_string(&file).unwrap();
                let line = text.lines().find(|line| line.contains("public key")).unwrap();
                line.rsplit(' ').next().unwrap().to_owned()
            })
            .collect();
        let target = format!("file://{}", directory.path().join("target").display());
        Self { directory, recipients: recipients.join(","), target }
    }

    fn settings(&self) -> [(&str, &str); 2] {
        [
            ("STRONGROOM_BACKUP__RECIPIENTS", &self.recipients),
            ("STRONGROOM_BACKUP__TARGETS", &self.target),
        ]
    }

    fn key(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What an auditor does without this program.
    fn unpack(&self, archive: &Path, key: &str) -> PathBuf {
        let plain = self.directory.path().join(format!("plain-{key}.db"));
        let script = "age -d -i \"$1\" \"$2\" | zstd -d -q -f -o \"$3\"";
        let done = Command::new("sh")
            .args(["-c", script, "sh"])
            .args([&self.key(key), archive, &plain])
            .status()
            .unwrap();
        assert!(done.success());
        plain
    }
}

fn sqlite(file: &Path, sql: &str) -> String {
    let asked = Command::new("sqlite3").arg(file).arg(sql).output().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    String::from_utf8(asked.stdout).unwrap().trim().to_owned()
}

/// Made archives of a kind and tenant.
fn archives<'a>(made: &'a Value, kind: &str, tenant: Option<&str>) -> Vec<&'a Value> {
    let all = made["archives"].as_array().unwrap().iter();
    all.filter(|one| one["kind"] == kind && one["tenant"].as_str() == tenant).collect()
}

fn file(archive: &Value) -> PathBuf {
    archive["file"].as_str().unwrap().into()
}

async fn say_secret(api: &Client) {
    let conversation = start_conversation(api).await;
    let place = format!("/api/v1/conversations/acme/{conversation}/messages");
    api.post(&place, &message(SECRET)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_tools_read_an_archive_and_find_everything_sealed_still_sealed() {
    let place = Place::new();
    let app = TestApp::with(&place.settings());
    let api = app.client(app.tenant("acme"));
    say_secret(&api).await;
    let blobs = app.data().join("tenants").join(tenant_id(&app)).join("blobs/ab");
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join("cdef"), [7; 5000]).unwrap();

    let made = app.cli(&["backup", "run"], "");
    assert_eq!(made["ok"], true, "{made}");
    let data = archives(&made, "data", Some("acme"))[0];
    for key in ["one", "two"] {
        let plain = place.unpack(&file(data), key);
        let sql = "PRAGMA integrity_check; SELECT count(*) FROM conversations;
                   SELECT max(seq) FROM audit_entries";
        assert_eq!(sqlite(&plain, sql), format!("ok\n1\n{}", data["entries"]), "{key}");
        let bytes = std::fs::read(&plain).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
    let keys = place.unpack(&file(archives(&made, "keys", Some("acme"))[0]), "one");
    assert_eq!(sqlite(&keys, "SELECT count(*) FROM keys WHERE purpose = 'file'"), "1");
    let blobs = place.unpack(&file(archives(&made, "blobs", Some("acme"))[0]), "one");
    let listed = Command::new("tar").arg("-tf").arg(&blobs).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().trim(), "blobs/ab/cdef");
    assert_eq!(archives(&made, "root", None).len(), 1);
    assert_eq!(archives(&made, "data", None).len(), 1);

    let listed = app.cli(&["backup", "list"], "");
    let listed: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|one| &one["path"]).collect();
    for archive in made["archives"].as_array().unwrap() {
        assert!(listed.contains(&&archive["path"]), "{archive} in {listed:?}");
    }
    let owner = "/api/v1/audit/acme/events?q=action:backup.completed";
    let auditor = app.client(app.key("acme", "auditor"));
    assert_eq!(auditor.list(owner).await.len(), 1, "the tenant's own log says so");

    assert_eq!(app.cli(&["backup", "verify"], "")["ok"], true);
    let key = place.key("one");
    let checked = app.cli(&["backup", "verify", "--identity", key.to_str().unwrap()], "");
    assert_eq!(checked["ok"], true, "{checked}");
    assert!(!app.data().join("backup-scratch").exists());
    let refused = app.try_cli(&["backup", "verify", "--identity", "/dev/null"], "");
    assert_eq!(refused.code, 1, "{refused:?}");
}

fn tenant_id(app: &TestApp) -> String {
    let listed = app.cli(&["tenant", "list"], "");
    let tenants = listed["items"].as_array().unwrap();
    tenants.iter().find(|one| one["slug"] == "acme").unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn without_anybody_who_could_read_it_no_backup_is_made_and_the_way_out_is_said() {
    let app = TestApp::start();
    let refused = app.try_cli(&["backup", "run"], "");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("age-keygen"), "{refused:?}");
    assert_eq!(app.cli(&["backup", "list"], "")["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_into_a_directory_works_without_a_server_and_is_in_no_catalogue() {
    let place = Place::new();
    let settings = [place.settings()[0]];
    let mut app = TestApp::with(&settings);
    app.tenant("acme");
    app.server.stop();
    let target = place.directory.path().join("usb");
    let args =
        ["backup", "run", "--tenant", "acme", "--target", target.to_str().unwrap(), "--json"];
    let said = cli(app.data(), &settings, &args, "");
    assert_eq!(said.code, 0, "{said:?}");
    let made: Value = serde_json::from_str(&said.out).unwrap();
    let data = file(archives(&made, "data", Some("acme"))[0]);
    assert!(data.starts_with(&target));
    assert_eq!(sqlite(&place.unpack(&data, "two"), "PRAGMA integrity_check"), "ok");
    assert!(archives(&made, "data", None).is_empty());
    let listed = cli(app.data(), &settings, &["backup", "list", "--json"], "");
    assert!(listed.out.contains("\"items\":[]"), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_made_while_four_write_are_whole_and_nobody_is_turned_away() {
    let place = Place::new();
    let app = TestApp::with(&place.settings());
    let api = app.client(app.tenant("acme"));
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (api, stop, written) = (api.clone(), stop.clone(), written.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({
                        "action": "backup.tested",
                        "customFields": { "padding": "x".repeat(500) },
                    });
                    api.post("/api/v1/audit/acme/events", &body).await.expect(201);
                    written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = written.load(Ordering::Relaxed);
        let made = tokio::task::block_in_place(|| app.cli(&["backup", "run"], ""));
        assert!(written.load(Ordering::Relaxed) > before, "writers stood still");
        let data = archives(&made, "data", Some("acme"))[0];
        assert!(data["entries"].as_u64().unwrap() >= before);
        let plain = place.unpack(&file(data), "one");
        let sql = "PRAGMA integrity_check; SELECT max(seq) FROM audit_entries";
        assert_eq!(sqlite(&plain, sql), format!("ok\n{}", data["entries"]));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_leaves_nothing_that_is_listed_but_not_whole() {
    let place = Place::new();
    let mut app = TestApp::with(&place.settings());
    let api = app.client(app.tenant("acme"));
    say_secret(&api).await;
    app.tenant("globex");
    for round in 0..6_u64 {
        let mut command = server::command(app.data(), &place.settings());
        command.args(["backup", "run"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(20 + round * 45)).await;
        app.crash_and_restart();
        run.wait().unwrap();
        let checked = app.cli(&["backup", "verify"], "");
        assert_eq!(checked["ok"], true, "round {round}: {checked}");
        let unknown: Vec<_> = found(&place).into_iter().filter(|path| !is_known(path)).collect();
        assert!(unknown.is_empty(), "round {round}: {unknown:?}");
    }
    let made = app.cli(&["backup", "run"], "");
    assert_eq!((&made["ok"], archives(&made, "data", None).len()), (&true.into(), 1));
    assert_eq!(app.cli(&["backup", "verify"], "")["ok"], true);
}

fn found(place: &Place) -> Vec<PathBuf> {
    let (mut waiting, mut files) = (vec![place.directory.path().join("target")], Vec::new());
    while let Some(path) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else { continue };
        for entry in entries.map(Result::unwrap) {
            match entry.metadata().unwrap().is_dir() {
                true => waiting.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    files
}

/// Nothing but what an archive, its description or an unfinished one is called.
fn is_known(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    // What is being written has a `#` and a number at its end, which no listing shows.
    let name = name.rsplit_once('#').map_or(name, |(name, _)| name);
    [".age", ".manifest", ".note", ".partial", ".jsonl"].iter().any(|end| name.ends_with(end))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_harms_nothing() {
    let place = Place::new();
    let mut app = TestApp::with(&place.settings());
    let api = app.client(app.tenant("acme"));
    let conversation = start_conversation(&api).await;
    let messages = format!("/api/v1/conversations/acme/{conversation}/messages");
    let long: Vec<_> = (0..100).map(|n| message(&format!("{n} {}", "x".repeat(20_000)))).collect();
    api.post(&messages, &json!(long)).await.expect(201);
    app.server.stop();
    // Files of more than a mebibyte cannot be written: the tenant's archive is one.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" backup run --tenant acme --json";
    let mut limited = Command::new("/bin/sh");
    limited.env_clear().envs(place.settings()).env("STRONGROOM_DATA_DIR", app.data());
    limited.args(["-c", script, env!("CARGO_BIN_EXE_strongroom")]);
    let said = limited.output().unwrap();
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let told = String::from_utf8(said.stderr).unwrap();
    assert!(told.contains("cannot be written") && told.contains("data/"), "{told}");
    assert!(!found(&place).iter().any(|path| path.extension().is_some_and(|end| end == "partial")));
    let listed = cli(app.data(), &place.settings(), &["backup", "list", "--json"], "");
    assert!(!listed.out.contains("\"kind\":\"data\""), "{listed:?}");
    for args in [&["backup", "run", "--json"][..], &["audit", "verify", "--json"]] {
        let said = cli(app.data(), &place.settings(), args, "");
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_shortened_exchanged_and_renamed_archives_are_told() {
    let place = Place::new();
    let app = TestApp::with(&place.settings());
    app.tenant("acme");
    app.tenant("globex");
    let made = app.cli(&["backup", "run"], "");
    let one = |kind: &str, tenant: &str| file(archives(&made, kind, Some(tenant))[0]);
    let (acme, globex) = (one("data", "acme"), one("data", "globex"));
    let original = std::fs::read(&acme).unwrap();
    let found = |why: &str, expected: &str| {
        let said = app.try_cli(&["backup", "verify"], "");
        assert_eq!(said.code, 1, "{why}: {said:?}");
        let told: Value = serde_json::from_str(&said.out).unwrap();
        let bad: Vec<_> =
            told["archives"].as_array().unwrap().iter().filter(|one| one["ok"] == false).collect();
        assert!(bad.iter().any(|one| one["tenant"] == "acme"), "{why}: {told}");
        let text = bad[0]["error"].as_str().unwrap();
        assert!(text.contains(expected), "{why}: {text}");
    };
    let mut changed = original.clone();
    changed[original.len() / 2] ^= 1;
    std::fs::write(&acme, &changed).unwrap();
    found("a flipped bit", "its hash");
    std::fs::write(&acme, &original[..original.len() - 1]).unwrap();
    found("cut off", "its size");
    std::fs::write(&acme, std::fs::read(&globex).unwrap()).unwrap();
    found("another tenant's archive", "its ");
    let manifest = |archive: &Path| PathBuf::from(format!("{}.manifest", archive.display()));
    let own = std::fs::read(manifest(&acme)).unwrap();
    std::fs::copy(manifest(&globex), manifest(&acme)).unwrap();
    found("another tenant's archive with its manifest", "lies where");
    std::fs::write(&acme, &original).unwrap();
    std::fs::write(manifest(&acme), String::from_utf8(own.clone()).unwrap().replace('1', "2"))
        .unwrap();
    found("a forged manifest", "not signed");
    std::fs::remove_file(&acme).unwrap();
    std::fs::write(manifest(&acme), &own).unwrap();
    found("no archive", "it is missing");
    std::fs::write(&acme, &original).unwrap();
    assert_eq!(app.cli(&["backup", "verify"], "")["ok"], true);
}
