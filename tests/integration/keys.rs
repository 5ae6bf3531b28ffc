//! API keys: what they may do, from where, and how they are replaced.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};

const KEYS: &str = "/api/v1/keys/acme";
const CONVERSATIONS: &str = "/api/v1/conversations/acme";

async fn make(client: &Client, new: Value) -> (String, Client, TestToken) {
    let made = client.post(KEYS, &new).await.expect(201);
    let token = made["token"].as_str().unwrap().to_owned();
    (format!("{KEYS}/{}", made["id"].as_str().unwrap()), client.with_token(&token), token)
}

type TestToken = String;

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    let request = client.request(Method::PATCH, path).body(body.to_string());
    Answer::to(request.header("content-type", "application/json")).await
}

#[tokio::test]
async fn a_key_with_scopes_does_what_they_say_and_nothing_else() {
    let (app, admin) = TestApp::with_tenant();
    let admin = app.client(admin);
    let scopes = json!(["message.append", "conversation.create"]);
    let (one, key, _) = make(&admin, json!({ "name": "Writer", "scopes": scopes })).await;
    let made = key.post(CONVERSATIONS, &json!({ "subject": "x" })).await.expect(201);
    assert!(made["id"].is_string());
    key.get(CONVERSATIONS).await.problem(403, "forbidden");
    key.get(KEYS).await.problem(403, "forbidden");
    let seen = admin.get(&one).await.expect(200);
    assert_eq!(seen["role"], Value::Null);
    assert_eq!(seen["scopes"], json!(["conversation.create", "message.append"]));
    assert_eq!(seen["permissions"], seen["scopes"]);
    // Changed, it counts on the next request.
    patch(&admin, &one, &json!({ "scopes": ["conversation.read"] })).await.expect(200);
    key.get(CONVERSATIONS).await.expect(200);
    key.post(CONVERSATIONS, &json!({ "subject": "x" })).await.problem(403, "forbidden");
    patch(&admin, &one, &json!({ "role": "viewer" })).await.expect(200);
    assert_eq!(admin.get(&one).await.expect(200)["scopes"], Value::Null);
}

