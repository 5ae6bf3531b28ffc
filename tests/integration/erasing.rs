//! Erasing a person: from the API, from a shell and in the console, alone and with four eyes.

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::restore::House;

const ERASURES: &str = "/api/v1/erasures/acme";
const CONVERSATIONS: &str = "/api/v1/conversations/acme";
const PAGE: &str = "/t/acme/admin/privacy/erasures";

/// A conversation with somebody; its path.
async fn conversation(app: &TestApp, reference: &str) -> String {
    let api = app.client(app.key("acme", "owner"));
    let new = json!({
        "subject": "Marker-Subject", "tags": ["marker-tag"],
        "dataSubject": { "id": reference, "name": "Marker-Name", "email": "marker@example.org" },
    });
    let made = api.post(CONVERSATIONS, &new).await.expect(201);
    let path = format!("{CONVERSATIONS}/{}", made["id"].as_str().unwrap());
    let message = json!({ "author": { "type": "customer" }, "body": "Marker-Body" });
    api.post(&format!("{path}/messages"), &message).await.expect(201);
    path
}

fn request(reference: &str) -> Value {
    json!({
        "person": { "reference": reference }, "confirm": reference,
        "reason": "asked for by letter", "request": "DSR-7",
    })
}

async fn assert_erased(app: &TestApp, path: &str) {
    let api = app.client(app.key("acme", "owner"));
    let shown = api.get(path).await.expect(200);
    assert_eq!((&shown["erased"], &shown["subject"]), (&json!(true), &Value::Null), "{shown}");
    let said = api.get(&format!("{path}/messages")).await.expect(200);
    assert_eq!(said["items"][0]["erased"], true, "{said}");
    let everything = format!("{shown}{said}{}", json!(api.entries("acme").await));
    for marker in ["Marker-Subject", "Marker-Name", "Marker-Body", "marker-tag"] {
        assert!(!everything.contains(marker), "{marker}: {everything}");
    }
    assert_eq!(app.cli(&["audit", "verify"], "")["ok"], true);
}

#[tokio::test]
async fn an_application_erases_a_person_once_and_the_certificate_can_be_checked() {
    let (mut app, _) = TestApp::with_tenant();
    let path = conversation(&app, "customer-1").await;
    let officer = app.client(app.key("acme", "privacy-officer"));
    let person = json!({ "person": { "email": "MARKER@example.org" } });
    let found = officer.post(&format!("{ERASURES}/preview"), &person).await.expect(200);
    let preview = &found["items"][0];
    assert_eq!((&preview["messages"], &preview["held"]), (&json!(1), &json!(false)), "{found}");

    let mut wrong = request("customer-1");
    wrong["confirm"] = json!("customer-2");
    officer.post(ERASURES, &wrong).await.problem(422, "confirmation-wrong");
    let erased = officer.post_once(ERASURES, "once", &request("customer-1")).await.expect(201);
    let again = officer.post_once(ERASURES, "once", &request("customer-1")).await.expect(201);
    assert_eq!(again, erased, "a repeated call gets the first answer");
    assert_eq!(erased["state"], "done", "{erased}");
    assert_erased(&app, &path).await;
    officer.post(ERASURES, &request("customer-1")).await.problem(404, "person-not-found");

    let one = format!("{ERASURES}/{}", erased["id"].as_str().unwrap());
    let certificate = officer.get(&format!("{one}/certificate")).await;
    let files = tempfile::tempdir().unwrap();
    let (note, key) = (files.path().join("note"), files.path().join("key"));
    std::fs::write(&note, &certificate.body).unwrap();
    app.cli(&["audit", "public-key", "--out", key.to_str().unwrap()], "");
    let check = ["certificate", note.to_str().unwrap(), "--public-key", key.to_str().unwrap()];
    assert_eq!(app.cli(&check, "")["ok"], true);
    // As a shell's output was kept in a file.
    std::fs::write(&note, format!("The person is erased.\n\n{}", certificate.body)).unwrap();
    assert_eq!(app.cli(&check, "")["ok"], true);
    std::fs::write(&note, certificate.body.replace("messages 1", "messages 2")).unwrap();
    assert_eq!(app.try_cli(&check, "").code, 1, "a changed certificate is refused");

    app.crash_and_restart();
    assert_erased(&app, &path).await;
}

#[tokio::test]
async fn a_shell_shows_who_it_would_be_and_erases_them() {
    let (app, _) = TestApp::with_tenant();
    let path = conversation(&app, "customer-1").await;
    let who = ["erase", "--tenant", "acme", "--reference", "customer-1"];
    let preview = app.cli(&[&who[..], &["--preview"]].concat(), "");
    assert_eq!(preview["items"][0]["name"], "Marker-Name", "{preview}");
    let unsure = app.try_cli(&[&who[..], &["--reason", "by letter"]].concat(), "");
    assert_eq!(unsure.code, 1, "{unsure:?}");
    let sure = ["--reason", "by letter", "--confirm", "customer-1"];
    let done = app.cli(&[&who[..], &sure[..]].concat(), "");
    assert_eq!(done["counts"]["messages"], 1, "{done}");
    assert_erased(&app, &path).await;
}

