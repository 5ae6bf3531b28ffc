//! Searches that are kept under a name, and the language that they are written in.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, escape};

const SEARCHES: &str = "/api/v1/audit/acme/searches";

fn search(name: &str, q: &str) -> Value {
    json!({ "name": name, "q": q })
}

async fn names(api: &Client) -> Vec<String> {
    let items = api.list(SEARCHES).await;
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_saved_search_is_there_for_everybody_who_may_read_the_log() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let q = "action:login.failed after:-7d (ip:10.0.0.0/8 OR -actor:\"Ann Lee\")";
    let saved = api.post(SEARCHES, &search(" Doors that stayed shut ", q)).await.expect(201);
    assert_eq!((&saved["name"], &saved["q"]), (&json!("Doors that stayed shut"), &json!(q)));
    api.post(SEARCHES, &search("another", "outcome:denied")).await.expect(201);

    let auditor = app.client(app.key("acme", "auditor"));
    assert_eq!(names(&auditor).await, ["another", "Doors that stayed shut"]);
    let operator = app.client(app.key("acme", "operator"));
    operator.get(SEARCHES).await.problem(403, "forbidden");

    let one = format!("{SEARCHES}/{}", saved["id"].as_str().unwrap());
    auditor.delete(&one).await.expect(204);
    auditor.delete(&one).await.problem(404, "search-not-found");
    assert_eq!(names(&api).await, ["another"]);
}

#[tokio::test]
async fn the_log_says_that_a_search_was_saved_and_deleted_but_not_what_is_in_it() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let saved = api.post(SEARCHES, &search("About Ann", "actor:ann@example.com")).await.expect(201);
    api.delete(&format!("{SEARCHES}/{}", saved["id"].as_str().unwrap())).await.expect(204);
    let entries = api.entries("acme").await;
    for action in ["search.saved", "search.deleted"] {
        let entry = entries.iter().find(|entry| entry["action"] == action).unwrap();
        assert_eq!(entry["resource"], json!({ "type": "saved_search", "id": saved["id"] }));
        assert!(!entry.to_string().contains("ann@example.com"), "{entry}");
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_used_is_not_saved() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let refused = api.post(SEARCHES, &search("x", "outcome:denied (actor:ann")).await;
    refused.problem(422, "query-invalid");
    assert!(refused.body.contains("at 15") && refused.body.contains("missing"), "{}", refused.body);
    api.post(SEARCHES, &search("x", "  ")).await.problem(422, "query-invalid");
    api.post(SEARCHES, &search("  ", "a")).await.problem(422, "name-invalid");
    api.post(SEARCHES, &search(&"n".repeat(129), "a")).await.problem(422, "name-invalid");
    api.post(SEARCHES, &json!({ "name": "x", "q": "a", "for": "me" }))
        .await
        .problem(422, "body-invalid");
    api.post(SEARCHES, &search("Twice", "a")).await.expect(201);
    api.post(SEARCHES, &search("tWICE", "b")).await.problem(409, "name-taken");
    assert_eq!(names(&api).await, ["Twice"]);
}

#[tokio::test]
async fn a_repeated_call_saves_one_search() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let body = search("once", "outcome:denied");
    let first = api.post_once(SEARCHES, "s-1", &body).await.expect(201);
    assert_eq!(api.post_once(SEARCHES, "s-1", &body).await.expect(201), first);
    assert_eq!(names(&api).await, ["once"]);
}

#[tokio::test]
async fn a_search_that_is_none_is_told_the_place_and_what_was_expected() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    for (q, at, word) in [
        ("action:login.failed acton:x", 20, "did you mean"),
        ("outcome:maybe", 8, "success, failure, denied and error"),
        ("a OR", 4, "after"),
        ("ip:10.0.0.0/64", 3, "network"),
    ] {
        let refused = api.get(&format!("/api/v1/audit/acme/events?q={}", escape(q))).await;
        refused.problem(422, "query-invalid");
        let detail = refused.expect(422)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("at {at}:")) && detail.contains(word), "{detail}");
    }
}

#[tokio::test]
async fn the_language_finds_what_the_page_about_it_says() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let event = |n: u32, campaign: &str, outcome: &str, ip: &str| {
        json!({
            "action": if n.is_multiple_of(2) { "basket.filled" } else { "basket.emptied" },
            "actor": { "id": format!("u-{n}"), "name": "Ada Lovelace", "role": "shopper" },
            "resource": { "type": "basket", "id": format!("b-{n}") }, "outcome": outcome, "ip": ip,
            "changes": { "state": { "old": "open", "new": "changed her mind" } },
            "customFields": { "campaign": campaign, "order": { "tags": ["gift", campaign] }, "n": n },
        })
    };
    let events = json!([
        event(1, "spring", "success", "10.1.0.7"),
        event(2, "spring", "failure", "10.2.0.7"),
        event(3, "autumn sale", "success", "2001:db8::7"),
        event(4, "autumn sale", "denied", "192.0.2.7"),
    ]);
    let first = api.post("/api/v1/audit/acme/events", &events).await.expect(201)["firstSeq"].take();
    let first = first.as_u64().unwrap();
    for (q, expected) in [
        ("action:basket.*", vec![4, 3, 2, 1]),
        ("type:basket outcome:success,denied", vec![4, 3, 1]),
        ("type:basket -(outcome:success OR outcome:denied)", vec![2]),
        ("actor:u-1 OR actor:u-2 outcome:success", vec![1]),
        ("type:basket (actor:u-1 OR actor:u-3) -ip:10.0.0.0/8", vec![3]),
        ("type:basket ip:10.1.*", vec![1]),
        ("ip:2001:db8::/32", vec![3]),
        ("custom.campaign:\"autumn sale\"", vec![4, 3]),
        ("custom.order.tags:(spring, nothing)", vec![2, 1]),
        ("custom.n:4", vec![4]),
        ("custom.campaign:* NOT custom.campaign:aut*", vec![2, 1]),
        ("changed:state lovelace \"her MIND\" gif*", vec![4, 3, 2, 1]),
        ("type:basket role:shopper after:-1h before:now seq:>0", vec![4, 3, 2, 1]),
        ("type:basket before:yesterday", vec![]),
        ("type:basket time:-2d..-1d", vec![]),
        ("ip:* type:basket actor.type:user emptied", vec![3, 1]),
    ] {
        let path = format!("/api/v1/audit/acme/events?limit=100&q={}", escape(q));
        let found = api.list(&path).await;
        let numbers = found.iter().map(|entry| entry["seq"].as_u64().unwrap() - first + 1);
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "{q}");
    }
    let between = format!("seq:{}..{}", first + 1, first + 2);
    let path = format!("/api/v1/audit/acme/events?q={between}");
    assert_eq!(api.list(&path).await.len(), 2);
}
