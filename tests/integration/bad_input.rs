//! Input that is refused: each with a clear problem, and nothing of it is stored.

use serde_json::json;

use crate::app::TestApp;
use crate::client::Client;
use crate::conversations::{message, start_conversation};

const CONVERSATIONS: &str = "/api/v1/conversations/acme";
const EVENTS: &str = "/api/v1/audit/acme/events";

/// Entries about changes; reading the log adds entries about reading.
async fn changes(api: &Client) -> usize {
    let entries = api.entries("acme").await;
    let reading = |action: &str| action.starts_with("audit.") || action.ends_with(".listed");
    entries.iter().filter(|entry| !reading(entry["action"].as_str().unwrap())).count()
}

#[tokio::test]
async fn a_body_that_is_refused_leaves_nothing_behind() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let messages = format!("{CONVERSATIONS}/{}/messages", start_conversation(&api).await);
    let before = changes(&api).await;
    let third = |bad: serde_json::Value| json!([message("one"), message("two"), bad]).to_string();
    let refused = [
        (CONVERSATIONS, json!({ "subject": "x", "colour": "red" }).to_string()),
        (CONVERSATIONS, json!({ "subject": 7 }).to_string()),
        (CONVERSATIONS, json!({ "channel": "chat" }).to_string()),
        (CONVERSATIONS, json!({ "subject": "x", "tags": "vip" }).to_string()),
        (CONVERSATIONS, "{\"subject\": \"x\"".to_owned()),
        (CONVERSATIONS, "{\"subject\": \"x\"} and more".to_owned()),
        (CONVERSATIONS, "{\"subject\": \"x\", \"subject\": \"y\"}".to_owned()),
        (CONVERSATIONS, String::new()),
        (&messages, third(json!({ "body": "who says so?" }))),
        (&messages, third(json!({ "author": { "type": "robot" }, "body": "x" }))),
        (&messages, third(json!({ "author": { "type": "agent" }, "body": "x", "mood": 1 }))),
        (&messages, "[]".to_owned()),
        (EVENTS, json!([{ "action": "a.b" }, { "action": "a.b", "colour": 1 }]).to_string()),
        (EVENTS, json!([{ "action": "a.b" }, { "action": 1 }]).to_string()),
        (EVENTS, json!({ "actor": { "id": "7" } }).to_string()),
        (EVENTS, json!({ "action": "a.b", "ip": "no address" }).to_string()),
        (EVENTS, json!({ "action": "a.b", "occurredAt": "yesterday" }).to_string()),
        (EVENTS, "[]".to_owned()),
    ];
    for (path, body) in refused {
        let answer = api.post_bytes(path, body.clone().into_bytes()).await;
        assert!(matches!(answer.status, 400 | 422), "{path} {body}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.expect(answer.status);
        assert!(problem["type"].as_str().is_some_and(|kind| kind.len() > 3), "{problem}");
        assert!(problem["detail"].is_string(), "{body}: {problem}");
    }
    let mut invalid = b"{\"subject\": \"caf".to_vec();
    invalid.extend([0xff, b'"', b'}']);
    let answer = api.post_bytes(CONVERSATIONS, invalid).await;
    assert!(matches!(answer.status, 400 | 422), "{}", answer.body);

    assert_eq!(changes(&api).await, before);
    assert_eq!(api.list(CONVERSATIONS).await.len(), 1);
    assert!(api.list(&messages).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_with_413() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS__BODY_BYTES", "2048")]);
    let api = app.client(app.tenant("acme"));
    let body = json!({ "subject": "x", "customFields": { "long": "y".repeat(4096) } });
    let answer = api.post(CONVERSATIONS, &body).await;
    answer.problem(413, "body-too-large");
    assert!(api.list(CONVERSATIONS).await.is_empty());
}

#[tokio::test]
async fn a_repeated_call_with_the_same_idempotency_key_happens_once() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let body = json!({ "subject": "once" });
    let first = api.post_once(CONVERSATIONS, "order-42", &body).await.expect(201);
    let again = api.post_once(CONVERSATIONS, "order-42", &body).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    let other = json!({ "subject": "something else" });
    let refused = api.post_once(CONVERSATIONS, "order-42", &other).await;
    refused.problem(422, "idempotency-key-reused");
    assert_eq!(api.list(CONVERSATIONS).await.len(), 1);

    let event = json!({ "action": "invoice.exported" });
    let first = api.post_once(EVENTS, "invoice-1", &event).await.expect(201);
    assert_eq!(api.post_once(EVENTS, "invoice-1", &event).await.expect(201), first);
}

#[tokio::test]
async fn a_credential_that_is_none_is_refused_with_401() {
    let (app, token) = TestApp::with_tenant();
    let changed =
        format!("{}{}", &token[..token.len() - 1], if token.ends_with('a') { 'b' } else { 'a' });
    let clients =
        [app.anonymous(), app.client("x"), app.client("sr_"), app.client(changed), app.client("")];
    for api in clients {
        let answer = api.get(CONVERSATIONS).await;
        answer.problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn a_frozen_tenant_is_read_and_recorded_but_not_changed() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let id = start_conversation(&api).await;
    let place = format!("{CONVERSATIONS}/{id}");
    assert_eq!(app.cli(&["tenant", "freeze", "acme"], "")["state"], "frozen");

    api.post(CONVERSATIONS, &json!({ "subject": "no" })).await.problem(423, "tenant-frozen");
    api.delete(&place).await.problem(423, "tenant-frozen");
    api.get(&format!("{place}/messages")).await.expect(200);
    let entries = api.entries("acme").await;
    assert!(entries.iter().any(|entry| entry["action"] == "message.access"));

    assert_eq!(app.cli(&["tenant", "unfreeze", "acme"], "")["state"], "active");
    api.post(CONVERSATIONS, &json!({ "subject": "yes" })).await.expect(201);
}

#[tokio::test]
async fn a_suspended_tenant_lets_nobody_in() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    app.cli(&["tenant", "suspend", "acme"], "");
    assert!(matches!(api.get(CONVERSATIONS).await.status, 401 | 403));
    app.cli(&["tenant", "resume", "acme"], "");
    api.get(CONVERSATIONS).await.expect(200);
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS__API_PER_MINUTE", "5")]);
    let api = app.client(app.tenant("acme"));
    let mut last = api.get(CONVERSATIONS).await;
    assert!(!last.header("ratelimit").is_empty(), "{:?}", last.headers);
    for _ in 0..8 {
        last = api.get(CONVERSATIONS).await;
    }
    last.problem(429, "too-many-requests");
    assert!(last.header("retry-after").parse::<u64>().is_ok(), "{:?}", last.headers);
    assert_eq!(last.header("ratelimit"), "\"api\";r=0;t=60");
    assert_eq!(last.header("ratelimit-policy"), "\"api\";q=5;w=60");
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_too() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let nowhere = format!("{CONVERSATIONS}/01900000-0000-7000-8000-000000000000");
    api.get(&nowhere).await.problem(404, "conversation-not-found");
    let no_id = format!("{CONVERSATIONS}/not-an-id");
    api.get(&no_id).await.problem(404, "not-found");
    api.get("/api/v1/audit/acme/events/999999").await.problem(404, "entry-not-found");
    let answer = api.get("/api/v1/nothing/acme").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"));
}
