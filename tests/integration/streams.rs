//! Streams to a real rsyslog and to an HTTP receiver: nothing is missing, whoever dies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::receiver::{Manner, Receiver};
use crate::rsyslog::Rsyslog;

const STREAMS: &str = "/api/v1/audit/acme/streams";
const SETTINGS: &[(&str, &str)] = &[
    ("STRONGROOM_STREAMS__ALLOWED_ADDRESSES", "127.0.0.1"),
    ("STRONGROOM_STREAMS__SETTLE_SECONDS", "1"),
    ("STRONGROOM_STREAMS__ALARM_SECONDS", "1"),
];

fn start() -> (TestApp, String) {
    let app = TestApp::with(SETTINGS);
    let token = app.tenant("acme");
    (app, token)
}

/// Appends events; answers with the number of the last.
async fn events(api: &Client, count: usize) -> u64 {
    let event = |n| json!({ "action": "order.placed", "customFields": { "n": n } });
    let events: Vec<_> = (0..count).map(event).collect();
    let placed = api.post("/api/v1/audit/acme/events", &json!(events)).await.expect(201);
    placed["lastSeq"].as_u64().unwrap()
}

/// Waits until a stream's delivery is as wanted.
async fn until(api: &Client, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut stream = Value::Null;
    for _ in 0..600 {
        stream = api.get(&format!("{STREAMS}/{id}")).await.expect(200);
        if wanted(&stream["delivery"]) {
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {what}: {stream:#}");
}

async fn delivered(api: &Client, id: &str, last: u64) {
    let through = |delivery: &Value| delivery["through"].as_u64() >= Some(last);
    until(api, id, "delivered", through).await;
}

fn id(stream: &Value) -> String {
    stream["id"].as_str().unwrap().to_owned()
}

fn missing(rsyslog: &Rsyslog, last: u64) -> Vec<u64> {
    let there = rsyslog.seqs();
    (1..=last).filter(|seq| !there.contains(seq)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rsyslog_has_every_entry_after_both_sides_were_killed() {
    let (mut app, token) = start();
    let mut rsyslog = Rsyslog::plain();
    let address = format!("127.0.0.1:{}", rsyslog.port);
    let destination = json!({ "type": "syslog", "address": address, "transport": "tcp" });
    let new = json!({ "name": "SIEM", "destination": destination });
    let api = app.client(token.clone());
    let id = id(&api.post(STREAMS, &new).await.expect(201));
    for _ in 0..4 {
        events(&api, 250).await;
    }
    rsyslog.kill();
    events(&api, 500).await;
    rsyslog.restart();
    for _ in 0..4 {
        events(&api, 250).await;
    }
    app.crash_and_restart();
    let api = app.client(token);
    events(&api, 500).await;
    rsyslog.kill();
    rsyslog.restart();
    let last = events(&api, 500).await;
    delivered(&api, &id, last).await;
    assert_eq!(missing(&rsyslog, last), [0; 0]);
    let lines = rsyslog.lines();
    let line = lines.iter().find(|line| line.contains("order.placed")).unwrap();
    assert!(line.starts_with("audit.info strongroom [strongroom@32473 logId="), "{line}");
    let text = line.split_once("] ").unwrap().1;
    let entry: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!((&entry["tenant"], &entry["action"]), (&json!("acme"), &json!("order.placed")));
    assert!(entry["logId"].is_string() && entry["seq"].is_u64(), "{entry}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rsyslog_is_reached_over_tls_and_another_certificate_is_refused() {
    let (app, token) = start();
    let rsyslog = Rsyslog::tls("siem.example.org");
    let api = app.client(token);
    let address = format!("127.0.0.1:{}", rsyslog.port);
    let syslog = |tls: Value| json!({ "type": "syslog", "address": address, "tls": tls });
    let authority = rsyslog.authority.clone().unwrap();
    let named = json!({ "ca": authority, "serverName": "siem.example.org" });
    let new = json!({ "name": "SIEM", "destination": syslog(named.clone()), "format": "cef" });
    let id = id(&api.post(STREAMS, &new).await.expect(201));
    let tried = api.post_empty(&format!("{STREAMS}/{id}/test")).await.expect(200);
    assert_eq!(tried["ok"], true, "{tried}");
    assert!(tried["detail"].as_str().unwrap().contains("with TLS 1."), "{tried}");
    let last = events(&api, 300).await;
    delivered(&api, &id, last).await;
    assert_eq!(missing(&rsyslog, last), [0; 0]);
    assert!(rsyslog.lines().iter().any(|line| line.contains("CEF:0|Strongroom|")));

    // Not the name in the certificate; not the authority that has signed it.
    let other = Rsyslog::tls("siem.example.org").authority.clone();
    let wrong =
        [json!({ "ca": authority }), json!({ "ca": other, "serverName": "siem.example.org" })];
    for tls in wrong {
        let body = json!({ "destination": syslog(tls) });
        let request = api.request(reqwest::Method::PATCH, &format!("{STREAMS}/{id}"));
        crate::client::Answer::to(request.body(body.to_string())).await.expect(200);
        let tried = api.post_empty(&format!("{STREAMS}/{id}/test")).await.expect(200);
        assert_eq!(tried["ok"], false, "{tried}");
        assert!(tried["detail"].as_str().unwrap().contains("certificate"), "{tried}");
    }
    events(&api, 1).await;
    let failing = until(&api, &id, "failing", |delivery| delivery["state"] == "failing").await;
    assert!(failing["delivery"]["lastError"].as_str().unwrap().contains("certificate"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_has_every_entry_after_both_sides_died() {
    let (mut app, token) = start();
    let receiver = Receiver::start().await;
    let api = app.client(token.clone());
    let url = format!("http://{}", receiver.address);
    let destination = json!({ "type": "splunk", "url": url, "index": "audit" });
    let secrets = json!({ "credential": "a-collectors-token" });
    let new = json!({ "name": "Splunk", "destination": destination, "secrets": secrets });
    let made = api.post(STREAMS, &new).await.expect(201);
    assert!(!made.to_string().contains("a-collectors-token"), "{made}");
    assert_eq!(made["secrets"], json!({ "credential": true, "clientKey": false }));
    let id = id(&made);
    events(&api, 1000).await;
    let receiver = receiver.again().await;
    events(&api, 1000).await;
    app.crash_and_restart();
    let api = app.client(token);
    events(&api, 1000).await;
    let receiver = receiver.again().await;
    let last = events(&api, 1000).await;
    receiver.has_all(last).await;
    delivered(&api, &id, last).await;
    let request = receiver.taken().pop().unwrap();
    assert!(request.head.starts_with("POST /services/collector/event HTTP/1.1\r\n"));
    assert!(request.head.to_lowercase().contains("authorization: splunk a-collectors-token\r\n"));
    let event: Value = serde_json::from_str(request.body.lines().next().unwrap()).unwrap();
    assert_eq!((&event["index"], &event["fields"]["tenant"]), (&json!("audit"), &json!("acme")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_refuses_or_is_gone_is_reported_once_and_slows_nobody() {
    let (app, token) = start();
    let receiver = Receiver::start().await;
    let api = app.client(token);
    let destination = json!({ "type": "http", "url": receiver.url() });
    let new = json!({ "name": "Own", "destination": destination });
    let id = id(&api.post(STREAMS, &new).await.expect(201));
    receiver.behave(Manner::Refuse(503));
    let last = events(&api, 100).await;
    let failing = until(&api, &id, "failing", |delivery| delivery["state"] == "failing").await;
    let delivery = &failing["delivery"];
    assert_eq!(delivery["lastError"], "the receiver answered 503", "{delivery}");
    assert!(delivery["lagEntries"].as_u64() >= Some(100), "{delivery}");
    receiver.behave(Manner::Take);
    delivered(&api, &id, last).await;
    receiver.has_all(last).await;
    until(&api, &id, "current", |delivery| delivery["state"] == "current").await;
    let entries = api.entries("acme").await;
    let told = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((told("stream.failing"), told("stream.recovered")), (1, 1));
    let metrics = app.anonymous().get("/metrics").await.body;
    assert!(metrics.contains(&format!("strongroom_stream_errors_total{{stream=\"{id}\"}}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_changed_paused_resumed_and_removed_and_keeps_its_secrets_to_itself() {
    let (app, token) = start();
    let receiver = Receiver::start().await;
    let api = app.client(token);
    let way = json!({ "type": "header", "name": "X-Api-Key" });
    let target = json!({ "type": "http", "url": receiver.url(), "authentication": way });
    let secrets = json!({ "credential": "top-secret-value" });
    let begin = json!({ "name": "Own", "destination": target, "secrets": secrets, "begin": "now" });
    let id = id(&api.post(STREAMS, &begin).await.expect(201));
    let here = format!("{STREAMS}/{id}");
    let first = events(&api, 3).await - 2;
    delivered(&api, &id, first + 2).await;
    // Its own set-up is the first entry that it sends.
    assert_eq!(receiver.seqs()[0], first - 1);
    assert!(receiver.taken()[0].head.to_lowercase().contains("x-api-key: top-secret-value"));

    api.post_empty(&format!("{here}/pause")).await.expect(200);
    let last = events(&api, 5).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!receiver.seqs().contains(&last), "a paused stream sends");
    let resumed = api.post_empty(&format!("{here}/resume")).await.expect(200);
    assert_eq!(resumed["state"], "active");
    delivered(&api, &id, last).await;

    let patch = async |body: Value| {
        let request = api.request(reqwest::Method::PATCH, &here).body(body.to_string());
        crate::client::Answer::to(request).await
    };
    let mut elsewhere = target.clone();
    elsewhere["url"] = json!("http://elsewhere.example.org/in");
    let refused = patch(json!({ "destination": elsewhere })).await;
    refused.problem(422, "secrets-needed");
    let mut same_host = target.clone();
    same_host["body"] = json!("ndjson");
    let changed = patch(json!({ "name": "Mine", "destination": same_host })).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["secrets"]["credential"]),
        (&json!("Mine"), &json!(true))
    );
    let last = events(&api, 2).await;
    delivered(&api, &id, last).await;
    assert!(receiver.taken().pop().unwrap().head.contains("application/x-ndjson"));

    // A path may be a secret: those who may not set streams up see where one goes, and no more.
    let mut deep = target.clone();
    deep["url"] = json!(format!("{}/collect/by-this-path", receiver.url()));
    let changed = patch(json!({ "destination": deep })).await.expect(200);
    assert_eq!(changed["destination"]["url"], deep["url"]);
    let auditor = app.client(app.key("acme", "auditor"));
    let seen = [auditor.get(&here).await.expect(200), auditor.get(STREAMS).await.expect(200)];
    for seen in seen {
        let seen = seen.to_string();
        assert!(seen.contains("http://127.0.0.1:") && !seen.contains("by-this-path"), "{seen}");
    }

    let log = json!(api.entries("acme").await).to_string();
    assert!(!log.contains("top-secret-value") && log.contains("stream.created"), "{log}");
    api.delete(&here).await.expect(204);
    api.get(&here).await.problem(404, "stream-not-found");
    let last = events(&api, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!receiver.seqs().contains(&last), "a removed stream sends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_and_its_neighbours_are_out_of_reach_unless_the_configuration_says_so() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    for address in ["127.0.0.1:22", "[::1]:22", "169.254.169.254:80", "[::ffff:127.0.0.1]:22"] {
        let target = json!({ "type": "syslog", "address": address, "transport": "tcp" });
        let answer = api.post(STREAMS, &json!({ "name": "x", "destination": target })).await;
        answer.problem(422, "address-invalid");
    }
    let target = json!({ "type": "syslog", "address": "localhost:22", "transport": "tcp" });
    let made = api.post(STREAMS, &json!({ "name": "x", "destination": target })).await.expect(201);
    let tried = api.post_empty(&format!("{STREAMS}/{}/test", id(&made))).await.expect(200);
    assert!(tried["detail"].as_str().unwrap().contains("streams.allowed_addresses"), "{tried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_sets_up_tests_changes_and_removes_a_stream_in_the_console() {
    let (app, _) = start();
    let receiver = Receiver::start().await;
    let owner = app.session("acme", crate::app::OWNER, crate::app::PASSWORD).await;
    let (list, url) = ("/t/acme/admin/audit/streams", receiver.url());
    let new = format!("{list}/new");
    let form = format!("{new}?type=http");
    let way = ("authentication", "bearer");
    let fields = [("type", "http"), ("name", "SIEM"), ("url", url.as_str()), way];
    let refused = owner.submit(&form, &new, &fields).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("needs a credential"), "{}", refused.body);
    let secret = ("credential", "a-secret-token");
    let made = owner.submit(&form, &new, &[&fields[..], &[secret]].concat()).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let here = made.header("location").split('?').next().unwrap().to_owned();
    let tested = owner.submit(&here, &format!("{here}/test"), &[]).await;
    assert!(tested.body.contains("The test message got through"), "{}", tested.body);
    let edit = format!("{here}/edit");
    assert!(!owner.get(&edit).await.body.contains("a-secret-token"));
    let renamed = [&fields[..1], &[("name", "Other")], &fields[2..]].concat();
    assert_eq!(owner.submit(&edit, &edit, &renamed).await.status, 303, "the token is kept");
    receiver.behave(Manner::Refuse(401));
    let failed = owner.submit(&here, &format!("{here}/test"), &[]).await;
    assert!(failed.body.contains("The receiver answered 401."), "{}", failed.body);
    for act in ["pause", "resume"] {
        assert_eq!(owner.submit(&here, &format!("{here}/{act}"), &[]).await.status, 303);
    }
    assert!(owner.get(list).await.body.contains("Other"));
    let gone = owner.submit(&format!("{here}/delete"), &format!("{here}/delete"), &[]).await;
    assert_eq!(gone.status, 303);
    assert_eq!(owner.get(&here).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_checkpoints_are_published_to_a_directory_to_syslog_and_over_http() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().display().to_string();
    let (rsyslog, receiver) = (Rsyslog::plain(), Receiver::start().await);
    let syslog = format!("tcp://127.0.0.1:{}", rsyslog.port);
    let url = receiver.url();
    let mut app = TestApp::with(&[
        ("STRONGROOM_CHECKPOINTS__PUBLISH_DIRECTORY", path.as_str()),
        ("STRONGROOM_CHECKPOINTS__PUBLISH_SYSLOG", syslog.as_str()),
        ("STRONGROOM_CHECKPOINTS__PUBLISH_HTTP", url.as_str()),
        ("STRONGROOM_CHECKPOINTS__PUBLISH_HTTP_HEADER", "X-Api-Key: header-secret"),
    ]);
    let token = app.tenant("acme");
    let api = app.client(token);
    events(&api, 10).await;
    let note = api.get("/api/v1/audit/acme/checkpoint").await.body;
    let (origin, size) = (note.lines().next().unwrap(), note.lines().nth(1).unwrap());
    // It publishes at its start, and then twice a minute.
    app.crash_and_restart();
    let log = origin.rsplit('/').next().unwrap();
    let file = directory.path().join(log).join(format!("{size:0>20}.note"));
    let has = |bodies: &[String]| bodies.iter().any(|body| body.contains(origin));
    for _ in 0..400 {
        let posted: Vec<_> = receiver.taken().into_iter().map(|request| request.body).collect();
        if file.exists() && has(&posted) && has(&rsyslog.lines()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), note);
    let request = receiver.taken().into_iter().find(|request| request.body.contains(origin));
    let request = request.expect("nothing was posted");
    assert!(request.head.to_lowercase().contains("x-api-key: header-secret"));
    let posted: Vec<Value> = serde_json::from_str(&request.body).unwrap();
    assert!(posted.iter().any(|one| one["note"] == note.as_str()), "{posted:?}");
    let line = rsyslog.lines().into_iter().find(|line| line.contains(origin)).expect("no line");
    let sent: Value = serde_json::from_str(line.split_once("- ").unwrap().1.trim()).unwrap();
    assert_eq!(sent["note"], note.as_str());
}
