//! Exports over the API: at once, and as files that are written first.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Client, escape};

const EXPORT: &str = "/api/v1/audit/acme/export";
const EXPORTS: &str = "/api/v1/audit/acme/exports";

/// Posts `count` events, 10,000 a call.
async fn post_events(client: &Client, count: usize) {
    let event = |n: usize| json!({ "action": "invoice.exported", "actor": { "type": "user", "id": format!("u{n}") } });
    let events: Vec<Value> = (0..count).map(event).collect();
    for call in events.chunks(10_000) {
        client.post("/api/v1/audit/acme/events", &json!(call)).await.expect(201);
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until an export is what it will stay.
async fn settled(client: &Client, id: &str) -> Value {
    for _ in 0..600 {
        let export = client.get(&format!("{EXPORTS}/{id}")).await.expect(200);
        if !["waiting", "writing"].contains(&export["state"].as_str().unwrap()) {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("export {id} does not end")
}

async fn start(client: &Client, request: &Value) -> String {
    let export = client.post(EXPORTS, request).await.expect(202);
    export["id"].as_str().unwrap().to_owned()
}

/// Files of exports that lie in the data directory.
fn spools(data: &Path) -> Vec<PathBuf> {
    let tenants = std::fs::read_dir(data.join("tenants")).unwrap();
    let files = tenants.flat_map(|tenant| {
        std::fs::read_dir(tenant.unwrap().path().join("exports")).into_iter().flatten()
    });
    files.map(|file| file.unwrap().path()).collect()
}

async fn last(client: &Client, action: &str) -> Value {
    let query = escape(&format!("action:{action}"));
    client.list(&format!("/api/v1/audit/acme/events?limit=1&q={query}")).await[0].clone()
}

/// A bundle passes the verifier that has nothing but the public key.
fn verify_bundle(app: &TestApp, file: &Path, key: &Path, entries: u64) {
    let (file, key) = (file.to_str().unwrap(), key.to_str().unwrap());
    app.cli(&["audit", "public-key", "--out", key], "");
    let verified = app.cli(&["audit", "verify", "--bundle", file, "--public-key", key], "");
    assert_eq!(verified["ok"], true, "{verified}");
    assert_eq!(verified["logs"][0]["entries"], entries, "{verified}");
}

#[tokio::test]
async fn an_export_holds_every_entry_once_and_is_recorded_before_its_first_byte() {
    let (app, token) = TestApp::with_tenant();
    post_events(&app.client(token), 1_200).await;
    let auditor = app.client(app.key("acme", "auditor"));
    let answer = auditor.get(&format!("{EXPORT}?format=jsonl")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/jsonl; charset=utf-8");
    let name = answer.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"audit-acme-2"), "{name}");
    let exported = lines(&answer.body);
    let log = auditor.entries("acme").await;
    // Recorded after it was decided what is in it, and before it was sent.
    let record = &log[exported.len()];
    assert_eq!(record["action"], "audit.exported");
    assert_eq!(record["customFields"]["entries"], exported.len());
    assert_eq!(record["customFields"]["format"], "jsonl");
    assert_eq!(exported, log[..exported.len()]);
}

#[tokio::test]
async fn any_search_can_be_exported_in_any_format() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    let evil = json!({
        "action": "invoice.exported", "ip": "192.0.2.7", "outcome": "denied",
        "actor": { "type": "user", "id": "u|1", "name": "=HYPERLINK(\"http://evil\") act=login.failed" },
    });
    client.post("/api/v1/audit/acme/events", &evil).await.expect(201);
    let query = escape("action:invoice.exported");
    let export = async |format: &str| {
        let answer = client.get(&format!("{EXPORT}?format={format}&q={query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    };
    assert_eq!(lines(&export("jsonl").await)[0]["actor"], evil["actor"]);
    let csv = export("csv").await;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://evil\"\") act=login.failed\","), "{csv}");
    let cef = export("cef").await;
    assert!(cef.starts_with("CEF:0|Strongroom|Strongroom|"), "{cef}");
    assert!(cef.contains(" act\\=login.failed ") && cef.contains(" src=192.0.2.7 "), "{cef}");
    let ocsf = &lines(&export("ocsf").await)[0];
    assert_eq!((&ocsf["class_uid"], &ocsf["status_id"]), (&json!(6003), &json!(2)), "{ocsf}");
    let recorded = last(&client, "audit.exported").await;
    assert_eq!(recorded["customFields"]["q"], "action:invoice.exported");
    assert_eq!(recorded["customFields"]["entries"], 1);
    let bundle = client.request(reqwest::Method::GET, &format!("{EXPORT}?format=bundle&q={query}"));
    let bundle = bundle.send().await.unwrap();
    assert_eq!(bundle.status().as_u16(), 200);
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("x.srbundle"), directory.path().join("key"));
    std::fs::write(&file, bundle.bytes().await.unwrap()).unwrap();
    verify_bundle(&app, &file, &key, 1);
    let refused = client.get(&format!("{EXPORT}?format=xml")).await.problem(422, "format-invalid");
    assert_eq!(refused["field"], "format");
    let bad = escape("outcome:maybe");
    client.get(&format!("{EXPORT}?format=csv&q={bad}")).await.problem(422, "query-invalid");
    let none = format!("{EXPORT}?format=csv&to=2001-01-01T00:00:00Z");
    let none = client.get(&none).await;
    assert_eq!((none.status, none.body.lines().count()), (200, 1), "a head alone: {}", none.body);
}

#[tokio::test]
async fn a_large_export_is_written_to_an_encrypted_file_and_fetched_from_there() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    post_events(&client, 10_001).await;
    client.get(&format!("{EXPORT}?format=jsonl")).await.problem(409, "export-too-large");
    let request = json!({ "format": "jsonl", "q": "action:invoice.exported" });
    let id = start(&client, &request).await;
    let requested = last(&client, "audit.export_requested").await;
    assert_eq!(requested["resource"]["id"], id.as_str());
    let export = settled(&client, &id).await;
    assert_eq!(export["state"], "ready", "{export}");
    assert_eq!((&export["done"], &export["total"]), (&json!(10_001), &json!(10_001)));
    assert!(export["expiresAt"].as_str() > export["finishedAt"].as_str(), "{export}");
    let exported = last(&client, "audit.exported").await;
    assert_eq!(exported["customFields"]["entries"], 10_001);

    let files = spools(app.data());
    assert_eq!(files.len(), 1, "{files:?}");
    let raw = std::fs::read(&files[0]).unwrap();
    assert!(!raw.windows(7).any(|window| window == b"invoice"), "the file is readable");

    let answer = client.get(&format!("{EXPORTS}/{id}/download")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body.len() as u64, export["bytes"].as_u64().unwrap());
    let entries = lines(&answer.body);
    assert_eq!(entries.len(), 10_001);
    let rising = entries.windows(2).all(|two| two[0]["seq"].as_u64() < two[1]["seq"].as_u64());
    assert!(rising, "oldest first");
    let downloaded = last(&client, "audit.export_downloaded").await;
    assert_eq!(downloaded["resource"]["id"], id.as_str());

    // Thrown away, it is gone for everybody.
    client.delete(&format!("{EXPORTS}/{id}")).await.expect(204);
    assert_eq!(spools(app.data()), Vec::<PathBuf>::new());
    let gone = client.get(&format!("{EXPORTS}/{id}/download")).await;
    gone.problem(409, "export-not-ready");
    client.delete(&format!("{EXPORTS}/{id}")).await.problem(409, "export-over");
    assert_eq!(last(&client, "audit.export_cancelled").await["resource"]["id"], id.as_str());
}

#[tokio::test]
async fn an_export_is_fetched_by_people_of_its_tenant_who_may_export_and_nobody_else() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    app.tenant("globex");
    let auditor = app.client(app.key("acme", "auditor"));
    let id = start(&auditor, &json!({ "format": "csv" })).await;
    assert_eq!(settled(&auditor, &id).await["state"], "ready");
    // An administrator has no right to export … the auditor of another tenant has, there.
    let stranger = app.client(app.key("globex", "auditor"));
    stranger.get(&format!("{EXPORTS}/{id}/download")).await.problem(403, "forbidden");
    let theirs = format!("/api/v1/audit/globex/exports/{id}");
    stranger.get(&theirs).await.problem(404, "export-not-found");
    stranger.get(&format!("{theirs}/download")).await.problem(404, "export-not-found");
    stranger.delete(&theirs).await.problem(404, "export-not-found");
    let operator = app.client(app.key("acme", "operator"));
    operator.get(&format!("{EXPORTS}/{id}/download")).await.problem(403, "forbidden");
    assert_eq!(client.get(&format!("{EXPORTS}/{id}/download")).await.status, 200);
}

#[tokio::test]
async fn a_revoked_key_and_a_suspended_tenant_end_their_exports() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    post_events(&client, 20_000).await;
    let made = app.cli(
        &["key", "create", "--tenant", "acme", "--role", "auditor", "--name", "short-lived"],
        "",
    );
    let auditor = app.client(made["token"].as_str().unwrap());
    let request = json!({ "format": "ocsf" });
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(&auditor, &request).await);
    }
    auditor.post(EXPORTS, &request).await.problem(409, "exports-busy");
    let key = made["id"].as_str().unwrap();
    app.cli(&["key", "revoke", key, "--tenant", "acme"], "");
    // Two are written at a time: the third began when the key was gone.
    let export = settled(&client, &ids[2]).await;
    assert_eq!(export["state"], "failed", "{export}");
    assert!(export["problem"].as_str().unwrap().contains("may no longer"), "{export}");
    settled(&client, &ids[0]).await;
    settled(&client, &ids[1]).await;

    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(&client, &request).await);
    }
    app.cli(&["tenant", "suspend", "acme"], "");
    // Somebody on the machine still sees how they end.
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("ended");
    let query = format!("resource:{} outcome:denied", ids[2]);
    let look = ["audit", "export", "--tenant", "acme", "--format", "csv", "--query", &query];
    let look = [&look[..], &["--force", "--out", out.to_str().unwrap()]].concat();
    while app.cli(&look, "")["entries"] == 0 {}
    app.cli(&["tenant", "resume", "acme"], "");
    let export = settled(&client, &ids[2]).await;
    assert_eq!(export["state"], "failed", "{export}");
    assert!(export["problem"].as_str().unwrap().contains("suspended"), "{export}");
}