#[tokio::test]
async fn nobody_makes_changes_or_rotates_a_key_with_more_rights_than_their_own() {
    let (app, admin) = TestApp::with_tenant();
    let (owner, admin) = (app.client(app.key("acme", "owner")), app.client(admin));
    for new in [
        json!({ "name": "x", "role": "owner" }),
        json!({ "name": "x", "scopes": ["conversation.read", "secret.read"] }),
    ] {
        admin.post(KEYS, &new).await.problem(403, "forbidden");
    }
    let (one, _, _) = make(&owner, json!({ "name": "Owner's", "role": "owner" })).await;
    admin.post_empty(&format!("{one}/rotate")).await.problem(403, "forbidden");
    patch(&admin, &one, &json!({ "networks": [] })).await.problem(403, "forbidden");
    let (one, _, _) = make(&admin, json!({ "name": "Small", "role": "viewer" })).await;
    patch(&admin, &one, &json!({ "role": "owner" })).await.problem(403, "forbidden");
    // To take rights away, nobody needs them.
    let (one, key, _) = make(&owner, json!({ "name": "Leaked", "role": "owner" })).await;
    admin.delete(&one).await.expect(204);
    key.get(CONVERSATIONS).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_request_for_a_key_that_makes_no_sense_is_refused_with_the_member_at_fault() {
    let (app, admin) = TestApp::with_tenant();
    let admin = app.client(admin);
    for (new, code, field) in [
        (json!({ "name": "x" }), "rights-invalid", "role"),
        (
            json!({ "name": "x", "role": "viewer", "scopes": ["message.read"] }),
            "rights-invalid",
            "role",
        ),
        (json!({ "name": "x", "scopes": [] }), "rights-invalid", "role"),
        (json!({ "name": "x", "role": "emperor" }), "role-unknown", "role"),
        (json!({ "name": "x", "scopes": ["no.such"] }), "permission-unknown", "scopes"),
        (json!({ "name": "x", "scopes": ["tenant.create"] }), "permission-unknown", "scopes"),
        (json!({ "name": "x", "scopes": ["audit.stream.send"] }), "permission-unknown", "scopes"),
        (
            json!({ "name": "x", "role": "viewer", "networks": ["10.0.0.0/33"] }),
            "network-invalid",
            "networks",
        ),
        (
            json!({ "name": "x", "role": "viewer", "expiresAt": "2020-01-01T00:00:00Z" }),
            "expiry-invalid",
            "expiresAt",
        ),
        (json!({ "name": " ", "role": "viewer" }), "name-invalid", "name"),
    ] {
        let problem = admin.post(KEYS, &new).await.problem(422, code);
        assert_eq!(problem["field"], field, "{new}");
    }
}

#[tokio::test]
async fn a_key_works_from_its_networks_alone_and_a_forged_header_changes_nothing() {
    let app = TestApp::start();
    let admin = app.client(app.tenant("acme"));
    let new =
        json!({ "name": "Far", "role": "viewer", "networks": ["203.0.113.0/24", "2001:db8::/32"] });
    let (one, far, token) = make(&admin, new).await;
    let unknown = app.client("sr_unknown").get(CONVERSATIONS).await.problem(401, "unauthenticated");
    let mut refused = far.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    refused["requestId"] = unknown["requestId"].clone();
    assert_eq!(refused, unknown, "a key from elsewhere is like none");
    for (header, value) in [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7"),
    ] {
        let request = far.request(Method::GET, CONVERSATIONS).header(header, value);
        Answer::to(request).await.problem(401, "unauthenticated");
    }
    // It is the tenant's own log that says so, and that it was this key.
    let entries = app.client(app.key("acme", "auditor")).entries("acme").await;
    let denied = entries.iter().find(|entry| entry["action"] == "access.denied").unwrap();
    assert_eq!(denied["customFields"]["reason"], "wrong-network");
    assert_eq!((&denied["actor"]["name"], &denied["ip"]), (&"Far".into(), &"127.0.0.1".into()));
    let seen = admin.get(&one).await.expect(200);
    assert_eq!(seen["networks"], json!(["2001:db8::/32", "203.0.113.0/24"]));
    let near = json!({ "networks": ["127.0.0.0/8", "::1"] });
    patch(&admin, &one, &near).await.expect(200);
    app.client(&*token).get(CONVERSATIONS).await.expect(200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_address_is_the_one_that_the_proxy_names() {
    let app = TestApp::with(&[("STRONGROOM_SERVER__TRUSTED_PROXIES", "127.0.0.1")]);
    let admin = app.client(app.tenant("acme"));
    let new = json!({ "name": "Far", "role": "viewer", "networks": ["203.0.113.0/24"] });
    let (one, far, _) = make(&admin, new).await;
    let from = |chain: &str| {
        let request = far.request(Method::GET, CONVERSATIONS).header("x-forwarded-for", chain);
        Answer::to(request)
    };
    from("203.0.113.7").await.expect(200);
    // What stands before the proxy's own address in the chain is whatever the client wrote.
    from("203.0.113.7, 198.51.100.1").await.problem(401, "unauthenticated");
    far.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    let mut seen = Value::Null;
    for _ in 0..200 {
        seen = admin.get(&one).await.expect(200);
        if seen["uses"] != 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!((&seen["uses"], &seen["lastUsedFrom"]), (&1.into(), &"203.0.113.7".into()));
}

#[tokio::test]
async fn a_rotated_keys_former_secret_works_until_the_overlap_ends() {
    let (app, admin) = TestApp::with_tenant();
    let admin = app.client(admin);
    let (one, first, _) = make(&admin, json!({ "name": "Shop", "role": "viewer" })).await;
    let rotate = format!("{one}/rotate");
    let rotated = admin.post(&rotate, &json!({ "overlapSeconds": 3600 })).await.expect(200);
    let second = admin.with_token(rotated["token"].as_str().unwrap());
    first.get(CONVERSATIONS).await.expect(200);
    second.get(CONVERSATIONS).await.expect(200);
    let listed = admin.get(KEYS).await.expect(200);
    let listed = listed["items"].as_array().unwrap();
    let listed = listed.iter().find(|key| key["name"] == "Shop").unwrap();
    assert!(listed["formerSecretUntil"].is_string() && listed["token"].is_null(), "{listed}");
    // Two secrets at a time, never three; and none, when there is to be no time.
    let rotated = admin.post(&rotate, &json!({ "overlapSeconds": 0 })).await.expect(200);
    let third = admin.with_token(rotated["token"].as_str().unwrap());
    first.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    second.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    third.get(CONVERSATIONS).await.expect(200);
    admin
        .post(&rotate, &json!({ "overlapSeconds": 604_801 }))
        .await
        .problem(422, "overlap-invalid");
    let rotated = admin.post_empty(&rotate).await.expect(200);
    let fourth = admin.with_token(rotated["token"].as_str().unwrap());
    admin.delete(&one).await.expect(204);
    for key in [third, fourth] {
        key.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    }
    admin.post_empty(&rotate).await.problem(409, "key-over");
}

#[tokio::test]
async fn a_repeated_call_makes_no_second_key_and_shows_no_secret_again() {
    let (app, admin) = TestApp::with_tenant();
    let admin = app.client(admin);
    let new = json!({ "name": "Once", "role": "viewer" });
    let made = admin.post_once(KEYS, "first", &new).await.expect(201);
    let again = admin.post_once(KEYS, "first", &new).await;
    assert!(!again.body.contains(made["token"].as_str().unwrap()));
    again.problem(409, "secret-shown-before");
    let rotate = format!("{KEYS}/{}/rotate", made["id"].as_str().unwrap());
    let body = json!({ "overlapSeconds": 60 });
    let rotated = admin.post_once(&rotate, "second", &body).await.expect(200);
    admin.post_once(&rotate, "second", &body).await.problem(409, "secret-shown-before");
    let token = rotated["token"].as_str().unwrap();
    admin.with_token(token).get(CONVERSATIONS).await.expect(200);
    let named = |keys: &Value| {
        let items = keys["items"].as_array().unwrap();
        items.iter().filter(|key| key["name"] == "Once").count()
    };
    assert_eq!(named(&admin.get(KEYS).await.expect(200)), 1);
}

#[tokio::test]
async fn keys_are_made_listed_and_rotated_from_a_shell() {
    let (app, _) = TestApp::with_tenant();
    let made = app.cli(
        &[
            "key",
            "create",
            "--tenant",
            "acme",
            "--name",
            "Importer",
            "--scope",
            "audit.ingest",
            "--scope",
            "conversation.read",
            "--network",
            "127.0.0.1",
            "--network",
            "::1",
            "--expires",
            "2099-01-01T00:00:00Z",
        ],
        "",
    );
    let first = app.client(made["token"].as_str().unwrap());
    first.get(CONVERSATIONS).await.expect(200);
    let id = made["id"].as_str().unwrap();
    let rotated = app.cli(&["key", "rotate", id, "--tenant", "acme", "--overlap", "0"], "");
    first.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    app.client(rotated["token"].as_str().unwrap()).get(CONVERSATIONS).await.expect(200);
    let listed = app.cli(&["key", "list", "--tenant", "acme"], "");
    let listed = listed["items"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap();
    assert_eq!(listed["scopes"], json!(["conversation.read", "audit.ingest"]));
    assert_eq!(listed["networks"], json!(["127.0.0.1", "::1"]));
    let neither = app.try_cli(&["key", "create", "--tenant", "acme", "--name", "x"], "");
    assert_eq!(neither.code, 2, "{neither:?}");
}

#[tokio::test]
async fn a_secret_scanner_recognises_keys_and_refresh_tokens() {
    let (app, token) = TestApp::with_tenant();
    let listed = app.cli(&["key", "list", "--tenant", "acme"], "");
    assert!(!listed.to_string().contains(&token));
    let body = token.strip_prefix("sr_").unwrap();
    let fits = body.len() == 84 && body.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    assert!(fits, "the documented expression is sr_[a-z2-7]{{84}}: {}", body.len());
    let mistyped = format!("sr_{}", body.chars().rev().collect::<String>());
    app.client(mistyped).get(CONVERSATIONS).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn in_the_console_a_key_gets_picked_permissions_networks_and_a_new_secret() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let fields = [
        ("name", "Picked"),
        ("role", ""),
        ("scope", "conversation.read"),
        ("scope", "message.read"),
        ("networks", "127.0.0.1\r\n::1"),
        ("expires", ""),
    ];
    let made = owner.submit("/t/acme/keys", "/t/acme/keys", &fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let first = app.client(shown(&made.body));
    first.get(CONVERSATIONS).await.expect(200);
    first.post(CONVERSATIONS, &json!({ "subject": "x" })).await.problem(403, "forbidden");
    let page = owner.get("/t/acme/keys").await.body;
    assert!(page.contains("2 permissions") && page.contains("<code>127.0.0.1</code>"), "{page}");
    let listed = app.cli(&["key", "list", "--tenant", "acme"], "");
    let id =
        listed["items"].as_array().unwrap().iter().find(|key| key["name"] == "Picked").unwrap();
    let rotate = format!("/t/acme/keys/{}/rotate", id["id"].as_str().unwrap());
    let rotated = owner.submit(&rotate, &rotate, &[("overlap", "3600")]).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    app.client(shown(&rotated.body)).get(CONVERSATIONS).await.expect(200);
    first.get(CONVERSATIONS).await.expect(200);

    for (wrong, says) in
        [(("role", "emperor"), "aria-invalid"), (("networks", "host"), "aria-invalid")]
    {
        let mut fields = fields.to_vec();
        fields.retain(|(name, _)| *name != wrong.0);
        fields.push(wrong);
        let refused = owner.submit("/t/acme/keys", "/t/acme/keys", &fields).await;
        assert_eq!(refused.status, 422, "{wrong:?}");
        assert!(refused.body.contains(says) && refused.body.contains("value=\"Picked\""));
    }
}

/// The token in the page that shows it.
fn shown(page: &str) -> String {
    let after = page.split_once("value=\"sr_").unwrap_or_else(|| panic!("no token: {page}")).1;
    format!("sr_{}", after.split('"').next().unwrap())
}

#[tokio::test]
async fn a_limited_key_lifts_no_limits_and_no_key_changes_itself() {
    let (app, admin) = TestApp::with_tenant();
    let admin = app.client(admin);
    let new = json!({ "name": "Here", "role": "admin", "networks": ["127.0.0.0/8"] });
    let (limited, here, _) = make(&admin, new).await;
    patch(&here, &limited, &json!({ "networks": [] })).await.problem(403, "forbidden");
    here.post(KEYS, &json!({ "name": "x", "role": "viewer" })).await.problem(403, "forbidden");
    here.post_empty(&format!("{limited}/rotate")).await.problem(403, "forbidden");
    let (free, key, _) = make(&admin, json!({ "name": "Free", "role": "admin" })).await;
    key.post_empty(&format!("{free}/rotate")).await.problem(403, "forbidden");
    make(&key, json!({ "name": "Made", "role": "viewer" })).await;
    assert_eq!(admin.get(&limited).await.expect(200)["networks"], json!(["127.0.0.0/8"]));
}
