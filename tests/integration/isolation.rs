//! A credential opens its own tenant, whatever the path says.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::conversations::start_conversation;

/// What a caller is told, without what differs with each request.
fn told(problem: &Value) -> Vec<&Value> {
    ["type", "title", "status", "detail"].map(|member| &problem[member]).to_vec()
}

async fn denials(api: &Client, tenant: &str) -> Vec<Value> {
    let all = api.entries(tenant).await;
    all.into_iter().filter(|entry| entry["action"] == "access.denied").collect()
}

#[tokio::test]
async fn a_foreign_tenant_and_an_unknown_one_are_refused_alike() {
    let (app, acme) = TestApp::with_tenant();
    let globex = app.client(app.tenant("globex"));
    let acme = app.client(acme);
    let id = start_conversation(&acme).await;

    let resources = |tenant: &str| {
        [
            format!("/api/v1/conversations/{tenant}"),
            format!("/api/v1/conversations/{tenant}/{id}"),
            format!("/api/v1/conversations/{tenant}/{id}/messages"),
            format!("/api/v1/audit/{tenant}/events"),
        ]
    };
    for (foreign, unknown) in resources("acme").iter().zip(&resources("nobody")) {
        let foreign = globex.get(foreign).await.problem(403, "forbidden");
        let unknown = globex.get(unknown).await.problem(403, "forbidden");
        assert_eq!(told(&foreign), told(&unknown));
    }
    let refused = globex.delete(&format!("/api/v1/conversations/acme/{id}")).await;
    refused.problem(403, "forbidden");
    let event = json!({ "action": "forged.entry" });
    let refused = globex.post("/api/v1/audit/acme/events", &event).await;
    refused.problem(403, "forbidden");
    acme.get(&format!("/api/v1/conversations/acme/{id}")).await.expect(200);
}

#[tokio::test]
async fn a_refusal_is_in_the_log_of_the_credentials_own_tenant() {
    let (app, acme) = TestApp::with_tenant();
    let globex = app.client(app.tenant("globex"));
    let acme = app.client(acme);
    globex.get("/api/v1/conversations/acme").await.problem(403, "forbidden");
    let recorded = denials(&globex, "globex").await;
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!(recorded[0]["outcome"], "denied", "{recorded:?}");
    assert_eq!(recorded[0]["actor"]["type"], "api_key");
    assert!(denials(&acme, "acme").await.is_empty());
}

#[tokio::test]
async fn a_flood_of_refusals_does_not_fill_the_log() {
    let (app, acme) = TestApp::with_tenant();
    let api = app.client(acme);
    for _ in 0..200 {
        api.get("/api/v1/conversations/nobody").await.problem(403, "forbidden");
    }
    let recorded = denials(&api, "acme").await.len();
    assert!((1..=20).contains(&recorded), "{recorded} entries for 200 refusals");
}

#[tokio::test]
async fn a_key_does_what_its_role_may_and_no_more() {
    let (app, admin) = TestApp::with_tenant();
    let viewer = app.client(app.key("acme", "viewer"));
    let auditor = app.client(app.key("acme", "auditor"));
    let id = start_conversation(&app.client(admin)).await;
    let place = format!("/api/v1/conversations/acme/{id}");

    viewer.get(&place).await.expect(200);
    viewer.delete(&place).await.problem(403, "forbidden");
    let body = json!({ "subject": "mine" });
    viewer.post("/api/v1/conversations/acme", &body).await.problem(403, "forbidden");
    viewer.get("/api/v1/audit/acme/events").await.problem(403, "forbidden");
    auditor.get("/api/v1/audit/acme/events").await.expect(200);
    auditor.get(&format!("{place}/messages")).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_the_next_request() {
    let (app, admin) = TestApp::with_tenant();
    let args = ["key", "create", "--tenant", "acme", "--role", "viewer", "--name", "till Friday"];
    let made = app.cli(&args, "");
    let api = app.client(made["token"].as_str().unwrap());
    api.get("/api/v1/conversations/acme").await.expect(200);
    app.cli(&["key", "revoke", made["id"].as_str().unwrap(), "--tenant", "acme"], "");
    assert_eq!(api.get("/api/v1/conversations/acme").await.status, 401);
    app.client(admin).get("/api/v1/conversations/acme").await.expect(200);
}
