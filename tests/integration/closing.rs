//! Closing a tenant: nobody gets in from that moment, it can be taken out and taken back, and in the
//! end nothing is left but a certificate.

use std::time::Duration;

use serde_json::json;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::server;

const CLOSE: [&str; 6] =
    ["tenant", "close", "acme", "--confirm=acme", "--reason", "the contract ended"];

/// A tenant with something in it; the token of its administrator's key.
async fn filled(settings: server::Settings<'_>) -> (TestApp, String) {
    let app = TestApp::with(settings);
    let token = app.tenant("acme");
    let api = app.client(token.clone());
    let new = json!({ "subject": "Marker-Subject", "dataSubject": { "id": "customer-1" } });
    let made = api.post("/api/v1/conversations/acme", &new).await.expect(201);
    let path = format!("/api/v1/conversations/acme/{}/messages", made["id"].as_str().unwrap());
    let message = json!({ "author": { "type": "agent" }, "body": "Marker-Body" });
    api.post(&path, &message).await.expect(201);
    (app, token)
}

#[tokio::test]
async fn from_that_moment_no_way_leads_in_and_taken_back_all_do() {
    let (app, token) = filled(&[]).await;
    let api = app.client(token);
    let session = app.session("acme", OWNER, PASSWORD).await;
    let signed_in = json!({ "email": OWNER, "password": PASSWORD });
    let sign_in = "/api/v1/auth/acme/token";
    let tokens = app.anonymous().post(sign_in, &signed_in).await;
    let closed = app.cli(&CLOSE, "");
    assert_eq!(closed["state"], "closed", "{closed}");

    assert_eq!(api.get("/api/v1/conversations/acme").await.status, 403);
    let scim = api.get("/scim/v2/Users").await;
    assert!(matches!(scim.status, 401 | 403), "{} {}", scim.status, scim.body);
    assert_ne!(session.get("/t/acme/").await.status, 200, "an open session is over");
    let again = app.anonymous().post(sign_in, &signed_in).await;
    assert_ne!(again.status, 200, "{}", again.body);
    if tokens.status == 200 {
        let refresh = serde_json::from_str::<serde_json::Value>(&tokens.body).unwrap();
        let body = json!({ "refreshToken": refresh["refreshToken"] });
        let renewed = app.anonymous().post("/api/v1/auth/acme/refresh", &body).await;
        assert_ne!(renewed.status, 200, "{}", renewed.body);
    }
    for page in ["/t/acme/saml/metadata", "/t/acme/login/link"] {
        assert_ne!(app.anonymous().get(page).await.status, 500, "{page}");
    }
    let wrong = ["tenant", "close", "acme", "--confirm=acme", "--reason", "twice"];
    assert_eq!(app.try_cli(&wrong, "").code, 1);

    app.cli(&["tenant", "reopen", "acme"], "");
    let found = api.get("/api/v1/conversations/acme").await.expect(200);
    assert_eq!(found["items"][0]["subject"], "Marker-Subject", "{found}");
    let actions: Vec<_> = api.entries("acme").await;
    let said = json!(actions).to_string();
    assert!(said.contains("account.closed") && said.contains("tenant.reopened"), "{said}");
}

