//! Nothing that somebody said, and nobody's name, is readable on the disk.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::{PASSWORD, TestApp};

/// Files below a directory that contain a text.
fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn no_message_no_name_and_no_audit_payload_is_in_clear_in_any_file_or_log_line() {
    let app = TestApp::with(&[("STRONGROOM_LOG__LEVEL", "trace")]);
    let token = app.tenant("acme");
    let api = app.client(token.clone());
    let new = json!({
        "subject": "Marker-Subject",
        "dataSubject": {
            "id": "Marker-Reference", "name": "Marker-Person", "email": "marker-mail@example.org"
        },
        "customFields": { "note": "Marker-Field" },
    });
    let made = api.post("/api/v1/conversations/acme", &new).await.expect(201);
    let id = made["id"].as_str().unwrap();
    let messages: Vec<_> = (0..300)
        .map(|n| {
            let author = json!({ "type": "customer", "name": "Marker-Author" });
            json!({ "author": author, "body": format!("Marker-Message {n}") })
        })
        .collect();
    let path = format!("/api/v1/conversations/acme/{id}/messages");
    api.post(&path, &json!(messages)).await.expect(201);
    let event = json!({
        "action": "invoice.exported",
        "actor": { "id": "Marker-Actor", "name": "Marker-Actor-Name" },
        "customFields": { "secret": "Marker-Payload" },
    });
    api.post("/api/v1/audit/acme/events", &event).await.expect(201);
    // Searches fill the index; a member fills the tables of people.
    api.get("/api/v1/audit/acme/events?q=actor:Marker-Actor").await.expect(200);
    api.get("/api/v1/conversations/acme?q=Marker-Subject").await.expect(200);
    let member = ["user", "create", "--tenant", "acme", "marker-member@example.org"];
    let member =
        [&member[..], &["--role", "viewer", "--name", "Marker-Member", "--password-stdin"]]
            .concat();
    app.cli(&member, PASSWORD);
    app.session("acme", "marker-member@example.org", PASSWORD).await;
    let markers = ["Marker-", "marker-mail", "marker-member", PASSWORD, &token[..40]];

    // While it runs, with everything in the WAL, and after it was killed.
    let mut app = app;
    let log = crate::server::errors(app.data());
    for round in ["running", "killed"] {
        for marker in markers {
            let found = files_with(app.data(), marker);
            assert!(found.is_empty(), "{round}: {marker} is readable in {found:?}");
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(!said.contains(marker), "{round}: {marker} is in the log");
        }
        app.server.kill();
    }

    // The search itself works: a file with a marker is found.
    std::fs::write(app.data().join("leak"), "xxMarker-Messagexx").unwrap();
    assert_eq!(files_with(app.data(), "Marker-").len(), 1);
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let (app, _) = TestApp::with_tenant();
    let mut waiting = vec![app.data().to_owned()];
    while let Some(path) = waiting.pop() {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        if path.is_dir() {
            assert_eq!(mode & 0o777, 0o700, "{}", path.display());
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_none_or(|extension| extension != "pem") {
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
    }
}
