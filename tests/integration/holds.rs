//! Legal holds, through the API, a shell and the console of the real binary.

use reqwest::Method;
use serde_json::json;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::Answer;

const HOLDS: &str = "/api/v1/holds/acme";

#[tokio::test]
async fn what_is_on_hold_is_not_deleted_and_says_so() {
    let (app, _) = TestApp::with_tenant();
    let officer = app.client(app.key("acme", "privacy_officer"));
    let admin = app.client(app.key("acme", "admin"));
    let new = json!({ "subject": "Teapot", "dataSubject": { "id": "zoe", "name": "Zoë" } });
    let made = admin.post("/api/v1/conversations/acme", &new).await.expect(201);
    let one = format!("/api/v1/conversations/acme/{}", made["id"].as_str().unwrap());
    let hold = json!({ "scope": "data-subject", "target": "zoe", "reason": "Case 7 of the court" });
    admin.post(HOLDS, &hold).await.problem(403, "forbidden");
    let set = officer.post_once(HOLDS, "once", &hold).await.expect(201);
    let again = officer.post_once(HOLDS, "once", &hold).await.expect(201);
    assert_eq!(set["id"], again["id"]);
    assert_eq!(
        (&set["state"], &set["reason"]),
        (&json!("in-force"), &json!("Case 7 of the court"))
    );

    assert_eq!(admin.get(&one).await.expect(200)["hold"], true);
    let refused = admin.delete(&one).await.problem(409, "held");
    let said = refused.to_string();
    assert!(said.contains(set["id"].as_str().unwrap()) && !said.contains("court"), "{said}");
    let page = format!("/t/acme/conversations/{}", made["id"].as_str().unwrap());
    let shown = app.session("acme", OWNER, PASSWORD).await.get(&page).await;
    assert!(shown.body.contains("On hold"), "{}", shown.body);

    let place = format!("{HOLDS}/{}", set["id"].as_str().unwrap());
    let later = json!({ "endsAt": "2096-11-22T00:00:00Z" });
    let changed = Answer::to(officer.request(Method::PATCH, &place).body(later.to_string()))
        .await
        .expect(200);
    assert_eq!(changed["history"].as_array().unwrap().len(), 1);
    let lifted =
        officer.post(&format!("{place}/lift"), &json!({ "reason": "over" })).await.expect(200);
    assert_eq!(lifted["state"], "lifted");
    admin.delete(&one).await.expect(204);
    let entries = officer.entries("acme").await;
    assert!(!json!(entries).to_string().contains("court"), "reasons stay out of the log");
    for action in ["hold.set", "hold.changed", "hold.lifted"] {
        assert!(entries.iter().any(|entry| entry["action"] == action), "{action}");
    }
}

#[tokio::test]
async fn a_shell_sets_lists_and_lifts() {
    let (app, _) = TestApp::with_tenant();
    let tenant = ["--tenant", "acme", "--reason", "Case 7"];
    let set = app.cli(&[&["hold", "set", "--everything"], &tenant[..]].concat(), "");
    let id = set["id"].as_str().unwrap();
    let listed = app.cli(&["hold", "list", "--tenant", "acme"], "");
    assert_eq!(listed["items"][0]["id"], id, "{listed}");
    let refused = app.try_cli(&["tenant", "shred-audit", "acme", "--confirm", "acme"], "");
    assert!(refused.code == 1 && refused.err.contains(id), "{refused:?}");
    app.cli(&[&["hold", "lift", id], &tenant[..]].concat(), "");
    let listed = app.cli(&["hold", "list", "--tenant", "acme"], "");
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn the_console_sets_changes_and_lifts_a_hold() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = "/t/acme/admin/privacy/holds";
    let wrong = [("scope", "data-subject"), ("target", "nobody"), ("reason", "Case 7")];
    let refused = owner.submit(page, page, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("There is no such person"), "{}", refused.body);
    let fine = [("scope", "tenant"), ("reason", "Case 7"), ("ends", "2096-01-31")];
    let set = owner.submit(page, page, &fine).await;
    assert_eq!(set.status, 303, "{}", set.body);
    let one = set.header("location").split('?').next().unwrap().to_owned();
    let shown = owner.get(&one).await;
    assert!(shown.body.contains("Case 7") && shown.body.contains("2096-01-31"), "{}", shown.body);
    let moved = owner.submit(&one, &one, &[("ends", "2096-02-01"), ("review", "")]).await;
    assert_eq!(moved.status, 303, "{}", moved.body);
    let lifted = owner.submit(&one, &format!("{one}/lift"), &[("reason", "over")]).await;
    assert_eq!(lifted.status, 303, "{}", lifted.body);
    let list = owner.get(page).await;
    assert!(list.body.contains("Nothing is on hold"), "{}", list.body);
}