#[tokio::test]
async fn only_who_leaves_is_taken_out_whole_and_the_archive_says_what_is_in_it() {
    let (app, _) = filled(&[]).await;
    let files = tempfile::tempdir().unwrap();
    let out = files.path().join("acme.tar");
    let export = ["tenant", "export", "acme", "--out", out.to_str().unwrap()];
    let refused = app.try_cli(&export, "");
    assert!(refused.code == 1 && !out.exists(), "{refused:?}");
    app.cli(&CLOSE, "");
    let done = app.cli(&export, "");
    assert_eq!(done["conversations"], 1, "{done}");
    let into = files.path().join("out");
    std::fs::create_dir(&into).unwrap();
    let tar = std::process::Command::new("tar").arg("-xf").arg(&out).arg("-C").arg(&into).status();
    assert!(tar.unwrap().success());
    let said = std::fs::read_to_string(into.join("conversations/00001.jsonl")).unwrap();
    assert!(said.contains("Marker-Subject") && said.contains("Marker-Body"), "{said}");
    let manifest = std::fs::read(into.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let listed = manifest["files"].as_array().unwrap();
    assert!(listed.iter().all(|file| into.join(file["path"].as_str().unwrap()).exists()));
    let (bundle, key) = (files.path().join("bundle"), files.path().join("key"));
    std::fs::copy(into.join("audit/bundle.tar.00001"), &bundle).unwrap();
    app.cli(&["audit", "public-key", "--out", key.to_str().unwrap()], "");
    let verify = ["audit", "verify", "--bundle", bundle.to_str().unwrap()];
    let key = ["--public-key", key.to_str().unwrap()];
    assert_eq!(app.cli(&[&verify[..], &key[..]].concat(), "")["ok"], true);
    // Encrypted where it is written: not a word of it is readable.
    let sealed = files.path().join("acme.tar.age");
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let to = ["--recipient", recipient];
    let export = ["tenant", "export", "acme", "--out", sealed.to_str().unwrap()];
    app.cli(&[&export[..], &to[..]].concat(), "");
    let bytes = std::fs::read(&sealed).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    assert!(!bytes.windows(11).any(|window| window == b"Marker-Body"));
}

#[tokio::test]
async fn without_grace_it_is_destroyed_at_the_next_run_and_the_certificate_can_be_checked() {
    let (mut app, _) = filled(&[("STRONGROOM_CLOSING__GRACE_DAYS", "0")]).await;
    let tenants = app.data().join("tenants");
    assert_eq!(std::fs::read_dir(&tenants).unwrap().count(), 1);
    app.cli(&CLOSE, "");
    // Killed in between; the start goes on.
    app.crash_and_restart();
    let mut listed = json!(null);
    for _ in 0..100 {
        listed = app.cli(&["tenant", "list", "--closed"], "");
        if listed["items"][0]["state"] == "destroyed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let closing = &listed["items"][0];
    assert_eq!(closing["state"], "destroyed", "{listed}");
    assert_eq!(std::fs::read_dir(&tenants).unwrap().count(), 0, "its files are gone");
    let all = app.cli(&["tenant", "list"], "");
    assert_eq!(all["items"], json!([]), "{all}");
    assert_eq!(app.try_cli(&["tenant", "reopen", "acme"], "").code, 1);
    let files = tempfile::tempdir().unwrap();
    let (note, key) = (files.path().join("note"), files.path().join("key"));
    std::fs::write(&note, closing["certificate"].as_str().unwrap()).unwrap();
    app.cli(&["audit", "public-key", "--out", key.to_str().unwrap()], "");
    let check = ["certificate", note.to_str().unwrap(), "--public-key", key.to_str().unwrap()];
    let checked = app.cli(&check, "");
    assert!(checked["text"].as_str().unwrap().contains("destruction of a tenant v1"), "{checked}");
    let ledger = std::fs::read_to_string(app.data().join("erasures.log")).unwrap();
    assert!(ledger.contains(closing["tenant"].as_str().unwrap()), "{ledger}");
    assert_eq!(app.cli(&["audit", "verify"], "")["ok"], true);
}

#[tokio::test]
async fn a_hold_that_comes_while_the_time_of_grace_runs_keeps_the_tenant_until_it_is_lifted() {
    let (app, _) = filled(&[]).await;
    app.cli(&CLOSE, "");
    let held = || app.cli(&["tenant", "list", "--closed"], "")["items"][0]["held"].clone();
    assert_eq!(held(), false);
    let set = ["hold", "set", "--tenant", "acme", "--everything", "--reason", "Case 12/26"];
    let hold = app.cli(&set, "")["id"].as_str().unwrap().to_owned();
    assert_eq!(held(), true);
    app.cli(&["hold", "lift", "--tenant", "acme", &hold, "--reason", "the case is over"], "");
    assert_eq!(held(), false);
}
