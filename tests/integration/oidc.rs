//! Signing in by OpenID Connect: a real provider, and one that lies.

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Session};
use crate::oidc_provider::{ALLOWED, OidcProvider, SECRET, set_up};

const ACCOUNT: &str = "/t/acme/account";

struct Ground {
    app: TestApp,
    /// An administrator's key.
    token: String,
    idp: OidcProvider,
    id: String,
}

impl Ground {
    /// With the real one.
    async fn real(protocol: Value) -> Self {
        Self::new("oidc_provider.mjs", protocol).await
    }

    /// With one that says what it is told to.
    async fn rogue() -> Self {
        Self::new("oidc_rogue.mjs", json!({})).await
    }

    async fn new(script: &str, protocol: Value) -> Self {
        let app = TestApp::with(&[ALLOWED]);
        let token = app.tenant("acme");
        let idp = OidcProvider::run(&app, "acme", script);
        let id = set_up(&app, "acme", &idp, protocol).await;
        Self { app, token, idp, id }
    }

    fn browser(&self) -> Session {
        Session::new(&self.app.server.url, self.app.data())
    }

    fn start(&self) -> String {
        format!("/t/acme/sso/{}", self.id)
    }

    /// A browser that has tried to sign in, and what it got.
    async fn sign_in(&self) -> (Session, Answer) {
        let browser = self.browser();
        let answer = self.idp.sign_in_by(&browser, "acme", &self.id).await;
        (browser, answer)
    }

    /// The last entry of this kind.
    async fn entry(&self, action: &str) -> Value {
        let entries = self.app.client(&*self.token).entries("acme").await;
        let found = entries.into_iter().rev().find(|entry| entry["action"] == action);
        found.unwrap_or_else(|| panic!("no {action}"))
    }

    /// Why the last sign-in was refused, as the log says.
    async fn reason(&self) -> String {
        let entry = self.entry("login.failed").await;
        entry["customFields"]["reason"].as_str().unwrap_or_default().to_owned()
    }
}

async fn is_in(browser: &Session) -> bool {
    browser.get(ACCOUNT).await.status == 200
}

#[tokio::test]
async fn somebody_whom_the_provider_signs_in_is_in_and_the_log_says_by_whom() {
    let ground = Ground::real(json!({})).await;
    let (browser, answer) = ground.sign_in().await;
    assert_eq!((answer.status, answer.header("location")), (303, "/t/acme/"), "{}", answer.body);
    assert!(is_in(&browser).await);
    let entry = ground.entry("session.created").await;
    assert_eq!(entry["customFields"]["provider"], ground.id.as_str(), "{entry}");
    // Again, as the same person.
    let before = ground.app.client(&*ground.token).list("/api/v1/users/acme").await.len();
    assert!(is_in(&ground.sign_in().await.0).await);
    assert_eq!(ground.app.client(&*ground.token).list("/api/v1/users/acme").await.len(), before);
}

#[tokio::test]
async fn every_usual_way_to_sign_and_to_authenticate_works() {
    let ground = Ground::real(json!({ "clientAuthentication": "post", "userinfo": true })).await;
    for algorithm in ["PS256", "ES256", "ES384", "ES512", "EdDSA"] {
        let clients = client(
            &ground,
            &json!({
                "token_endpoint_auth_method": "client_secret_post",
                "userinfo_signed_response_alg": algorithm,
            }),
        );
        ground
            .idp
            .set(json!({ "algorithm": algorithm, "clients": clients, "idTokenHasClaims": false }));
        // Its description has changed with it: a setting that is written makes it known anew.
        touch(&ground).await;
        let (browser, answer) = ground.sign_in().await;
        assert!(is_in(&browser).await, "{algorithm}: {} {}", answer.status, ground.reason().await);
    }
}

/// The client as it is registered, with changes.
fn client(ground: &Ground, changes: &Value) -> Value {
    let base = format!("{}/t/acme", ground.app.server.url);
    let mut client = json!({
        "client_id": crate::oidc_provider::CLIENT,
        "client_secret": crate::oidc_provider::SECRET,
        "redirect_uris": [format!("{base}/oidc/callback/{}", ground.id)],
    });
    for (name, value) in changes.as_object().unwrap() {
        client[name] = value.clone();
    }
    json!([client])
}

