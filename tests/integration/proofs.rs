//! Checkpoints and proofs as an auditor gets them, checked with the public key alone.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::audit::leaf::Hash;
use strongroom::audit::note::{Checkpoint, Verifier};
use strongroom::audit::proof::{verify_consistency, verify_inclusion};

use crate::app::{TestApp, cli};
use crate::client::Client;

async fn ingest(api: &Client, count: usize) {
    let events: Vec<Value> =
        (0..count).map(|n| json!({ "action": format!("made.up{n}") })).collect();
    api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
}

async fn key(app: &TestApp) -> Verifier {
    let answer = app.anonymous().get("/.well-known/strongroom-audit-key").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    answer.body.parse().unwrap()
}

async fn checkpoint(api: &Client, key: &Verifier) -> Checkpoint {
    let answer = api.get("/api/v1/audit/acme/checkpoint").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    Checkpoint::open(&answer.body, key).unwrap().0
}

fn hash(value: &Value) -> Hash {
    value.as_str().unwrap().parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value["hashes"].as_array().unwrap().iter().map(hash).collect()
}

#[tokio::test]
async fn an_auditor_proves_entries_and_growth_with_the_public_key_alone() {
    let (app, token) = TestApp::with_tenant();
    let (api, key) = (app.client(token), key(&app).await);
    assert!(key.name().as_str().starts_with("strongroom/"));
    ingest(&api, 300).await;
    let early = checkpoint(&api, &key).await;
    assert!(early.size >= 300, "{early:?}");
    assert!(early.origin.starts_with(&format!("{}/", key.name())), "{early:?}");
    ingest(&api, 700).await;
    let late = checkpoint(&api, &key).await;
    assert!(late.size >= early.size + 700 && late.origin == early.origin);

    for seq in [1, 2, 256, 257, early.size] {
        let entry = api.get(&format!("/api/v1/audit/acme/events/{seq}")).await.expect(200);
        let path = format!("/api/v1/audit/acme/proof/inclusion?seq={seq}&size={}", late.size);
        let proof = api.get(&path).await.expect(200);
        let entry = hash(&entry["leaf"]["hash"]);
        assert_eq!(hash(&proof["hash"]), entry);
        assert!(verify_inclusion(seq, entry, late.size, late.root, &hashes(&proof)), "{seq}");
    }
    let path = format!("/api/v1/audit/acme/proof/consistency?from={}&to={}", early.size, late.size);
    let proof = api.get(&path).await.expect(200);
    assert_eq!((hash(&proof["fromRoot"]), hash(&proof["toRoot"])), (early.root, late.root));
    let (early, late) = ((early.size, early.root), (late.size, late.root));
    assert!(verify_consistency(early, late, &hashes(&proof)));

    let list = api.list("/api/v1/audit/acme/checkpoints?limit=1").await;
    let sizes: Vec<_> = list.iter().map(|item| item["size"].as_u64().unwrap()).collect();
    assert!(sizes.contains(&early.0) && sizes.contains(&late.0), "{sizes:?}");
    assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
    for item in &list {
        let (opened, _) = Checkpoint::open(item["note"].as_str().unwrap(), &key).unwrap();
        assert_eq!(
            (opened.size, opened.root),
            (item["size"].as_u64().unwrap(), hash(&item["root"]))
        );
    }
    let entries = api.entries("acme").await;
    let about = |entry: &Value| entry["action"].as_str().unwrap().contains("checkpoint");
    assert!(!entries.iter().any(about), "hashes are no contents: handing them out is no entry");
}

#[tokio::test]
async fn proofs_beyond_the_log_are_refused_with_what_there_is() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    for query in [
        "inclusion?seq=0&size=2",
        "inclusion?seq=2&size=1",
        "inclusion?seq=1&size=999999",
        "consistency?from=2&to=1",
        "consistency?from=0&to=1",
        "consistency?from=1&to=999999",
        "inclusion?seq=18446744073709551615",
    ] {
        let answer = api.get(&format!("/api/v1/audit/acme/proof/{query}")).await;
        answer.problem(422, "proof-invalid");
    }
    api.get("/api/v1/audit/acme/proof/inclusion").await.problem(422, "query-invalid");
    let one = api.get("/api/v1/audit/acme/proof/inclusion?seq=1&size=1").await.expect(200);
    assert_eq!((&one["hashes"], &one["hash"]), (&json!([]), &one["root"]));
}

#[tokio::test]
async fn checkpoints_come_by_themselves_within_a_minute_and_every_ten_thousand_entries() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    ingest(&api, 10_000).await;
    let list = api.list("/api/v1/audit/acme/checkpoints").await;
    // The one of this minute may have come after it.
    assert!(list.iter().any(|one| one["size"] == 10_000), "{list:?}");
    for _ in 0..60 {
        let list = api.list("/api/v1/audit/acme/checkpoints").await;
        if list[0]["size"].as_u64() > Some(10_000) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("no checkpoint within a minute");
}

#[tokio::test]
async fn a_shell_gives_the_public_key_and_checkpoints_with_a_server_and_without() {
    let (mut app, token) = TestApp::with_tenant();
    ingest(&app.client(token), 3).await;
    let key = key(&app).await;
    assert_eq!(app.cli(&["audit", "public-key"], "")["publicKey"], key.to_string());
    let platform = app.cli(&["audit", "checkpoint"], "");
    let (platform, _) = Checkpoint::open(platform["note"].as_str().unwrap(), &key).unwrap();
    assert_eq!(app.server.stop(), Some(0));

    let file = app.data().join("key.txt");
    let out = file.to_str().unwrap();
    assert_eq!(cli(app.data(), &[], &["audit", "public-key", "--out", out], "").code, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{key}\n"));
    let said = cli(app.data(), &[], &["audit", "checkpoint", "--tenant", "acme"], "");
    let (acme, _) =
        Checkpoint::open(&said.out, &key).unwrap_or_else(|error| panic!("{error} {said:?}"));
    assert_ne!(acme.origin, platform.origin);
}
