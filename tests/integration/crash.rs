//! An acknowledged write survives `kill -9`.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::conversations::start_conversation;

const CLIENTS: u64 = 64;
const EVENTS: &str = "/api/v1/audit/acme/events";

/// Rounds in the suite; `STRONGROOM_CRASH_ROUNDS` asks for another number.
const ROUNDS: u64 = 20;

/// What the server has acknowledged.
#[derive(Default)]
struct Acknowledged {
    events: Mutex<Vec<(u64, u64)>>,
    messages: Mutex<Vec<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kill_9_under_load() {
    let rounds = std::env::var("STRONGROOM_CRASH_ROUNDS");
    let rounds = rounds.ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let (mut app, token) = TestApp::with_tenant();
    let conversation = start_conversation(&app.client(token.clone())).await;
    let acknowledged = Arc::new(Acknowledged::default());
    for round in 0..rounds {
        load_until_killed(&mut app, &token, &conversation, &acknowledged, round).await;
        check(&app, round);
    }
    let api = app.client(token);
    let (events, messages) = (
        std::mem::take(&mut *acknowledged.events.lock().unwrap()),
        std::mem::take(&mut *acknowledged.messages.lock().unwrap()),
    );
    println!("{rounds} rounds: {} events, {} messages acknowledged", events.len(), messages.len());
    assert!(events.len() as u64 > rounds && messages.len() as u64 > rounds, "too little load");

    let stored = api.list(&format!("{EVENTS}?limit=1000&q=action:crash.tested")).await;
    let stored: HashSet<_> = stored.iter().map(|it| (number(it), it["seq"].as_u64())).collect();
    for (number, seq) in events {
        assert!(stored.contains(&(Some(number), Some(seq))), "event {number} at {seq} is lost");
    }
    let place = format!("/api/v1/conversations/acme/{conversation}/messages?limit=1000");
    let stored = api.list(&place).await;
    let stored: HashSet<_> = stored.iter().map(|it| it["id"].as_str().unwrap()).collect();
    for id in &messages {
        assert!(stored.contains(id.as_str()), "message {id} is lost");
    }
}

fn number(entry: &Value) -> Option<u64> {
    entry["customFields"]["number"].as_u64()
}

/// Writes from many clients, kills the server in the middle of it and starts it again.
async fn load_until_killed(
    app: &mut TestApp,
    token: &str,
    conversation: &str,
    acknowledged: &Arc<Acknowledged>,
    round: u64,
) {
    let next = Arc::new(AtomicU64::new(round << 32));
    let api = app.client(token);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let writer = Writer {
                api: api.clone(),
                messages: format!("/api/v1/conversations/acme/{conversation}/messages"),
                acknowledged: acknowledged.clone(),
                next: next.clone(),
            };
            tokio::spawn(async move {
                while match n % 2 {
                    0 => writer.event().await,
                    _ => writer.message().await,
                }
                .is_some()
                {}
            })
        })
        .collect();
    // Connections are made by then, and writes flow.
    while next.load(Ordering::Relaxed) < (round << 32) + 2 * CLIENTS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Another moment in every round: in a commit, between two, in a WAL checkpoint.
    tokio::time::sleep(Duration::from_millis(20 + round * 37 % 400)).await;
    app.server.kill();
    for client in clients {
        client.await.unwrap();
    }
    app.crash_and_restart();
}

struct Writer {
    api: Client,
    messages: String,
    acknowledged: Arc<Acknowledged>,
    next: Arc<AtomicU64>,
}

impl Writer {
    /// Nothing once the server is gone.
    async fn event(&self) -> Option<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "action": "crash.tested", "customFields": { "number": number } });
        let answer = self.post(EVENTS, &body).await?;
        let seq = answer["firstSeq"].as_u64().unwrap();
        self.acknowledged.events.lock().unwrap().push((number, seq));
        Some(())
    }

    async fn message(&self) -> Option<()> {
        self.next.fetch_add(1, Ordering::Relaxed);
        let text = |n| json!({ "author": { "type": "agent" }, "body": format!("message {n}") });
        let answer = self.post(&self.messages, &json!([text(1), text(2), text(3)])).await?;
        let ids = answer["items"].as_array().unwrap().iter();
        let ids = ids.map(|item| item["id"].as_str().unwrap().to_owned());
        self.acknowledged.messages.lock().unwrap().extend(ids);
        Some(())
    }

    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = self.api.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        let response = request.body(body.to_string()).send().await.ok()?;
        let status = response.status();
        let answer = response.bytes().await.ok()?;
        let answer = serde_json::from_slice(&answer).ok()?;
        assert_eq!(status, 201, "{answer}");
        Some(answer)
    }
}

/// Every chain holds after each restart.
fn check(app: &TestApp, round: u64) {
    let verified = app.cli(&["audit", "verify"], "");
    assert_eq!(verified["ok"], true, "round {round}: {verified}");
}