#[tokio::test]
async fn an_erasure_that_waits_for_a_backup_target_says_that_it_goes_on_by_itself() {
    let house = House::start();
    let app = &house.app;
    app.tenant("acme");
    let path = conversation(app, "customer-1").await;
    house.back_up();
    let away = house.target.with_file_name("away");
    std::fs::rename(&house.target, &away).unwrap();
    std::fs::write(&house.target, "no directory").unwrap();
    let officer = app.client(app.key("acme", "owner"));
    let waits = officer.post(ERASURES, &request("customer-1")).await;
    let waits = waits.problem(503, "ledger-not-copied").to_string();
    assert!(waits.contains("goes on by itself"), "{waits}");
    assert!(!waits.contains("target:") && !waits.contains("/target"), "no path of ours: {waits}");
    assert_eq!(officer.get(ERASURES).await.expect(200)["items"][0]["state"], "running");
    std::fs::remove_file(&house.target).unwrap();
    std::fs::rename(&away, &house.target).unwrap();
    app.cli(&["job", "run", "erasures.complete"], "");
    for _ in 0..100 {
        if officer.get(ERASURES).await.expect(200)["items"][0]["state"] == "done" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_erased(app, &path).await;
}

#[tokio::test]
async fn a_privacy_officer_erases_in_the_console_a_viewer_does_not() {
    let (app, _) = TestApp::with_tenant();
    let path = conversation(&app, "customer-1").await;
    for (role, email) in [("privacy-officer", "pia@example.org"), ("viewer", "vic@example.org")] {
        let create = ["user", "create", "--tenant", "acme", "--role", role, "--password-stdin"];
        app.cli(&[&create[..], &[email]].concat(), PASSWORD);
    }
    let viewer = app.session("acme", "vic@example.org", PASSWORD).await;
    assert_eq!(viewer.get(PAGE).await.status, 403);
    let officer = app.session("acme", "pia@example.org", PASSWORD).await;
    let fields = [("by", "reference"), ("value", "customer-1")];
    let found = officer.submit(PAGE, &format!("{PAGE}/find"), &fields).await;
    assert!(found.body.contains("Marker-Name"), "{}", found.body);
    let subject = found.body.split("name=\"subject\" value=\"").nth(1).unwrap();
    let subject = subject.split('"').next().unwrap();
    let erase = async |confirm: &str| {
        let fields = [("subject", subject), ("confirm", confirm), ("reason", "by letter")];
        officer.submit(PAGE, PAGE, &fields).await
    };
    let refused = erase("customer-2").await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("by letter"), "what was typed is kept: {}", refused.body);
    let done = erase("customer-1").await;
    assert_eq!(done.status, 303, "{}", done.body);
    let shown = officer.get(done.header("location")).await;
    assert!(shown.body.contains("strongroom erasure of a person v1"), "{}", shown.body);
    assert_erased(&app, &path).await;
}

#[tokio::test]
async fn a_member_is_gone_at_once_and_cannot_sign_in() {
    let (app, _) = TestApp::with_tenant();
    let create = ["user", "create", "--tenant", "acme", "--role", "viewer", "--password-stdin"];
    app.cli(&[&create[..], &["vic@example.org"]].concat(), PASSWORD);
    let session = app.session("acme", "vic@example.org", PASSWORD).await;
    let who = ["erase", "--tenant", "acme", "--email", "vic@example.org"];
    let done = app.cli(&[&who[..], &["--confirm", "erase", "--reason", "left"]].concat(), "");
    assert_eq!(done["kind"], "member", "{done}");
    assert_eq!(session.get("/t/acme/account").await.status, 303, "the session is over");
    let members = app.cli(&["user", "list", "--tenant", "acme"], "");
    assert!(!members.to_string().contains("vic@example.org"), "{members}");
    let owner = ["erase", "--tenant", "acme", "--email", OWNER];
    let kept = app.try_cli(&[&owner[..], &["--confirm", "erase", "--reason", "left"]].concat(), "");
    assert!(kept.code == 1 && kept.err.contains("owner"), "{kept:?}");
}

#[tokio::test]
async fn with_four_eyes_a_second_person_approves_it() {
    let (app, _) = TestApp::with_tenant();
    let path = conversation(&app, "customer-1").await;
    let create = ["user", "create", "--tenant", "acme", "--role", "owner", "--password-stdin"];
    app.cli(&[&create[..], &["olga@example.org"]].concat(), PASSWORD);
    app.cli(&["tenant", "sign-in", "acme", "--set", "fourEyes=true"], "");
    let who = ["erase", "--tenant", "acme", "--reference", "customer-1", "--confirm", "erase"];
    let asked = app.cli(&[&who[..], &["--reason", "by letter"]].concat(), "");
    let id = asked["approval"].as_str().expect("an approval is asked for");
    let api = app.client(app.key("acme", "owner"));
    assert_eq!(api.get(&path).await.expect(200)["subject"], "Marker-Subject");
    let second = app.session("acme", "olga@example.org", PASSWORD).await;
    let approvals = "/t/acme/admin/approvals";
    let done = second.submit(approvals, &format!("{approvals}/{id}/approve"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_erased(&app, &path).await;
}