async fn change(ground: &Ground, change: Value) {
    let owner = ground.app.client(ground.app.key("acme", "owner"));
    let one = format!("/api/v1/identity-providers/acme/{}", ground.id);
    let request = owner.request(reqwest::Method::PATCH, &one);
    let request = request.header("content-type", "application/json").body(change.to_string());
    Answer::to(request).await.expect(200);
}

async fn touch(ground: &Ground) {
    change(ground, json!({ "state": "off" })).await;
    change(ground, json!({ "state": "on" })).await;
}

#[tokio::test]
async fn what_the_provider_says_wrongly_is_refused_and_the_log_says_why() {
    let ground = Ground::rogue().await;
    let (browser, answer) = ground.sign_in().await;
    assert!(is_in(&browser).await, "{}", answer.body);
    let elsewhere = "https://evil.example";
    for (say, reason) in [
        (json!({ "claims": { "nonce": "another" } }), "nonce-wrong"),
        (json!({ "claims": { "nonce": null } }), "nonce-wrong"),
        (json!({ "claims": { "iss": elsewhere } }), "issuer-wrong"),
        (json!({ "claims": { "aud": "another" } }), "audience-wrong"),
        (json!({ "claims": { "aud": ["strongroom", "another"] } }), "audience-wrong"),
        (json!({ "claims": { "exp": 1 } }), "expired"),
        (json!({ "claims": { "iat": 9_999_999_999_u64 } }), "not-yet-valid"),
        (json!({ "claims": { "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" } }), "token-hash-wrong"),
        (json!({ "claims": { "sub": null } }), "subject-missing"),
        (json!({ "header": { "alg": "none" }, "key": "none" }), "id-token-wrong"),
        (json!({ "header": { "alg": "HS256" }, "key": "public" }), "id-token-wrong"),
        (json!({ "key": "other" }), "signature-wrong"),
        (json!({ "header": { "kid": "another" } }), "signature-wrong"),
        (json!({ "tokens": { "id_token": "a.b.c.d.e" } }), "id-token-wrong"),
        (json!({ "tokens": { "id_token": null } }), "id-token-wrong"),
        (json!({ "response": { "iss": elsewhere } }), "issuer-wrong"),
        (json!({ "response": { "iss": null } }), "issuer-wrong"),
        (json!({ "response": { "error": "access_denied", "code": null } }), "provider-said-no"),
        (json!({ "response": { "code": null } }), "message-malformed"),
        (json!({ "response": { "state": "another" } }), "sign-in-over"),
        (
            json!({ "status": { "/token": 400 }, "raw": { "/token": "{\"error\":\"invalid_grant\"}" } }),
            "code-refused",
        ),
        (json!({ "raw": { "/token": "x".repeat(300 * 1024) } }), "provider-unreachable"),
    ] {
        ground.idp.set_all(&say);
        let (browser, answer) = ground.sign_in().await;
        assert_eq!(answer.status, 403, "{say}: {}", answer.body);
        assert!(!is_in(&browser).await, "{say}");
        assert_eq!(ground.reason().await, reason, "{say}");
    }
    ground.idp.set_all(&json!({}));
    assert!(is_in(&ground.sign_in().await.0).await);
}

#[tokio::test]
async fn a_description_that_is_not_the_issuers_own_is_not_used() {
    let ground = Ground::rogue().await;
    for document in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "token_endpoint": "http://127.0.0.1/token" }),
        json!({ "jwks_uri": null }),
    ] {
        ground.idp.set_all(&json!({ "document": document }));
        let answer = ground.browser().get(&ground.start()).await;
        assert_eq!(answer.status, 403, "{document}: {}", answer.body);
        assert_eq!(ground.reason().await, "discovery-wrong", "{document}");
        touch(&ground).await;
    }
}

