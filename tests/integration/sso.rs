//! Identity providers: who may set them up, what a second person decides, what comes of a sign-in
//! at a real one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client, Session};
use crate::oidc_provider::{ALLOWED, OidcProvider, SECRET};

const ALL: &str = "/api/v1/identity-providers/acme";

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    Answer::to(client.request(Method::PATCH, path).body(body.to_string())).await
}

fn settings() -> Value {
    json!({
        "name": "Example",
        "preset": "keycloak",
        "protocol": {
            "type": "oidc", "issuer": "https://id.example.org", "clientId": "strongroom",
        },
        "domains": ["Example.ORG"],
        "provisioning": {
            "rules": [{ "attribute": "groups", "value": "staff", "role": "operator" }],
            "defaultRole": "viewer",
        },
    })
}

async fn create(client: &Client, settings: Value) -> String {
    let made = client.post(ALL, &json!({ "settings": settings, "secret": SECRET })).await;
    let made = made.expect(201);
    assert_eq!(made["state"], "off", "{made}");
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_provider_is_set_up_changed_and_removed_and_the_log_says_how() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    let id = create(&owner, settings()).await;
    let one = format!("{ALL}/{id}");
    let found = owner.get(&one).await;
    assert!(!found.body.contains(SECRET), "{}", found.body);
    let found = found.expect(200);
    assert_eq!(found["hasSecret"], true, "{found}");
    assert_eq!(found["settings"]["domains"], json!(["example.org"]), "{found}");

    let mut other = settings();
    other["domains"] = json!(["example.org", "example.net"]);
    let changed = patch(&owner, &one, &json!({ "state": "on", "settings": other })).await;
    assert_eq!(changed.expect(200)["state"], "on");
    let log = owner.get("/api/v1/audit/acme/events?q=action:identity_provider.changed").await;
    let entry = &log.expect(200)["items"][0];
    assert_eq!(entry["changes"]["state"], json!({ "old": "off", "new": "on" }), "{entry}");
    let domains = json!({ "old": ["example.org"], "new": ["example.net", "example.org"] });
    assert_eq!(entry["changes"]["domains"], domains, "{entry}");
    let whole = owner.get("/api/v1/audit/acme/events?limit=50").await;
    assert!(!whole.body.contains(SECRET), "{}", whole.body);

    // A domain is one provider's, and so is a name.
    let again = json!({ "settings": settings() });
    owner.post(ALL, &again).await.problem(409, "issuer-taken");
    let mut second = settings();
    second["protocol"]["clientId"] = json!("another");
    owner.post(ALL, &json!({ "settings": second })).await.problem(409, "domain-taken");
    second["domains"] = json!(["example.com"]);
    let second = owner.post(ALL, &json!({ "settings": second })).await.expect(201);
    let on = json!({ "state": "on" });
    let path = format!("{ALL}/{}", second["id"].as_str().unwrap());
    let missing = patch(&owner, &path, &on).await.problem(422, "provider-invalid");
    assert_eq!(missing["field"], "secret", "{missing}");

    owner.delete(&one).await.expect(204);
    owner.get(&one).await.problem(404, "provider-not-found");
}

#[tokio::test]
async fn nobody_below_an_owner_decides_who_people_are() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    let id = create(&owner, settings()).await;
    let admin = app.client(app.key("acme", "admin"));
    let auditor = app.client(app.key("acme", "auditor"));
    let new = json!({ "settings": settings() });
    for client in [&admin, &auditor] {
        assert_eq!(client.get(ALL).await.status, 200);
        client.post(ALL, &new).await.problem(403, "forbidden");
        client.delete(&format!("{ALL}/{id}")).await.problem(403, "forbidden");
    }
    let viewer = app.client(app.key("acme", "viewer"));
    viewer.get(ALL).await.problem(403, "forbidden");
    // A key with the one permission is not an owner's.
    let limited = json!({ "name": "Limited", "scopes": ["sso.manage", "sso.read"] });
    let limited = owner.post("/api/v1/keys/acme", &limited).await.expect(201);
    let token = limited["token"].as_str().unwrap();
    let limited = app.client(token);
    limited.post(ALL, &new).await.problem(403, "forbidden");
    let higher = json!({ "settings": { "provisioning": { "defaultRole": "owner" } } });
    assert_ne!(patch(&limited, &format!("{ALL}/{id}"), &higher).await.status, 200);
    let refused = patch(&limited, &format!("{ALL}/{id}"), &json!({ "state": "on" })).await;
    refused.problem(403, "forbidden");
    // Turning off gives nobody anything.
    patch(&limited, &format!("{ALL}/{id}"), &json!({ "state": "off" })).await.expect(200);
}

#[tokio::test]
async fn a_shell_on_the_machine_sees_and_turns_off_what_went_wrong() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.client(app.key("acme", "owner"));
    let id = create(&owner, settings()).await;
    patch(&owner, &format!("{ALL}/{id}"), &json!({ "state": "on" })).await.expect(200);
    let listed = app.cli(&["sso", "list", "--tenant", "acme"], "");
    assert_eq!(listed["items"][0]["id"], id.as_str(), "{listed}");
    let shown = app.cli(&["sso", "show", "--tenant", "acme", &id], "");
    assert_eq!(shown["settings"]["name"], "Example", "{shown}");
    let off = app.cli(&["sso", "off", "--tenant", "acme", &id], "");
    assert_eq!(off["state"], "off", "{off}");
    app.cli(&["sso", "delete", "--tenant", "acme", &id], "");
    let file = app.data().join("provider.json");
    std::fs::write(&file, settings().to_string()).unwrap();
    let create = ["sso", "create", "--tenant", "acme", "--secret-stdin", "--settings"];
    let made = app.cli(&[&create[..], &[file.to_str().unwrap()]].concat(), SECRET);
    assert_eq!((&made["state"], &made["hasSecret"]), (&json!("off"), &json!(true)), "{made}");
}

