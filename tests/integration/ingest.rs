//! Applications append events of their own and find them again.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Client, escape};

const EVENTS: &str = "/api/v1/audit/acme/events";

fn invoice(n: u32) -> Value {
    json!({
        "action": "invoice.exported",
        "actor": { "id": format!("u-{}", n % 3), "type": "user", "name": "Grace" },
        "resource": { "type": "invoice", "id": n.to_string() },
        "outcome": if n.is_multiple_of(10) { "failure" } else { "success" },
        "ip": "10.1.2.3",
        "userAgent": "billing/2.1",
        "occurredAt": "2026-01-02T03:04:05Z",
        "changes": { "state": { "old": "open", "new": "sent" } },
        "customFields": { "n": n },
    })
}

async fn find(api: &Client, query: &str) -> Vec<Value> {
    api.list(&format!("{EVENTS}?limit=1000&q={}", escape(query))).await
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_posted() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let placed = api.post(EVENTS, &invoice(10)).await.expect(201);
    assert_eq!(placed["count"], 1);
    assert_eq!(placed["firstSeq"], placed["lastSeq"]);
    let found = find(&api, "action:invoice.exported").await;
    assert_eq!(found.len(), 1);
    let posted = invoice(10);
    for member in ["action", "resource", "outcome", "ip", "userAgent", "changes", "customFields"] {
        assert_eq!(found[0][member], posted[member], "{member}");
    }
    assert_eq!(found[0]["actor"]["id"], "u-1");
    assert_eq!(found[0]["occurredAt"], "2026-01-02T03:04:05Z");
    assert_eq!(found[0]["seq"], placed["firstSeq"]);

    let one = api.get(&format!("{EVENTS}/{}", placed["firstSeq"])).await.expect(200);
    assert_eq!(one["event"]["action"], "invoice.exported");
    assert_eq!(one["leaf"]["seq"], placed["firstSeq"]);
    for hash in ["payloadHash", "prevHash", "hash"] {
        assert_eq!(one["leaf"][hash].as_str().unwrap().len(), 64, "{hash}");
    }
    let before = placed["firstSeq"].as_u64().unwrap() - 1;
    let previous = api.get(&format!("{EVENTS}/{before}")).await.expect(200);
    assert_eq!(previous["leaf"]["hash"], one["leaf"]["prevHash"]);
}

#[tokio::test]
async fn ten_thousand_events_are_one_call_and_ten_thousand_and_one_are_refused() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let many: Vec<_> = (0..10_000).map(invoice).collect();
    let placed = api.post(EVENTS, &json!(many)).await.expect(201);
    assert_eq!(placed["count"], 10_000);
    let (first, last) = (placed["firstSeq"].as_u64().unwrap(), placed["lastSeq"].as_u64().unwrap());
    assert_eq!(last - first, 9_999);
    let found = find(&api, "action:invoice.exported").await;
    assert_eq!(found.len(), 10_000);
    let mut seqs: Vec<_> = found.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    seqs.sort_unstable();
    assert!(seqs.iter().copied().eq(first..=last));

    let too_many: Vec<_> = (0..10_001).map(|_| json!({ "action": "a.b" })).collect();
    let answer = api.post(EVENTS, &json!(too_many)).await;
    assert!(matches!(answer.status, 400 | 413 | 422), "{}", answer.body);
    assert!(find(&api, "action:a.b").await.is_empty());
}

#[tokio::test]
async fn onravens_shape_goes_in_and_comes_out() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let posted = json!({
        "timestamp": "2026-02-03T04:05:06Z", "userId": "u-9", "domainId": "acme",
        "activityType": "campaign.sent", "ipAddress": "10.9.8.7", "userAgent": "raven/1",
        "customFields": { "campaign": "spring" },
    });
    api.post(EVENTS, &posted).await.expect(201);
    let found = find(&api, "action:campaign.sent").await;
    assert_eq!(found[0]["actor"]["id"], "u-9");
    let path = format!("{EVENTS}?q=action:campaign.sent&format=onraven");
    let found = api.get(&path).await.expect(200)["items"][0].take();
    for member in ["timestamp", "userId", "activityType", "ipAddress", "userAgent", "customFields"]
    {
        assert_eq!(found[member], posted[member], "{member}");
    }
    let mut foreign = posted;
    foreign["domainId"] = "globex".into();
    let answer = api.post(EVENTS, &foreign).await;
    assert!(matches!(answer.status, 400 | 422), "{}", answer.body);
}

#[tokio::test]
async fn entries_are_found_by_what_they_say() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let events: Vec<_> = (1..=30).map(invoice).collect();
    api.post(EVENTS, &json!(events)).await.expect(201);
    assert_eq!(find(&api, "action:invoice.exported outcome:failure").await.len(), 3);
    assert_eq!(find(&api, "action:invoice.exported actor:u-1").await.len(), 10);
    assert!(find(&api, "action:invoice.exported outcome:denied").await.is_empty());
    let answer = api.get(&format!("{EVENTS}?q={}", escape("colour:red"))).await;
    assert!(matches!(answer.status, 400 | 422), "{}", answer.body);
}

