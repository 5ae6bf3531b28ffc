//! Access tokens, from outside.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};
use crate::totp::kept;

const MEMBER: &str = "member@example.org";
const CONVERSATIONS: &str = "/api/v1/conversations/acme";

/// A member of `acme` with this role, who needs no second factor; answers with their id.
fn member(app: &TestApp, role: &str) -> String {
    let made = app.cli(
        &[
            "user",
            "create",
            "--tenant",
            "acme",
            MEMBER,
            "--name",
            "Mia",
            "--role",
            role,
            "--password-stdin",
        ],
        PASSWORD,
    );
    made["id"].as_str().unwrap().to_owned()
}

async fn sign_in(app: &TestApp) -> Value {
    let shown = json!({ "email": MEMBER, "password": PASSWORD });
    let answer = app.anonymous().post("/api/v1/auth/acme/token", &shown).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(200)
}

fn text(pair: &Value, name: &str) -> String {
    pair[name].as_str().unwrap_or_else(|| panic!("no {name}: {pair}")).to_owned()
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/acme/refresh", &json!({ "refreshToken": token })).await
}

async fn with_member(role: &str) -> (TestApp, String, Client, Value) {
    let app = TestApp::start();
    app.tenant("acme");
    let id = member(&app, role);
    let pair = sign_in(&app).await;
    let client = app.client(text(&pair, "accessToken"));
    (app, id, client, pair)
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_uses_the_api_with_a_token_within_their_role_and_the_log_names_them() {
    let (app, id, client, pair) = with_member("viewer").await;
    assert_eq!((&pair["tokenType"], &pair["expiresIn"]), (&"Bearer".into(), &900.into()));
    client.get(CONVERSATIONS).await.expect(200);
    let refused = client.post(CONVERSATIONS, &json!({ "subject": "x" })).await;
    refused.problem(403, "forbidden");
    let claims = part(&text(&pair, "accessToken"), 1);
    assert_eq!((&claims["sub"], &claims["amr"]), (&json!(id), &json!(["pwd"])));
    assert!(claims["iss"].as_str().unwrap().starts_with("urn:strongroom:"), "{claims}");
    let entries = app.client(app.key("acme", "auditor")).entries("acme").await;
    let issued = entries.iter().find(|entry| entry["action"] == "token.issued").unwrap();
    assert_eq!(issued["actor"]["id"], id);
    let denied = entries.iter().find(|entry| entry["action"] == "access.denied").unwrap();
    assert_eq!((&denied["actor"]["type"], &denied["actor"]["id"]), (&"user".into(), &json!(id)));
}

#[tokio::test]
async fn wrong_credentials_and_an_unknown_tenant_are_one_answer() {
    let (app, _, _, _) = with_member("viewer").await;
    let mut answers = Vec::new();
    for (tenant, email, password) in [
        ("acme", MEMBER, "not the password"),
        ("acme", "nobody@example.org", PASSWORD),
        ("nowhere", MEMBER, PASSWORD),
    ] {
        let path = format!("/api/v1/auth/{tenant}/token");
        let shown = json!({ "email": email, "password": password });
        let mut problem = app.anonymous().post(&path, &shown).await.problem(401, "wrong-password");
        problem.as_object_mut().unwrap().remove("requestId");
        answers.push(problem);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_one_that_comes_again_ends_its_session() {
    let (app, _, client, pair) = with_member("viewer").await;
    let first = text(&pair, "refreshToken");
    let next = refresh(&app, &first).await.expect(200);
    let second = text(&next, "refreshToken");
    assert_ne!(first, second);
    app.client(text(&next, "accessToken")).get(CONVERSATIONS).await.expect(200);
    // What was issued before works until its time is over: the session is the same.
    client.get(CONVERSATIONS).await.expect(200);
    refresh(&app, &first).await.problem(401, "refresh-token-reused");
    for token in [text(&pair, "accessToken"), text(&next, "accessToken")] {
        app.client(token).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    }
    refresh(&app, &second).await.problem(401, "refresh-token-invalid");
    let entries = app.client(app.key("acme", "auditor")).entries("acme").await;
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let reused = actions.iter().position(|action| *action == "token.reused").unwrap();
    assert_eq!(actions[reused + 1], "session.ended", "{actions:?}");
}

#[tokio::test]
async fn of_two_that_send_one_refresh_token_at_once_one_wins_and_the_session_ends() {
    let (app, _, client, pair) = with_member("viewer").await;
    let token = text(&pair, "refreshToken");
    let (one, other) = tokio::join!(refresh(&app, &token), refresh(&app, &token));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    client.get(CONVERSATIONS).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_refresh_token_opens_no_other_tenant_and_is_no_access_token_or_cookie() {
    let (app, _, _, pair) = with_member("viewer").await;
    app.tenant("globex");
    let token = text(&pair, "refreshToken");
    let body = json!({ "refreshToken": token });
    let elsewhere = app.anonymous().post("/api/v1/auth/globex/refresh", &body).await;
    elsewhere.problem(401, "refresh-token-invalid");
    app.client(&*token).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    let bare = token.strip_prefix("srr_").unwrap();
    let cookie = format!("__Host-strongroom={bare}");
    let page = app.anonymous().request(Method::GET, "/t/acme/").header("cookie", cookie);
    assert_eq!(Answer::to(page).await.status, 303);
    for wrong in ["", "srr_", "sr_x", &format!("{token}a")] {
        refresh(&app, wrong).await.problem(401, "refresh-token-invalid");
    }
    refresh(&app, &token).await.expect(200);
}

#[tokio::test]
async fn a_token_ends_at_once_with_its_session_its_person_and_its_tenant() {
    let (app, id, client, _) = with_member("viewer").await;
    client.post_empty("/api/v1/auth/acme/logout").await.expect(204);
    client.get(CONVERSATIONS).await.problem(401, "unauthenticated");

    let pair = sign_in(&app).await;
    let client = app.client(text(&pair, "accessToken"));
    client.get(CONVERSATIONS).await.expect(200);
    app.cli(&["tenant", "suspend", "acme"], "");
    assert_eq!(client.get(CONVERSATIONS).await.status, 403);
    refresh(&app, &text(&pair, "refreshToken")).await.problem(403, "tenant-suspended");
    app.cli(&["tenant", "resume", "acme"], "");
    client.get(CONVERSATIONS).await.expect(200);

    app.cli(&["user", "disable", "--tenant", "acme", &id], "");
    client.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    refresh(&app, &text(&pair, "refreshToken")).await.problem(401, "refresh-token-invalid");
}

#[tokio::test]
async fn a_key_has_no_session_to_end() {
    let (app, token) = TestApp::with_tenant();
    let answer = app.client(token).post_empty("/api/v1/auth/acme/logout").await;
    answer.problem(422, "no-session");
}

#[tokio::test]
async fn a_freeze_counts_on_the_next_request_and_lets_tokens_be_renewed() {
    let (app, _, client, pair) = with_member("operator").await;
    let new = json!({ "subject": "Before" });
    client.post(CONVERSATIONS, &new).await.expect(201);
    app.cli(&["tenant", "freeze", "acme"], "");
    client.post(CONVERSATIONS, &new).await.problem(423, "tenant-frozen");
    client.get(CONVERSATIONS).await.expect(200);
    refresh(&app, &text(&pair, "refreshToken")).await.expect(200);
}

#[tokio::test]
async fn a_forged_token_opens_nothing_and_a_token_opens_no_other_tenant() {
    let (app, _, client, pair) = with_member("viewer").await;
    app.tenant("globex");
    client.get("/api/v1/conversations/globex").await.problem(403, "forbidden");
    let token = text(&pair, "accessToken");
    let [header, payload, signature] =
        <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
    let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let mut claims = part(&token, 1);
    claims["exp"] = (claims["exp"].as_i64().unwrap() + 3600).into();
    let mut other = part(&token, 0);
    other["kid"] = "another".into();
    let none = json!({ "typ": "at+jwt", "alg": "none", "kid": other["kid"] });
    for forged in [
        format!("{header}.{}.{signature}", encode(&claims)),
        format!("{}.{payload}.{signature}", encode(&other)),
        format!("{}.{payload}.", encode(&none)),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{signature}x"),
        format!("{header}.{payload}.{}", "A".repeat(86)),
        "..".to_owned(),
        format!("{}.{payload}.{signature}", "A".repeat(5_000)),
    ] {
        app.client(forged).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    }
    client.get(CONVERSATIONS).await.expect(200);
}

/// By what is published alone, as somebody else's service would.
fn verifies(jwks: &Value, token: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let Some(key) = keys.iter().find(|key| key["kid"] == part(token, 0)["kid"]) else {
        return false;
    };
    assert_eq!((&key["kty"], &key["crv"]), (&"OKP".into(), &"Ed25519".into()));
    let public = BASE64URL_NOPAD.decode(key["x"].as_str().unwrap().as_bytes()).unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(message.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn whoever_holds_the_published_keys_can_check_a_token_across_a_rotation() {
    let (app, _, client, pair) = with_member("viewer").await;
    let published = || async {
        let answer = app.anonymous().get("/.well-known/jwks.json").await;
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
        answer.expect(200)
    };
    let (token, before) = (text(&pair, "accessToken"), published().await);
    assert!(verifies(&before, &token));
    let rotated = app.cli(&["token", "rotate-key"], "");
    let after = published().await;
    let kids: Vec<_> = after["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert!(kids.contains(&&rotated["kid"]) && kids.len() == 2, "{after}");
    // It is published before it signs: whoever keeps the keys for an hour never meets a stranger.
    let next = refresh(&app, &text(&pair, "refreshToken")).await.expect(200);
    assert!(verifies(&before, &text(&next, "accessToken")));
    client.get(CONVERSATIONS).await.expect(200);
    let again = app.try_cli(&["token", "rotate-key"], "");
    assert!(again.code == 1 && again.err.contains("--now"), "{again:?}");

    let rotated = app.cli(&["token", "rotate-key", "--now"], "");
    let withdrawn = published().await;
    assert_eq!(withdrawn["keys"].as_array().unwrap().len(), 1, "{withdrawn}");
    client.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    let last = refresh(&app, &text(&next, "refreshToken")).await.expect(200);
    let token = text(&last, "accessToken");
    assert_eq!(part(&token, 0)["kid"], rotated["kid"]);
    assert!(verifies(&withdrawn, &token));
    app.client(token).get(CONVERSATIONS).await.expect(200);
}

#[tokio::test]
async fn an_administrator_replaces_a_key_that_may_have_leaked_in_the_console() {
    let (app, _, client, pair) = with_member("viewer").await;
    let admin = crate::setup::set_up_with(&app, "globex").await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, PASSWORD).await;
    let page = "/platform/incident";
    let done = admin.submit(page, "/platform/incident/token-key", &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    client.get(CONVERSATIONS).await.problem(401, "unauthenticated");
    refresh(&app, &text(&pair, "refreshToken")).await.expect(200);
    let log = admin.get("/platform/audit?q=action:key.rotated").await;
    assert!(log.body.contains("Key rotated"), "{}", log.body);
}

#[tokio::test]
async fn tokens_and_keys_to_sign_them_survive_a_crash() {
    let (mut app, _, _, pair) = with_member("viewer").await;
    app.crash_and_restart();
    app.client(text(&pair, "accessToken")).get(CONVERSATIONS).await.expect(200);
    refresh(&app, &text(&pair, "refreshToken")).await.expect(200);
}

const TOKEN: &str = "/api/v1/auth/acme/token";
const LOGIN: &str = "/t/acme/login";

#[tokio::test]
async fn no_token_leads_around_a_second_factor() {
    let (app, _) = TestApp::with_tenant();
    let anyone = app.anonymous();
    let password = json!({ "email": OWNER, "password": PASSWORD });
    // Who must have a second factor and has none is told where to set one up.
    let told = anyone.post(TOKEN, &password).await.problem(403, "second-factor-enrolment-required");
    assert!(told["detail"].as_str().unwrap().contains("/t/acme/login") && told["ticket"].is_null());
    app.session("acme", OWNER, PASSWORD).await;

    let asked = anyone.post(TOKEN, &password).await;
    let ticket = asked.problem(401, "second-factor-required")["ticket"].clone();
    let show = |ticket: &Value, name: &str, code: &str| json!({ "ticket": ticket, name: code });
    anyone.post(TOKEN, &json!({ "ticket": ticket })).await.problem(422, "body-invalid");
    anyone.post(TOKEN, &show(&ticket, "code", "000000")).await.problem(401, "wrong-code");
    app.client(ticket.as_str().unwrap()).get(CONVERSATIONS).await.problem(401, "unauthenticated");
    refresh(&app, &format!("srr_{}", ticket.as_str().unwrap()))
        .await
        .problem(401, "refresh-token-invalid");
    let recovery = kept::take(app.data(), LOGIN, OWNER);
    let pair = anyone.post(TOKEN, &show(&ticket, "recoveryCode", &recovery)).await.expect(200);
    app.client(text(&pair, "accessToken")).get(CONVERSATIONS).await.expect(200);
    let amr = part(&text(&pair, "accessToken"), 1)["amr"].clone();
    assert_eq!(amr, json!(["pwd", "otp", "mfa"]));
    // Ticket and code are used up.
    let other = kept::take(app.data(), LOGIN, OWNER);
    anyone.post(TOKEN, &show(&ticket, "recoveryCode", &other)).await.problem(401, "sign-in-ended");
    let mut at_once = password.clone();
    at_once["recoveryCode"] = recovery.into();
    anyone.post(TOKEN, &at_once).await.problem(401, "wrong-code");
    at_once["recoveryCode"] = other.into();
    anyone.post(TOKEN, &at_once).await.expect(200);
}
