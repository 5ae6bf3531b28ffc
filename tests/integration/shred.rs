//! Destroying what a tenant's log says: nothing of it can be read any more, and everything still
//! verifies.

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::Client;

const EVENTS: &str = "/api/v1/audit/acme/events";

/// A tenant with a log that says something; its token and the number of its last entry.
async fn said_something(app: &TestApp, token: &str) -> u64 {
    let event = json!({
        "action": "marker.said",
        "actor": { "id": "Marker-Actor", "name": "Marker-Name" },
        "customFields": { "note": "Marker-Note" },
    });
    let events: Vec<_> = (0..300).map(|_| event.clone()).collect();
    let api = app.client(token);
    let placed = api.post(EVENTS, &json!(events)).await.expect(201);
    let found = api.get(&format!("{EVENTS}?q=action:marker.said&limit=1000")).await.expect(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 300);
    placed["lastSeq"].as_u64().unwrap()
}

/// Everything old is destroyed, everything new readable, and the chain is whole.
async fn assert_destroyed(app: &TestApp, api: &Client, last: u64) {
    let entries = api.entries("acme").await;
    let own = entries.iter().find(|entry| entry["action"] == "audit.shredded").unwrap();
    assert!(own["seq"].as_u64() > Some(last), "{own}");
    for entry in &entries {
        let old = entry["seq"].as_u64() < own["seq"].as_u64();
        assert_eq!(entry["action"] == "entry.destroyed", old, "{entry}");
        assert_eq!(entry["erased"] == true, old, "{entry}");
    }
    let said = json!(entries).to_string();
    assert!(!said.contains("Marker-Name") && !said.contains("Marker-Note"), "{said}");
    let one = api.get(&format!("{EVENTS}/{last}")).await.expect(200);
    assert_eq!(one["event"]["action"], "entry.destroyed", "{one}");
    assert_eq!(one["leaf"]["hash"].as_str().unwrap().len(), 64);
    for gone in ["action:marker.said", "actor:Marker-Actor"] {
        let found = api.get(&format!("{EVENTS}?q={gone}")).await.expect(200);
        assert_eq!(found["items"], json!([]), "{gone}");
    }
    let verified = app.cli(&["audit", "verify"], "");
    assert_eq!(verified["ok"], true, "{verified}");
}

#[tokio::test]
async fn a_shell_destroys_the_contents_and_the_log_goes_on() {
    let (mut app, token) = TestApp::with_tenant();
    let last = said_something(&app, &token).await;
    for wrong in [&["--confirm", "globex"][..], &[]] {
        let said = app.try_cli(&[&["tenant", "shred-audit", "acme"], wrong].concat(), "acme\n");
        assert_eq!(said.code, 1, "{said:?}");
    }
    let done = app.cli(&["tenant", "shred-audit", "acme", "--confirm", "acme"], "");
    let certificate = done["certificate"].as_str().unwrap();
    assert!(certificate.starts_with("strongroom destruction of audit contents v1\n"), "{done}");
    let ledger = std::fs::read_to_string(app.data().join("erasures.log")).unwrap();
    for key in done["keys"].as_array().unwrap() {
        assert!(ledger.contains(key.as_str().unwrap()), "{ledger}");
        assert!(certificate.contains(&format!("\nkey {}\n", key.as_str().unwrap())));
    }
    let api = app.client(token.clone());
    assert_destroyed(&app, &api, last).await;
    api.post(EVENTS, &json!({ "action": "made.later" })).await.expect(201);

    app.crash_and_restart();
    let api = app.client(token);
    assert_destroyed(&app, &api, last).await;
    let later = api.get(&format!("{EVENTS}?q=action:made.later")).await.expect(200);
    assert_eq!(later["items"].as_array().unwrap().len(), 1, "{later}");
    let own = api.get(&format!("{EVENTS}?q=action:audit.shredded")).await.expect(200);
    assert_eq!(own["items"][0]["customFields"]["certificate"], certificate, "{own}");
    // Once more: the entries since then.
    app.cli(&["tenant", "shred-audit", "acme", "--confirm", "acme"], "");
    let later = api.get(&format!("{EVENTS}?q=action:made.later")).await.expect(200);
    assert_eq!(later["items"], json!([]));
}

#[tokio::test]
async fn an_owner_destroys_them_in_the_console_and_gets_the_certificate() {
    let (app, token) = TestApp::with_tenant();
    let last = said_something(&app, &token).await;
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = "/t/acme/admin/audit/settings";
    let destroy = format!("{page}/destroy");
    let refused = owner.submit(page, &destroy, &[("confirm", "acme ltd")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Nothing was destroyed"), "{}", refused.body);
    let done = owner.submit(page, &destroy, &[("confirm", "acme")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let shown = owner.get(page).await.body;
    let link = shown.split("href=\"").find(|part| part.contains("/certificates/")).unwrap();
    let note = owner.get(link.split('"').next().unwrap()).await;
    assert!(note.header("content-disposition").starts_with("attachment"));
    assert!(note.body.contains("\n\n— strongroom/"), "{}", note.body);
    assert_destroyed(&app, &app.client(token), last).await;
}

#[tokio::test]
async fn only_an_owner_may() {
    let (app, token) = TestApp::with_tenant();
    let last = said_something(&app, &token).await;
    for role in ["admin", "auditor", "privacy-officer"] {
        let email = format!("a-{role}@example.org");
        let create = ["user", "create", "--tenant", "acme", "--role", role, "--password-stdin"];
        app.cli(&[&create[..], &[email.as_str()]].concat(), PASSWORD);
        let person = app.session("acme", &email, PASSWORD).await;
        let page = "/t/acme/admin/audit/settings";
        assert!(!person.get(page).await.body.contains("settings/destroy"), "{role}");
        let account = "/t/acme/account";
        let destroy = format!("{page}/destroy");
        let refused = person.submit(account, &destroy, &[("confirm", "acme")]).await;
        assert_eq!(refused.status, 403, "{role}");
    }
    let one: Value = app.client(token).get(&format!("{EVENTS}/{last}")).await.expect(200);
    assert_eq!(one["event"]["action"], "marker.said");
}