#[tokio::test]
async fn from_and_to_bound_a_search_half_open() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    for n in 1..=3 {
        api.post(EVENTS, &invoice(n)).await.expect(201);
    }
    let mut found = find(&api, "action:invoice.exported").await;
    found.sort_by_key(|entry| entry["seq"].as_u64());
    let time = |n: usize| escape(found[n]["time"].as_str().unwrap());
    let path = format!("{EVENTS}?q=action:invoice.exported&from={}&to={}", time(0), time(2));
    let inside = api.list(&path).await;
    let mut inside: Vec<_> = inside.iter().map(|entry| entry["seq"].as_u64()).collect();
    inside.sort_unstable();
    assert_eq!(inside, [found[0]["seq"].as_u64(), found[1]["seq"].as_u64()]);
    let answer = api.get(&format!("{EVENTS}?from=yesterday")).await;
    assert!(matches!(answer.status, 400 | 422), "{}", answer.body);
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_entries_are_appended() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let events: Vec<_> = (1..=25).map(invoice).collect();
    api.post(EVENTS, &json!(events)).await.expect(201);
    let mut seen = Vec::new();
    let mut path = format!("{EVENTS}?q=action:invoice.exported&limit=10");
    let first = path.clone();
    loop {
        let page = api.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 10);
        seen.extend(items.iter().map(|entry| entry["customFields"]["n"].as_u64().unwrap()));
        api.post(EVENTS, &json!({ "action": "something.else" })).await.expect(201);
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={}", escape(cursor)),
            None => break,
        }
    }
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(1..=25), "{seen:?}");
}

/// One byte more than an event may have, and a good one.
fn large_and_good() -> (Value, Value) {
    let large = json!({ "action": "a.b", "customFields": { "x": "y".repeat(64 * 1024) } });
    (large, json!({ "action": "invoice.exported" }))
}

#[tokio::test]
async fn an_event_over_64_kib_is_refused_with_413_and_named() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let (large, good) = large_and_good();
    api.post(EVENTS, &large).await.problem(413, "event-too-large");
    let refused = api.post(EVENTS, &json!([good, large])).await;
    refused.problem(413, "event-too-large");
    assert!(refused.body.contains("event 1"), "{}", refused.body);
    assert!(find(&api, "action:invoice.exported").await.is_empty());
}

#[tokio::test]
async fn a_batch_with_a_bad_event_is_refused_whole_and_the_event_named() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let (_, good) = large_and_good();
    let batch = json!([good, good, { "action": "a.b", "colour": 1 }, good]);
    for path in [EVENTS.to_owned(), format!("{EVENTS}?partial=false")] {
        let refused = api.post(&path, &batch).await;
        refused.problem(422, "event-invalid");
        assert!(refused.body.contains("event 2, /2/colour"), "{}", refused.body);
    }
    assert!(find(&api, "action:invoice.exported").await.is_empty());
}

#[tokio::test]
async fn with_partial_the_good_events_are_appended_and_the_others_listed() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let path = format!("{EVENTS}?partial=true");
    let (large, good) = large_and_good();
    let batch = json!([good, { "action": "A" }, good, large, 7, good]);
    let placed = api.post(&path, &batch).await.expect(201);
    assert_eq!(placed["count"], 3);
    let refused = placed["refused"].as_array().unwrap();
    let said: Vec<_> =
        refused.iter().map(|it| (it["index"].clone(), it["code"].as_str().unwrap())).collect();
    let (invalid, too_large) = ("event-invalid", "event-too-large");
    assert_eq!(said, [(json!(1), invalid), (json!(3), too_large), (json!(4), invalid)]);
    assert!(refused.iter().all(|it| !it["detail"].as_str().unwrap().is_empty()), "{refused:?}");
    let found = find(&api, "action:invoice.exported").await;
    assert_eq!(found.len(), 3);
    assert_eq!(found[0]["seq"], placed["lastSeq"]);

    let all = api.post(&path, &json!([good])).await.expect(201);
    assert_eq!(all["refused"], json!([]));
    let strict = api.post(EVENTS, &json!([good])).await.expect(201);
    assert!(strict.get("refused").is_none(), "{strict}");
    let before = api.entries("acme").await.len();
    api.post(&path, &json!([{ "action": "A" }, large])).await.problem(422, "event-invalid");
    api.post(&path, &json!([])).await.problem(422, "event-invalid");
    api.post(&format!("{EVENTS}?partial=perhaps"), &good).await.problem(422, "query-invalid");
    // The reading of the log itself is the one that came.
    assert_eq!(api.entries("acme").await.len(), before + 1);
}

#[tokio::test]
async fn a_repeated_partial_call_appends_once_and_answers_the_same() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let path = format!("{EVENTS}?partial=true");
    let batch = json!([{ "action": "invoice.exported" }, { "action": "A" }]);
    let first = api.post_once(&path, "batch-7", &batch).await.expect(201);
    assert_eq!(api.post_once(&path, "batch-7", &batch).await.expect(201), first);
    assert_eq!(find(&api, "action:invoice.exported").await.len(), 1);
}
