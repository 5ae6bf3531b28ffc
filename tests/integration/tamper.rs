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
         UPDATE audit_entries SET envelope = CAST(substr(envelope, 1, 99) || x'7f' ||
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