#[tokio::test]
async fn a_test_of_a_provider_that_cannot_be_asked_says_so_step_by_step() {
    let ground = Ground::rogue().await;
    let owner = ground.app.session("acme", OWNER, PASSWORD).await;
    let test = format!("{}?for=test", ground.start());
    let all = format!("/api/v1/identity-providers/acme/{}/tests", ground.id);
    let client = ground.app.client(ground.app.key("acme", "owner"));
    ground.idp.set_all(&json!({ "document": { "issuer": "https://evil.example" } }));
    let answer = owner.get(&test).await;
    let report = answer.header("location").rsplit('/').next().unwrap().to_owned();
    let report = client.get(&format!("{all}/{report}")).await.expect(200);
    assert_eq!(report["trace"]["refusal"], "discovery-wrong", "{report}");
    let step = &report["trace"]["steps"][0];
    assert_eq!((&step["check"], &step["outcome"]), (&json!("oidc-discovery"), &json!("failed")));
    assert_eq!(step["found"], "https://evil.example");
    // Put right, it goes on to the provider, and says all that it looked at.
    ground.idp.set_all(&json!({}));
    let callback = ground.idp.callback(&owner, &test).await;
    let answer = owner.get(&callback).await;
    let report = answer.header("location").rsplit('/').next().unwrap().to_owned();
    let report = client.get(&format!("{all}/{report}")).await.expect(200);
    let steps = report["trace"]["steps"].as_array().unwrap();
    for check in ["oidc-signature", "oidc-nonce", "oidc-access-token-hash", "oidc-subject"] {
        let step = steps.iter().find(|step| step["check"] == check);
        assert_eq!(step.map(|step| &step["outcome"]), Some(&json!("passed")), "{check}: {report}");
    }
    assert!(!report.to_string().contains(SECRET));
}

#[tokio::test]
async fn userinfo_is_believed_about_the_same_person_alone() {
    let ground = Ground::new("oidc_rogue.mjs", json!({ "userinfo": true })).await;
    assert!(is_in(&ground.sign_in().await.0).await);
    ground.idp.set_all(&json!({ "userinfo": { "sub": "owner" } }));
    assert!(!is_in(&ground.sign_in().await.0).await);
    assert_eq!(ground.reason().await, "userinfo-wrong");
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let ground = Ground::real(json!({})).await;
    let (browser, other) = (ground.browser(), ground.browser());
    let callback = ground.idp.callback(&browser, &ground.start()).await;
    assert_eq!(other.get(&callback).await.status, 403);
    assert_eq!(ground.reason().await, "other-browser");
    assert!(!is_in(&other).await);
    // It has asked for itself, and still it is somebody else's answer.
    ground.idp.callback(&other, &ground.start()).await;
    assert_eq!(other.get(&callback).await.status, 403);
    assert!(!is_in(&other).await);
    assert_eq!(browser.get(&callback).await.status, 303);
    assert!(is_in(&browser).await);
    assert_eq!(browser.get(&callback).await.status, 403);
    assert_eq!(ground.reason().await, "sign-in-over");
}

#[tokio::test]
async fn an_answer_to_another_providers_address_is_shown_to_nobody() {
    let ground = Ground::real(json!({})).await;
    let owner = ground.app.client(ground.app.key("acme", "owner"));
    let other = json!({
        "name": "Other",
        "protocol": { "type": "oidc", "issuer": "https://id.example.net", "clientId": "x" },
        "domains": ["example.net"],
    });
    let all = "/api/v1/identity-providers/acme";
    let other = owner.post(all, &json!({ "settings": other, "secret": SECRET })).await.expect(201);
    let other = other["id"].as_str().unwrap();

    let browser = ground.browser();
    let callback = ground.idp.callback(&browser, &ground.start()).await;
    ground.idp.requests();
    let mixed_up = callback.replace(&ground.id, other);
    assert_ne!(mixed_up, callback);
    assert_eq!(browser.get(&mixed_up).await.status, 403);
    assert_eq!(ground.reason().await, "issuer-wrong");
    assert_eq!(ground.idp.requests(), Vec::<String>::new(), "the code went somewhere");
    assert!(!is_in(&browser).await);
    // It was spent with that.
    assert_eq!(browser.get(&callback).await.status, 403);
    // There is no address that they share.
    let callback = ground.idp.callback(&browser, &ground.start()).await;
    let shared = callback.replace(&format!("/{}?", ground.id), "?");
    assert_eq!(browser.get(&shared).await.status, 404);
}

