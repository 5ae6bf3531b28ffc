//! With default settings nothing is connected to, and no name looked up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::setup::{ADMIN, OWNER, set_up};

/// What a list of network calls says against: a connection or a datagram to an address, a resolver's
/// cache, or a socket of the kinds that resolvers and pingers make.
fn goes_out(line: &str) -> bool {
    let sends = ["connect(", "sendto(", "sendmsg(", "sendmmsg("];
    let addressed = line.contains("sa_family=AF_INET");
    let asks = line.contains("nscd") || line.contains("systemd/resolve");
    let made = line.contains("socket(AF_INET") || line.contains("socket(AF_INET6");
    let odd = made && (line.contains("SOCK_DGRAM") || line.contains("SOCK_RAW"));
    (sends.iter().any(|call| line.contains(call)) && (addressed || asks)) || odd
}

#[test]
fn a_connection_and_a_question_for_a_name_would_be_seen() {
    let out = [
        "7 connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"192.0.2.1\")}",
        "7 sendto(5, \"..\", 29, MSG_NOSIGNAL, {sa_family=AF_INET, sin_port=htons(53)}, 16) = 29",
        "7 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 5",
        "7 connect(5, {sa_family=AF_UNIX, sun_path=\"/var/run/nscd/socket\"}, 110) = -1",
    ];
    assert!(out.into_iter().all(goes_out));
    let inside = [
        "7 accept4(9, {sa_family=AF_INET, sin_port=htons(51000)}, [128 => 16], SOCK_CLOEXEC) = 11",
        "7 sendto(11, \"..\", 29, MSG_NOSIGNAL, NULL, 0) = 29",
        "7 bind(9, {sa_family=AF_INET, sin_port=htons(0)}, 16) = 0",
        "7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 9",
    ];
    assert!(!inside.into_iter().any(goes_out));
}

#[tokio::test]
async fn with_default_settings_nothing_is_connected_to_and_no_name_looked_up() {
    let can = Command::new("/usr/bin/strace").args(["-f", "-qq", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("nothing can be traced here");
        return;
    }
    let (mut app, trace) = TestApp::traced();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let owner = app.session("acme", OWNER, PASSWORD).await;
    for page in
        ["/platform/jobs", "/platform/doctor", "/platform/performance", "/docs", "/docs/air-gap"]
    {
        assert_eq!(admin.get(page).await.status, 200, "{page}");
    }
    for page in ["/t/acme/", "/t/acme/admin/audit", "/t/acme/admin/sso", "/t/acme/members"] {
        assert_eq!(owner.get(page).await.status, 200, "{page}");
    }
    let checked = admin.submit("/platform/doctor", "/platform/doctor", &[]).await;
    assert_eq!(checked.status, 200);
    let api = app.client(app.key("acme", "admin"));
    let person = json!({ "id": "1", "name": "Ada", "email": "ada@example.com" });
    let new = json!({ "subject": "Hello", "dataSubject": person });
    api.post("/api/v1/conversations/acme", &new).await.expect(201);
    api.get("/api/v1/audit/acme/events").await.expect(200);
    let export = json!({ "format": "jsonl" });
    api.post("/api/v1/audit/acme/exports", &export).await;
    app.anonymous().get("/metrics").await;
    app.try_cli(&["doctor"], "");
    app.try_cli(&["doctor", "--network"], "");
    let jobs = app.cli(&["job", "list"], "");
    for job in jobs["jobs"].as_array().unwrap() {
        app.try_cli(&["job", "run", job["job"].as_str().unwrap()], "");
    }
    idle(&app).await;
    app.server.stop();
    let calls = written(&trace);
    assert!(calls.contains("listen(") && calls.contains("accept4("), "nothing was traced: {calls}");
    let out: Vec<_> = calls.lines().filter(|line| goes_out(line)).collect();
    assert!(out.is_empty(), "{}", out.join("\n"));
}

/// Once no job runs.
async fn idle(app: &TestApp) {
    for _ in 0..300 {
        let jobs = app.cli(&["job", "list"], "");
        let jobs = jobs["jobs"].as_array().unwrap();
        if jobs.iter().all(|job| job["state"] != "running") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("jobs go on: {}", app.cli(&["job", "list"], ""));
}

/// What strace wrote, once it has written all.
fn written(trace: &Path) -> String {
    let mut before = String::new();
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(200));
        let now = std::fs::read_to_string(trace).unwrap_or_default();
        if !now.is_empty() && now == before {
            return now;
        }
        before = now;
    }
    panic!("the trace grows on")
}