#[tokio::test]
async fn a_cancelled_export_leaves_nothing_behind() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    post_events(&client, 20_000).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(&client, &json!({ "format": "csv" })).await);
    }
    for id in &ids {
        client.delete(&format!("{EXPORTS}/{id}")).await.expect(204);
        assert_eq!(settled(&client, id).await["state"], "cancelled");
    }
    for _ in 0..100 {
        if spools(app.data()).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("left behind: {:?}", spools(app.data()));
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_no_half_export_that_looks_whole() {
    let (mut app, token) = TestApp::with_tenant();
    let client = app.client(token.clone());
    post_events(&client, 20_000).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(&client, &json!({ "format": "ocsf" })).await);
    }
    while spools(app.data()).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app.crash_and_restart();
    let client = app.client(token);
    for id in &ids {
        let export = client.get(&format!("{EXPORTS}/{id}")).await.expect(200);
        assert_eq!(export["state"], "interrupted", "{export}");
        let download = client.get(&format!("{EXPORTS}/{id}/download")).await;
        download.problem(409, "export-not-ready");
    }
    for _ in 0..100 {
        if spools(app.data()).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("left behind: {:?}", spools(app.data()));
}

#[tokio::test]
async fn a_shell_exports_a_log_of_any_size_into_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt;
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    post_events(&client, 10_500).await;
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("acme.csv");
    let file = out.to_str().unwrap();
    let usual = ["audit", "export", "--tenant", "acme", "--format", "csv", "--out", file];
    fn with<'a>(usual: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [usual, more].concat()
    }
    let said = app.cli(&with(&usual, &["--query", "action:invoice.exported"]), "");
    assert_eq!(said, json!({ "entries": 10_500, "file": file }));
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(text.lines().count(), 10_501);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let recorded = last(&client, "audit.exported").await;
    assert_eq!(recorded["actor"]["type"], "local_operator");
    assert_eq!(recorded["customFields"]["entries"], 10_500);

    let again = app.try_cli(&with(&usual, &[]), "");
    assert_eq!(again.code, 1);
    assert!(again.err.contains("--force"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text, "the file was touched");
    app.cli(&with(&usual, &["--force", "--to", "2001-01-01"]), "");
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 1);
    let refused = app.try_cli(&with(&usual, &["--force", "--query", "colour:red"]), "");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("colour"), "{}", refused.err);
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "what failed left nothing beside the file");
    let usage = app.try_cli(&["audit", "export", "--format", "csv", "--out", "x"], "");
    assert_eq!(usage.code, 2, "{}", usage.err);

    let (bundle, key) = (directory.path().join("a.srbundle"), directory.path().join("key"));
    let out = bundle.to_str().unwrap();
    let said =
        app.cli(&["audit", "export", "--tenant", "acme", "--format", "bundle", "--out", out], "");
    verify_bundle(&app, &bundle, &key, said["entries"].as_u64().unwrap());

    // The platform's log, and a tenant that is suspended: evidence is needed then too.
    app.cli(&["tenant", "suspend", "acme"], "");
    let said = app.cli(&with(&usual, &["--force"]), "");
    assert!(said["entries"].as_u64().unwrap() > 10_500, "{said}");
    let out = directory.path().join("platform.jsonl");
    let export = ["audit", "export", "--platform", "--format", "jsonl", "--out"];
    app.cli(&[&export[..], &[out.to_str().unwrap()]].concat(), "");
    let actions: Vec<Value> = lines(&std::fs::read_to_string(&out).unwrap());
    assert!(actions.iter().any(|entry| entry["action"] == "tenant.suspended"));
}