#[tokio::test]
async fn another_site_signs_nobody_in_without_their_own_click() {
    let ground = Ground::real(json!({})).await;
    let browser = ground.browser();
    let start = format!("{}?next=/t/acme/account", ground.start());
    let sent = browser.get_with(&start, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    assert!(sent.body.contains("Sign in at Example"), "{}", sent.body);
    assert!(sent.body.contains(&format!("href=\"{start}\"")), "{}", sent.body);
    assert!(
        browser.cookies().iter().all(|(name, _)| !name.contains("sso")),
        "{:?}",
        browser.cookies()
    );
    let went = browser.get_with(&start, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(went.status, 303, "{}", went.body);
    assert!(went.header("location").starts_with(&ground.idp.issuer));
    change(&ground, json!({ "state": "off" })).await;
    let sent = browser.get_with(&start, &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(sent.status, 403, "{}", sent.body);
}

#[tokio::test]
async fn new_keys_of_the_provider_are_found_and_old_ones_forgotten() {
    let ground = Ground::real(json!({})).await;
    assert!(is_in(&ground.sign_in().await.0).await);
    ground.idp.rotate();
    ground.idp.requests();
    assert!(is_in(&ground.sign_in().await.0).await);
    assert!(ground.idp.requests().contains(&"/jwks".to_owned()));
    // Within a minute they are not looked at again for whoever comes.
    ground.idp.rotate();
    assert!(!is_in(&ground.sign_in().await.0).await);
    assert_eq!(ground.reason().await, "signature-wrong");
    assert!(!ground.idp.requests().contains(&"/jwks".to_owned()));
    // A setting that is written makes everything known anew.
    touch(&ground).await;
    assert!(is_in(&ground.sign_in().await.0).await);
}

#[tokio::test]
async fn without_a_way_to_the_description_it_is_pasted() {
    let ground = Ground::real(json!({})).await;
    let (document, keys) = (ground.idp.document().await, ground.idp.keys());
    let mut settings = current(&ground).await;
    settings["protocol"]["discovery"] =
        json!({ "from": "document", "document": document, "keys": keys });
    // The secret goes to the token endpoint that is pasted, so it is given again.
    let secret = crate::oidc_provider::SECRET;
    change(&ground, json!({ "settings": settings, "secret": secret })).await;
    ground.idp.requests();
    assert!(is_in(&ground.sign_in().await.0).await);
    let asked = ground.idp.requests();
    assert!(asked.contains(&"/token".to_owned()), "{asked:?}");
    for path in ["/.well-known/openid-configuration", "/jwks", "/me"] {
        assert!(!asked.contains(&path.to_owned()), "{asked:?}");
    }
}

async fn current(ground: &Ground) -> Value {
    let owner = ground.app.client(ground.app.key("acme", "owner"));
    let one = format!("/api/v1/identity-providers/acme/{}", ground.id);
    owner.get(&one).await.expect(200)["settings"].clone()
}

#[tokio::test]
async fn a_provider_on_this_machine_or_of_an_unknown_authority_is_not_asked() {
    let app = TestApp::start();
    app.tenant("acme");
    let idp = OidcProvider::start(&app, "acme");
    let id = set_up(&app, "acme", &idp, json!({})).await;
    let browser = Session::new(&app.server.url, app.data());
    idp.requests();
    assert_eq!(browser.get(&format!("/t/acme/sso/{id}")).await.status, 403);
    assert_eq!(idp.requests(), Vec::<String>::new());

    let ground = Ground::real(json!({ "certificateAuthorities": null })).await;
    ground.idp.requests();
    assert_eq!(ground.browser().get(&ground.start()).await.status, 403);
    assert_eq!(ground.idp.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_signs_out_at_the_provider_is_out_here_at_once() {
    let ground = Ground::real(json!({})).await;
    let (browser, _) = ground.sign_in().await;
    assert!(is_in(&browser).await);
    // Somebody else stays.
    let kim = ground.idp.take_browser();
    ground.idp.set(
        json!({ "sub": "lee", "claims": { "email": "lee@example.org", "email_verified": true } }),
    );
    let (other, _) = ground.sign_in().await;
    assert!(is_in(&other).await);
    ground.idp.give_browser(kim);
    ground.idp.sign_out(None).await;
    for _ in 0..100 {
        if !is_in(&browser).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!is_in(&browser).await);
    assert!(is_in(&other).await);
    let entry = ground.entry("sso.logout").await;
    assert_eq!(entry["customFields"]["sessionsEnded"], 1, "{entry}");
    assert_eq!(entry["resource"]["id"], ground.id.as_str(), "{entry}");
    assert_eq!(entry["actor"]["type"], "user", "{entry}");
}

#[tokio::test]
async fn whoever_signs_out_here_is_led_to_the_provider_and_back() {
    let ground = Ground::real(json!({})).await;
    let (browser, _) = ground.sign_in().await;
    let answer = browser.submit(ACCOUNT, "/t/acme/logout", &[]).await;
    let led = answer.body.split('"').find(|part| part.contains("/session/end?"));
    let led = led.unwrap_or_else(|| panic!("{} {}", answer.status, answer.body));
    let led = led[led.find("https").unwrap()..].replace("&#38;", "&").replace("&amp;", "&");
    assert!(led.starts_with(&format!("{}/session/end?", ground.idp.issuer)), "{led}");
    assert!(led.contains("id_token_hint=ey") && led.contains("client_id=strongroom"), "{led}");
    assert!(!is_in(&browser).await);
    let back = ground.idp.sign_out(Some(&led)).await.unwrap_or_default();
    assert!(back.starts_with(&format!("{}/t/acme/login", ground.app.server.url)), "{back}");
}

#[tokio::test]
async fn word_of_a_logout_is_believed_once_and_from_the_provider_alone() {
    let ground = Ground::rogue().await;
    let path = "/t/acme/oidc/backchannel-logout";
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let now = strongroom::kernel::Runtime::system().now().as_micros() / 1_000_000;
    let usual = json!({
        "iss": ground.idp.issuer, "aud": "strongroom", "sub": "kim", "iat": now, "exp": now + 60,
        "jti": "j1", "events": event,
    });
    let token = |changes: Value| {
        let mut claims = usual.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let order = json!({ "token": { "claims": claims, "header": { "typ": "logout+jwt" } } });
        ground.idp.order(&order)["token"].as_str().unwrap().to_owned()
    };
    let (browser, _) = ground.sign_in().await;
    let nobody = ground.browser();
    for (changes, reason) in [
        (json!({ "nonce": "n" }), "id-token-wrong"),
        (json!({ "events": {} }), "id-token-wrong"),
        (json!({ "iss": "https://evil.example" }), "issuer-unknown"),
        (json!({ "aud": "another" }), "issuer-unknown"),
        (json!({ "exp": now - 600 }), "expired"),
        (json!({ "sub": 7 }), "subject-missing"),
    ] {
        let answer = nobody.post(path, &[("logout_token", &token(changes.clone()))]).await;
        assert_eq!(answer.expect(400)["error"], "invalid_request");
        let entry = ground.entry("sso.refused").await;
        assert_eq!(entry["customFields"]["reason"], reason, "{changes}");
    }
    ground.idp.set_all(&json!({ "key": "other" }));
    let forged = token(json!({}));
    assert_eq!(nobody.post(path, &[("logout_token", &forged)]).await.status, 400);
    assert_eq!(nobody.post(path, &[("another", "x")]).await.status, 400);
    assert_eq!(nobody.post("/t/nobody/oidc/backchannel-logout", &[]).await.status, 400);
    assert!(is_in(&browser).await);

    ground.idp.set_all(&json!({}));
    let token = token(json!({}));
    let answer = nobody.post(path, &[("logout_token", &token)]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert!(!is_in(&browser).await);
    let (browser, _) = ground.sign_in().await;
    assert_eq!(nobody.post(path, &[("logout_token", &token)]).await.status, 400);
    assert!(is_in(&browser).await);
}
