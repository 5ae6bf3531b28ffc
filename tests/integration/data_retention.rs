//! How long data is kept, through the API, a shell and the console of the real binary.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::kernel::Runtime;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};

const PATH: &str = "/api/v1/retention/acme";
const RUNS: &str = "/api/v1/retention/acme/runs";

async fn patch(client: &Client, body: &Value) -> Answer {
    Answer::to(client.request(Method::PATCH, PATH).body(body.to_string())).await
}

/// A conversation with messages that were sent two days ago.
async fn old_messages(client: &Client, count: usize) -> String {
    let made =
        client.post("/api/v1/conversations/acme", &json!({ "subject": "Old" })).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let sent = Runtime::system().now().minus(Duration::from_secs(2 * 86_400)).to_string();
    let message = json!({ "author": { "type": "agent" }, "body": "Hello", "sentAt": sent });
    let place = format!("/api/v1/conversations/acme/{id}/messages");
    for _ in 0..count.div_ceil(1000) {
        let some = vec![message.clone(); count.min(1000)];
        client.post(&place, &json!(some)).await.expect(201);
    }
    id
}

async fn left(client: &Client, id: &str) -> u64 {
    let found = client.get(&format!("/api/v1/conversations/acme/{id}")).await.expect(200);
    found["messageCount"].as_u64().unwrap()
}

/// The run as it ended.
async fn ended(client: &Client, run: &Value) -> Value {
    loop {
        let found =
            client.get(&format!("{RUNS}/{}", run["id"].as_str().unwrap())).await.expect(200);
        if found["state"] != "running" {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_privacy_officer_shortens_a_policy_looks_first_and_deletes_for_good() {
    let (app, _) = TestApp::with_tenant();
    let officer = app.client(app.key("acme", "privacy_officer"));
    let owner = app.client(app.key("acme", "owner"));
    let id = old_messages(&owner, 30).await;
    let policies = officer.get(PATH).await.expect(200);
    let days = |class: &str| {
        let all = policies["items"].as_array().unwrap();
        all.iter().find(|one| one["class"] == class).unwrap()["days"].clone()
    };
    assert_eq!((days("closed-conversations"), days("messages")), (json!(730), json!(null)));
    assert_eq!((days("audit-log"), days("files")), (json!(2557), json!(null)));

    let wanted = json!({ "policies": { "messages": 1 } });
    let shown = officer.post(&format!("{PATH}/preview"), &wanted).await.expect(200);
    let messages = shown["classes"].as_array().unwrap().iter().find(|c| c["class"] == "messages");
    assert_eq!(messages.unwrap()["due"], 30, "{shown}");
    assert_eq!(left(&owner, &id).await, 30, "a preview deletes nothing");

    patch(&officer, &wanted).await.expect(200);
    let begun = officer.post_empty(RUNS).await.expect(202);
    let run = ended(&officer, &begun).await;
    assert_eq!(run["state"], "completed", "{run}");
    assert_eq!(left(&owner, &id).await, 0);
    let csv = officer.get(&format!("{RUNS}/{}/csv", run["id"].as_str().unwrap())).await;
    assert!(csv.body.lines().any(|line| line.contains(",messages,1,")), "{}", csv.body);
    let listed = officer.list(RUNS).await;
    assert_eq!(listed.len(), 1, "{listed:?}");

    for (bad, code) in [
        (json!({ "policies": { "messages": 0 } }), "retention-invalid"),
        (json!({ "policies": { "audit-log": 800 } }), "retention-elsewhere"),
    ] {
        patch(&officer, &bad).await.problem(422, code);
    }
    // An administrator looks, and neither changes nor deletes.
    let admin = app.client(app.key("acme", "admin"));
    admin.get(PATH).await.expect(200);
    patch(&admin, &wanted).await.problem(403, "forbidden");
    admin.post_empty(RUNS).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_run_that_is_killed_is_completed_by_the_next() {
    let (mut app, _) = TestApp::with_tenant();
    let token = app.key("acme", "owner");
    let id = old_messages(&app.client(token.clone()), 8_000).await;
    let owner = app.client(token.clone());
    patch(&owner, &json!({ "policies": { "messages": 1 } })).await.expect(200);
    let asks = app.client(token.clone());
    tokio::spawn(async move { asks.request(Method::POST, RUNS).send().await });
    while left(&owner, &id).await == 8_000 {}
    app.crash_and_restart();
    let owner = app.client(token);
    let before = owner.list(RUNS).await;
    let run = app.cli(&["retention", "run", "--tenant", "acme"], "");
    assert_eq!(left(&owner, &id).await, 0, "{run}");
    let whole = owner.get(&format!("{RUNS}/{}", before[0]["id"].as_str().unwrap())).await;
    let whole = whole.expect(200);
    assert_eq!(
        (&whole["state"], &whole["classes"][1]["deleted"]),
        (&json!("completed"), &json!(8_000))
    );
    let said: u64 = owner
        .list("/api/v1/audit/acme/events?limit=1000&q=action:retention.completed")
        .await
        .iter()
        .filter_map(|entry| entry["customFields"]["deleted"].as_u64())
        .sum();
    assert_eq!(said, 8_000, "each deletion is in one entry");
    assert_eq!(app.cli(&["audit", "verify"], "")["ok"], true);
}

#[tokio::test]
async fn a_shell_shows_sets_and_runs() {
    let (app, _) = TestApp::with_tenant();
    let tenant = ["--tenant", "acme"];
    let cli = |args: &[&str]| app.cli(&[args, &tenant[..]].concat(), "");
    assert_eq!(cli(&["retention", "show"])["items"].as_array().unwrap().len(), 7);
    let set = cli(&["retention", "set", "closed-conversations=400", "messages=off"]);
    assert_eq!(set["items"][0]["days"], 400, "{set}");
    assert_eq!(cli(&["retention", "preview"])["classes"].as_array().unwrap().len(), 3);
    assert_eq!(cli(&["retention", "run"])["state"], "completed");
    assert_eq!(cli(&["retention", "runs"])["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_console_shows_what_would_go_before_it_takes_a_shorter_time() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = "/t/acme/admin/privacy/retention";
    let shorter = [("closed-conversations", "10"), ("messages", ""), ("sign-in-records", "180")];
    let asked = owner.submit(page, page, &shorter).await;
    assert_eq!(asked.status, 422, "{}", asked.body);
    assert!(asked.body.contains("What would be deleted"), "{}", asked.body);
    let confirm =
        r#"{"policies":{"closed-conversations":10,"messages":null,"sign-in-records":180}}"#;
    let done = owner.submit(page, page, &[&shorter[..], &[("confirm", confirm)]].concat()).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let run = owner.submit(page, &format!("{page}/runs"), &[]).await;
    assert_eq!(run.status, 303, "{}", run.body);
    let shown = owner.get(page).await;
    assert!(shown.body.contains("10 days") && shown.body.contains("/runs/"), "{}", shown.body);
}