fn browser_of(app: &TestApp) -> Session {
    Session::new(&app.server.url, app.data())
}

/// A server with a real provider, which is off.
async fn with_provider() -> (TestApp, Client, OidcProvider, String) {
    let app = TestApp::with(&[ALLOWED]);
    app.tenant("acme");
    let owner = app.client(app.key("acme", "owner"));
    let provider = OidcProvider::start(&app, "acme");
    let mut settings = settings();
    settings["protocol"] = provider.settings();
    let id = create(&owner, settings).await;
    (app, owner, provider, id)
}

#[tokio::test]
async fn somebody_signs_in_at_their_provider_and_is_a_member_from_then_on() {
    let (app, owner, provider, id) = with_provider().await;
    let one = format!("{ALL}/{id}");
    let browser = browser_of(&app);
    let off = browser.get(&format!("/t/acme/sso/{id}")).await;
    assert_eq!(off.status, 403, "{}", off.body);
    assert!(off.body.contains("Number of this attempt"), "{}", off.body);
    patch(&owner, &one, &json!({ "state": "on" })).await.expect(200);

    let answer = provider.sign_in_by(&browser, "acme", &id).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/t/acme/"), "{}", answer.body);
    let home = browser.get("/t/acme/").await;
    assert_eq!(home.status, 200, "{}", home.body);
    let members = owner.get("/api/v1/users/acme?q=kim@example.org").await.expect(200);
    assert_eq!(members["items"][0]["role"], "operator", "{members}");

    let kim = members["items"][0]["id"].as_str().unwrap();
    let links = owner.get(&format!("{one}/links")).await.expect(200);
    assert_eq!(links["items"][0]["user"], kim, "{links}");
    owner.delete(&format!("{one}/links/{kim}")).await.expect(204);
    assert_eq!(browser.get("/t/acme/").await.status, 303);
    owner.delete(&format!("{one}/links/{kim}")).await.problem(404, "link-not-found");
    assert_eq!(owner.list("/api/v1/audit/acme/events?q=action:identity.unlinked").await.len(), 1);
    assert_eq!(provider.sign_in_by(&browser, "acme", &id).await.status, 303);

    // Turning the provider off ends what stands on its word.
    patch(&owner, &one, &json!({ "state": "off" })).await.expect(200);
    assert_eq!(browser.get("/t/acme/").await.status, 303);

    // Whoever is refused leaves a report behind.
    patch(&owner, &one, &json!({ "state": "on" })).await.expect(200);
    provider.set_person("lee", json!({ "email": "lee@elsewhere.org", "email_verified": true }));
    provider.forget();
    let other = browser_of(&app);
    let refused = provider.sign_in_by(&other, "acme", &id).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(!refused.body.contains("elsewhere.org"), "{}", refused.body);
    let reports = owner.get(&format!("{one}/tests")).await.expect(200);
    let report = &reports["items"][0];
    assert_eq!((&report["kind"], &report["passed"]), (&json!("sign-in"), &json!(false)));
    let report = format!("{one}/tests/{}", report["id"].as_str().unwrap());
    let report = owner.get(&report).await.expect(200);
    assert_eq!(report["trace"]["refusal"], "email-domain-foreign", "{report}");
    assert_eq!(report["arrived"]["subject"], "lee", "{report}");
}

#[tokio::test]
async fn trying_a_provider_out_changes_nothing_and_says_what_would_happen() {
    let (app, owner, provider, id) = with_provider().await;
    let browser = app.session("acme", OWNER, PASSWORD).await;
    let callback = provider.callback(&browser, &format!("/t/acme/sso/{id}?for=test")).await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let path = answer.header("location").to_owned();
    let report = path.strip_prefix(&format!("/t/acme/admin/sso/{id}/tests/")).unwrap();
    let report = owner.get(&format!("{ALL}/{id}/tests/{report}")).await.expect(200);
    assert_eq!((&report["kind"], &report["passed"]), (&json!("test"), &json!(true)), "{report}");
    let role = report["trace"]["steps"].as_array().unwrap().iter();
    let role = role.clone().find(|step| step["check"] == "role").unwrap();
    assert_eq!(role["found"], "operator", "{report}");
    assert_eq!(report["arrived"]["subject"], "kim", "{report}");
    let members = owner.get("/api/v1/users/acme?q=kim@example.org").await.expect(200);
    assert_eq!(members["items"], json!([]));
    assert_eq!(owner.list("/api/v1/audit/acme/events?q=action:sso.tested").await.len(), 1);

    // Nobody tries out who may not set up.
    let stranger = browser_of(&app);
    let sent = stranger.get(&format!("/t/acme/sso/{id}?for=test")).await;
    assert_eq!((sent.status, sent.header("location")), (303, "/t/acme/login"));
}
