//! Somebody with the root key and the machine changes the log: verification names the entry.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use strongroom::config::RootKeyConfig;
use strongroom::crypto::root::{LocalRoot, RootFile};
use strongroom::crypto::{Key32, TenantKeys, mac};
use strongroom::kernel::Runtime;
use strongroom::kernel::id::TenantId;
use strongroom::store::engine::{self, Mode};
use strongroom::store::shelf::FileShelf;

use crate::app::TestApp;

/// What root has to do to get at a tenant's file: every key from the root key down.
fn tenant_file(data: &Path, tenant: TenantId) -> (PathBuf, Key32) {
    let runtime = Runtime::system();
    let shelf_key = |root: &Key32| mac::derive(root, &[b"strongroom/keys.db/v1"]);
    let key = RootKeyConfig::File(data.join("root.key")).load().unwrap().unwrap();
    let file = RootFile::read(&data.join("root.json")).unwrap();
    let root = LocalRoot(Key32::from_slice(key.expose_secret()).unwrap());
    let master = file.unwrap(&root).unwrap();
    let shelf = FileShelf::open(&data.join("keys.db"), &shelf_key(&master)).unwrap();
    let owner = *file.installation_id.bytes();
    let platform = TenantKeys::open(owner, master, Box::new(shelf), &runtime).unwrap();
    let directory = data.join("tenants").join(tenant.to_string());
    let root = platform.tenant_root(tenant).unwrap();
    let shelf = FileShelf::open(&directory.join("keys.db"), &shelf_key(&root)).unwrap();
    let keys = TenantKeys::open(*tenant.bytes(), root, Box::new(shelf), &runtime).unwrap();
    (directory.join("tenant.db"), keys.file_key().unwrap().clone())
}

#[tokio::test]
async fn one_flipped_byte_in_the_file_is_found_and_its_entry_named() {
    let (mut app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let events: Vec<Value> = (0..400).map(|n| json!({ "action": format!("made.up{n}") })).collect();
    api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    let tenants = app.cli(&["tenant", "list"], "");
    let tenant: TenantId = tenants["items"][0]["id"].as_str().unwrap().parse().unwrap();
    let good = app.cli(&["audit", "verify", "--tenant", "acme"], "");
    assert_eq!(good["ok"], true, "{good}");
    app.server.stop();

    let (path, key) = tenant_file(app.data(), tenant);
    let file = engine::open(&path, &key, Mode::Write).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_entries_no_update;
         -- Another byte whatever it was: one in 256 envelopes has this one there.
         UPDATE audit_entries SET envelope = CAST(substr(envelope, 1, 99) ||
             CASE substr(envelope, 100, 1) WHEN x'7f' THEN x'80' ELSE x'7f' END ||
             substr(envelope, 101) AS BLOB) WHERE seq = 257;
         PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(file);

    let said = app.try_cli(&["audit", "verify"], "");
    assert_eq!(said.code, 1, "{said:?}");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["ok"], false);
    let logs = report["logs"].as_array().unwrap();
    let broken: Vec<_> = logs.iter().filter(|log| log["ok"] == false).collect();
    assert_eq!(broken.len(), 1, "{report}");
    assert_eq!((&broken[0]["tenant"], &broken[0]["firstBad"]), (&json!("acme"), &json!(257)));

    // The server that runs on the file says the same, and shows the others all the same.
    app.crash_and_restart();
    let answer = api_again(&app).await;
    assert_eq!((&answer["ok"], &answer["firstBad"]), (&json!(false), &json!(257)), "{answer}");
}

async fn api_again(app: &TestApp) -> Value {
    let client = app.client(app.key("acme", "auditor"));
    let page = client.get("/api/v1/audit/acme/events?q=action:made.up300").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    let bad = client.get("/api/v1/audit/acme/events/257").await.expect(200);
    assert_eq!(bad["event"]["action"], "entry.unreadable", "{bad}");
    client.post_empty("/api/v1/audit/acme/verify").await.expect(200)
}

/// A server with 405 entries or more in acme's log, stopped; the tenant's file and its key.
async fn stopped() -> (TestApp, PathBuf, Key32) {
    let (mut app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let events: Vec<Value> = (0..400).map(|n| json!({ "action": format!("made.up{n}") })).collect();
    api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    let tenants = app.cli(&["tenant", "list"], "");
    let tenant: TenantId = tenants["items"][0]["id"].as_str().unwrap().parse().unwrap();
    app.server.stop();
    let (path, key) = tenant_file(app.data(), tenant);
    (app, path, key)
}

fn acme(app: &TestApp) -> Value {
    let said = app.try_cli(&["audit", "verify", "--tenant", "acme"], "");
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code == 0, report["ok"] == true, "{said:?}");
    report["logs"][0].clone()
}

