//! How long entries are kept is set through the API, the console and a shell, and is recorded.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};

const PATH: &str = "/api/v1/audit/acme/retention";

async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    Answer::to(client.request(Method::PUT, path).body(body.to_string())).await
}

#[tokio::test]
async fn entries_are_kept_for_seven_years_unless_an_owner_says_otherwise() {
    let (app, admin) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    let before = owner.get(PATH).await.expect(200);
    assert_eq!((&before["days"], &before["minimumDays"]), (&json!(2557), &json!(731)), "{before}");
    assert_eq!((&before["removedThrough"], &before["due"]), (&json!(0), &json!(0)), "{before}");
    assert!(before["oldest"].is_string() && before["nextDue"].is_string(), "{before}");

    let after = put(&owner, PATH, &json!({ "years": 3 })).await.expect(200);
    assert_eq!(after["days"], 1096, "{after}");
    assert_eq!(owner.get(PATH).await.expect(200)["days"], 1096);
    let log = owner.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
    let entry = &log["items"][0];
    assert_eq!(entry["action"], "settings.changed", "{entry}");
    assert_eq!(entry["changes"]["retentionDays"], json!({ "old": 2557, "new": 1096 }), "{entry}");

    // An administrator looks, and does not change.
    let admin = app.client(admin);
    admin.get(PATH).await.expect(200);
    put(&admin, PATH, &json!({ "days": 800 })).await.problem(403, "forbidden");
    // Of another tenant nobody sees anything.
    app.tenant("globex");
    put(&owner, "/api/v1/audit/globex/retention", &json!({ "days": 800 }))
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_keeps_entries_for_less_than_two_years() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    for bad in [json!({ "days": 730 }), json!({ "years": 1 }), json!({ "days": 40_000 }), json!({})]
    {
        put(&owner, PATH, &bad).await.problem(422, "retention-invalid");
    }
    owner.get(&format!("{PATH}?days=30")).await.problem(422, "retention-invalid");
    for bad in [["--days", "730"], ["--years", "1"]] {
        let said =
            app.try_cli(&[&["audit", "retention", "--tenant", "acme"], &bad[..]].concat(), "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("731"), "{said:?}");
    }
    assert_eq!(owner.get(PATH).await.expect(200)["days"], 2557);
}

#[tokio::test]
async fn a_shell_sets_it_for_a_tenant_and_for_the_platform() {
    let (app, _) = TestApp::with_tenant();
    let set = app.cli(&["audit", "retention", "--tenant", "acme", "--years", "2"], "");
    assert_eq!(set["days"], 731, "{set}");
    assert_eq!(app.cli(&["audit", "retention", "--tenant", "acme"], "")["days"], 731);
    assert_eq!(app.cli(&["audit", "retention"], "")["days"], 2557);
    assert_eq!(app.cli(&["audit", "retention", "--days", "4000"], "")["days"], 4000);
    assert_eq!(app.cli(&["audit", "retention"], "")["days"], 4000);
    let both = app.try_cli(&["audit", "retention", "--days", "900", "--years", "3"], "");
    assert_eq!(both.code, 2, "{both:?}");
}

#[tokio::test]
async fn the_settings_page_says_what_is_wrong_beside_the_field() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = "/t/acme/admin/audit/settings";
    let shown = owner.get(page).await;
    assert!(shown.body.contains("2,557 days"), "{}", shown.body);
    let refused = owner.submit(page, page, &[("days", "30")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("from 731 to 36,525"), "{}", refused.body);
    let done = owner.submit(page, page, &[("days", "900")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(owner.get(page).await.body.contains("900 days"));
}