#[tokio::test]
async fn a_person_exports_in_the_console_at_once_or_comes_back_for_the_file() {
    let (app, token) = TestApp::with_tenant();
    let client = app.client(token);
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let (page, new) = ("/t/acme/admin/audit/exports", "/t/acme/admin/audit/exports/new");

    // A search comes with its query, and the form holds it.
    let led = owner.get(&format!("{page}?q=outcome%3Adenied&from=2026-01-01T00%3A00")).await;
    assert_eq!(led.status, 303);
    let form = owner.get(led.header("location")).await.body;
    assert!(form.contains("value=\"outcome:denied\""), "{form}");
    assert!(form.contains("value=\"2026-01-01T00:00\""), "{form}");
    let fields = [("q", "colour:red"), ("format", "csv"), ("from", "soon"), ("to", "")];
    assert_eq!(owner.submit(new, page, &fields).await.status, 422);
    let fields = [("q", "colour:red"), ("format", "csv"), ("from", ""), ("to", "")];
    let refused = owner.submit(new, page, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("At character 1"), "{}", refused.body);

    let fields = [("q", "action:login.succeeded"), ("format", "jsonl"), ("from", ""), ("to", "")];
    let file = owner.submit(new, page, &fields).await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert!(file.header("content-disposition").contains(".jsonl"));
    assert_eq!(lines(&file.body)[0]["action"], "login.succeeded");
    let recorded = last(&client, "audit.exported").await;
    assert_eq!(recorded["actor"]["type"], "user");

    post_events(&client, 10_001).await;
    let fields = [("q", ""), ("format", "csv"), ("from", ""), ("to", "")];
    let begun = owner.submit(new, page, &fields).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let list = loop {
        let list = owner.get(page).await.body;
        if !list.contains("http-equiv=\"refresh\"") {
            break list;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let link = |what: &str| {
        let found = list.split('"').find(|part| part.ends_with(what));
        found.unwrap_or_else(|| panic!("no {what}: {list}")).to_owned()
    };
    let file = owner.get(&link("/download")).await;
    assert_eq!(file.status, 200, "{}", file.body);
    assert!(file.body.lines().count() > 10_001);
    let discarded = owner.submit(page, &link("/cancel"), &[]).await;
    assert_eq!(discarded.status, 303, "{}", discarded.body);
    assert_eq!(owner.get(&link("/download")).await.status, 409);
    assert_eq!(spools(app.data()), Vec::<PathBuf>::new());
}
