//! How people have to sign in: set in the console, through the API and from a shell, and recorded.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};

const PATH: &str = "/api/v1/settings/acme/sign-in";
const PAGE: &str = "/t/acme/admin/sign-in";

async fn put(client: &Client, body: &Value) -> Answer {
    Answer::to(client.request(Method::PUT, PATH).body(body.to_string())).await
}

/// What the API takes: all of it, with one thing changed.
fn policy(name: &str, value: Value) -> Value {
    let mut policy = json!({
        "secondFactorForAll": false,
        "idleMinutes": null,
        "absoluteHours": null,
        "accessTokenMinutes": 15,
        "magicLinks": true,
        "passkeysAlone": true,
        "registration": false,
        "registrationDomains": [],
        "fourEyes": false,
    });
    policy[name] = value;
    policy
}

#[tokio::test]
async fn a_change_is_recorded_field_by_field_and_what_is_out_of_bounds_is_refused() {
    let (app, admin) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    let changed = put(&owner, &policy("idleMinutes", json!(10))).await.expect(200);
    assert_eq!(changed["idleMinutes"], 10, "{changed}");
    let log = owner.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
    let changes = json!({ "idleMinutes": { "old": null, "new": 10 } });
    assert_eq!(log["items"][0]["changes"], changes, "{log}");
    for (name, value) in [
        ("idleMinutes", json!(4)),
        ("absoluteHours", json!(721)),
        ("accessTokenMinutes", json!(0)),
        ("registrationDomains", json!(["localhost"])),
        ("registration", json!(true)),
    ] {
        let field = if name == "registration" { "registrationDomains" } else { name };
        let problem = put(&owner, &policy(name, value)).await.problem(422, "setting-invalid");
        assert_eq!(problem["field"], field, "{problem}");
    }
    put(&owner, &json!({ "fourEyes": false })).await.problem(422, "body-invalid");
    let admin = app.client(admin);
    admin.get(PATH).await.expect(200);
    put(&admin, &policy("idleMinutes", json!(20))).await.problem(403, "forbidden");
}

#[tokio::test]
async fn the_page_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let wrong = [("access_token_minutes", "15"), ("idle_minutes", "soon"), ("magic_links", "on")];
    let refused = owner.submit(PAGE, PAGE, &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("value=\"soon\""), "{}", refused.body);
    assert!(refused.body.contains("a number from 5 to 1440"), "{}", refused.body);
    let fine = [
        ("access_token_minutes", "15"),
        ("registration", "on"),
        ("registration_domains", "Example.org\r\n@b.example.org"),
    ];
    assert_eq!(owner.submit(PAGE, PAGE, &fine).await.status, 303);
    let now = app.cli(&["tenant", "sign-in", "acme"], "");
    assert_eq!(now["registrationDomains"], json!(["b.example.org", "example.org"]), "{now}");
    assert_eq!(now["magicLinks"], false, "{now}");
}

#[tokio::test]
async fn when_everybody_needs_two_factors_sessions_with_one_end() {
    let (app, _) = TestApp::with_tenant();
    let viewer = ["user", "create", "--tenant", "acme", "v@example.org", "--role", "viewer"];
    app.cli(&[&viewer[..], &["--password-stdin"]].concat(), PASSWORD);
    let one_factor = app.session("acme", "v@example.org", PASSWORD).await;
    assert_eq!(one_factor.get("/t/acme/").await.status, 200);
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = owner.get(PAGE).await;
    assert!(page.body.contains("One active member has none yet"), "{}", page.body);
    let set = ["tenant", "sign-in", "acme", "--set", "secondFactorForAll=true"];
    let now = app.cli(&set, "");
    assert_eq!(now["withoutSecondFactor"], 1, "{now}");
    assert_eq!(one_factor.get("/t/acme/").await.status, 303, "the session has ended");
    assert_eq!(owner.get("/t/acme/").await.status, 200, "one with two factors goes on");
}

#[tokio::test]
async fn a_shell_says_which_settings_there_are() {
    let (app, _) = TestApp::with_tenant();
    let unknown = app.try_cli(&["tenant", "sign-in", "acme", "--set", "color=red"], "");
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.err.contains("idleMinutes"), "{unknown:?}");
    let wrong = app.try_cli(&["tenant", "sign-in", "acme", "--set", "fourEyes=perhaps"], "");
    assert_eq!(wrong.code, 1, "{wrong:?}");
}
