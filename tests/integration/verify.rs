//! The chain is checked from the API and from a shell, with a server running and without.

use serde_json::json;

use crate::app::{TestApp, cli};

#[tokio::test]
async fn verification_names_size_and_head() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let event = |n| json!({ "action": "x.y", "customFields": { "n": n } });
    let events: Vec<_> = (0..600).map(event).collect();
    let placed = api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    let verified = api.post_empty("/api/v1/audit/acme/verify").await.expect(200);
    assert_eq!(verified["ok"], true, "{verified}");
    assert!(verified["firstBad"].is_null());
    assert!(verified["durationMs"].is_u64());
    let size = verified["size"].as_u64().unwrap();
    assert!(size >= placed["lastSeq"].as_u64().unwrap());
    let last = api.get(&format!("/api/v1/audit/acme/events/{size}")).await.expect(200);
    assert_eq!(last["leaf"]["hash"], verified["head"]);
    let entries = api.entries("acme").await;
    assert!(entries.iter().any(|entry| entry["action"] == "audit.verified"));
}

#[tokio::test]
async fn a_shell_verifies_every_log_or_one() {
    let (mut app, token) = TestApp::with_tenant();
    app.tenant("globex");
    app.client(token).post("/api/v1/audit/acme/events", &json!({ "action": "x.y" })).await;
    let all = app.cli(&["audit", "verify"], "");
    let logs = all["logs"].as_array().unwrap();
    assert_eq!((&all["ok"], logs.len()), (&json!(true), 3), "two tenants and the platform: {all}");
    for log in logs {
        assert_eq!((&log["ok"], log["firstBad"].is_null()), (&json!(true), true), "{log}");
        assert!(log["logId"].is_string() && log["size"].as_u64() > Some(0), "{log}");
        assert_eq!(log["head"].as_str().unwrap().len(), 64);
    }
    let one = app.cli(&["audit", "verify", "--tenant", "acme"], "");
    assert_eq!(one["logs"].as_array().unwrap().len(), 1, "{one}");

    assert_eq!(app.server.stop(), Some(0));
    let said = cli(app.data(), &[], &["audit", "verify", "--json"], "");
    assert_eq!(said.code, 0, "{said:?}");
    let alone: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(alone["logs"].as_array().unwrap().len(), 3, "{alone}");
}