async fn actions(app: &TestApp) -> Vec<String> {
    let entries = app.client(app.key("acme", "auditor")).entries("acme").await;
    entries.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_tail_cut_off_inside_a_tile_is_found_and_the_log_says_so_once() {
    let (mut app, path, key) = stopped().await;
    let good = acme(&app);
    assert_eq!(good["ok"], true, "{good}");
    assert!(good["excludedBy"]["size"].as_u64() > Some(400), "{good}");
    let file = engine::open(&path, &key, Mode::Write).unwrap();
    file.execute_batch(
        "DROP TRIGGER audit_entries_no_delete; DELETE FROM audit_entries WHERE seq > 390;
         DELETE FROM checkpoints; PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(file);

    let found = acme(&app);
    assert_eq!((&found["ok"], &found["firstBad"]), (&json!(false), &json!(391)), "{found}");
    assert!(found["reason"].as_str().unwrap().contains("missing"), "{found}");
    assert!(found["excludedBy"].is_null(), "{found}");
    // It goes on serving and growing; what was found stays found.
    app.crash_and_restart();
    let api = app.client(app.key("acme", "admin"));
    let events: Vec<Value> = (0..50).map(|_| json!({ "action": "later.event" })).collect();
    api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    let found = acme(&app);
    assert_eq!((&found["ok"], &found["firstBad"]), (&json!(false), &json!(391)), "{found}");
    app.crash_and_restart();
    let told = actions(&app).await;
    let told = told.iter().filter(|action| *action == "checkpoint.contradicted").count();
    assert_eq!(told, 1, "once for one contradiction");
}

#[tokio::test]
async fn an_older_copy_of_the_file_put_back_is_found() {
    let (mut app, path, _) = stopped().await;
    let copy = path.with_extension("copy");
    std::fs::copy(&path, &copy).unwrap();
    app.crash_and_restart();
    let api = app.client(app.key("acme", "admin"));
    api.post("/api/v1/audit/acme/events", &json!({ "action": "x.y" })).await.expect(201);
    let size = acme(&app)["size"].as_u64().unwrap();
    app.server.stop();
    std::fs::rename(&copy, &path).unwrap();
    let found = acme(&app);
    assert_eq!(found["ok"], false, "{found}");
    let first_bad = found["firstBad"].as_u64().unwrap();
    assert!(first_bad > 400 && first_bad <= size, "{found}");
}

#[tokio::test]
async fn a_checkpoint_from_another_key_or_log_is_no_excuse() {
    let (app, path, key) = stopped().await;
    let heads = app.data().join("heads");
    let mut notes: Vec<_> = std::fs::read_dir(&heads)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "note"))
        .collect();
    notes.sort();
    assert_eq!(notes.len(), 2, "the platform's and acme's");
    let log: String = {
        let file = engine::open(&path, &key, Mode::Read).unwrap();
        file.query_row("SELECT lower(hex(id)) FROM audit_log", [], |row| row.get(0)).unwrap()
    };
    let is_acme = |path: &Path| path.to_str().unwrap().replace('-', "").contains(&log);
    let acmes = notes.iter().find(|path| is_acme(path)).unwrap();
    let others = notes.iter().find(|path| !is_acme(path)).unwrap();
    let good = std::fs::read(acmes).unwrap();
    std::fs::copy(others, acmes).unwrap();
    let found = acme(&app);
    assert_eq!(found["ok"], false, "{found}");
    std::fs::write(acmes, &good).unwrap();
    assert_eq!(acme(&app)["ok"], true);

    let file = engine::open(&path, &key, Mode::Write).unwrap();
    file.execute_batch(
        "INSERT INTO checkpoints (size, root, time, note)
             SELECT 300, root, time, note FROM checkpoints ORDER BY size LIMIT 1;
         PRAGMA wal_checkpoint(TRUNCATE);",
    )
    .unwrap();
    drop(file);
    let found = acme(&app);
    assert_eq!((&found["ok"], &found["firstBad"]), (&json!(false), &json!(300)), "{found}");
}
