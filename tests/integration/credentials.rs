//! Sweeps over every route with credentials that are over, forged, of another place or not there.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::json;
use strongroom::authz::Role;
use strongroom::crypto::token::{API_KEY_PREFIX, Token};
use strongroom::http::route::{Access, Route, Surface};
use strongroom::http::table::routes;
use strongroom::kernel::Runtime;
use strongroom::kernel::id::TenantId;
use strongroom::kernel::random::SystemRandom;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Session, csrf};

const COOKIE: &str = "__Host-strongroom";
const PLATFORM_COOKIE: &str = "__Host-strongroom-platform";

fn guarded(surface: Surface) -> impl Iterator<Item = &'static Route> {
    let is_guarded = |route: &&Route| matches!(route.access, Access::Permission(_));
    routes().iter().filter(move |route| route.surface == surface).filter(is_guarded)
}

/// The path of a route with nothing real in it but the tenant.
fn path(route: &Route, tenant: &str) -> String {
    let mut path = route.path.replace("{tenant}", tenant).replace("{seq}", "1");
    for name in ["{id}", "{code}", "{job}", "{name}", "{session}"] {
        path = path.replace(name, "00000000-0000-7000-8000-000000000000");
    }
    path
}

fn method(route: &Route) -> Method {
    Method::from_bytes(route.method.name().as_bytes()).unwrap()
}

fn value(session: &Session, cookie: &str) -> String {
    let found = session.cookies().into_iter().find(|(name, _)| name == cookie);
    found.unwrap_or_else(|| panic!("no {cookie}")).1
}

fn tenant_id(app: &TestApp, slug: &str) -> TenantId {
    let list = app.cli(&["tenant", "list"], "");
    let all = list["items"].as_array().unwrap();
    let one = all.iter().find(|one| one["slug"] == slug).unwrap();
    one["id"].as_str().unwrap().parse().unwrap()
}

async fn member(app: &TestApp, tenant: &str, email: &str, role: &str) -> Session {
    let create = ["user", "create", "--tenant", tenant, email, "--role", role];
    app.cli(&[&create[..], &["--password-stdin"]].concat(), PASSWORD);
    app.session(tenant, email, PASSWORD).await
}

#[tokio::test]
async fn no_bearer_that_is_over_or_forged_opens_any_route_of_the_api() {
    let (app, key) = TestApp::with_tenant();
    let _member = member(&app, "acme", "mia@example.org", "admin").await;
    let shown = json!({ "email": "mia@example.org", "password": PASSWORD });
    let pair = app.anonymous().post("/api/v1/auth/acme/token", &shown).await.expect(200);
    let token = pair["accessToken"].as_str().unwrap().to_owned();
    let refresh = pair["refreshToken"].as_str().unwrap().to_owned();
    let forged = Token::generate(tenant_id(&app, "acme"), &SystemRandom).reveal(API_KEY_PREFIX);
    let unsigned = {
        let body = token.split('.').nth(1).unwrap();
        let head = BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"at+jwt"}"#);
        format!("{head}.{body}.")
    };
    let revoked =
        app.cli(&["key", "create", "--tenant", "acme", "--role", "owner", "--name", "revoked"], "");
    app.cli(&["key", "revoke", "--tenant", "acme", revoked["id"].as_str().unwrap()], "");
    let soon = Runtime::system().now().plus(Duration::from_secs(2));
    let new = json!({
        "name": "short", "role": "viewer", "expiresAt": soon,
    });
    let expired = app.client(key).post("/api/v1/keys/acme", &new).await.expect(201);
    app.client(&token).post_empty("/api/v1/auth/acme/logout").await.expect(204);
    tokio::time::sleep(Duration::from_millis(2_500)).await;

    let bearers = [
        ("a token of a session that ended", token),
        ("a refresh token", refresh),
        ("a key that was made up", forged.to_string()),
        ("an unsigned token", unsigned),
        ("a revoked key", revoked["token"].as_str().unwrap().to_owned()),
        ("an expired key", expired["token"].as_str().unwrap().to_owned()),
        ("noise", "sr_not-a-key".to_owned()),
    ];
    for route in guarded(Surface::Api).chain(guarded(Surface::Scim)) {
        for (what, bearer) in &bearers {
            let client = app.client(bearer);
            let answer = Answer::to(client.request(method(route), &path(route, "acme"))).await;
            assert_eq!(answer.status, 401, "{what} on {}: {}", route.label(), answer.body);
        }
    }
}

#[tokio::test]
async fn no_cookie_that_is_over_forged_or_of_another_place_opens_any_page_or_form() {
    let (app, _) = TestApp::with_tenant();
    app.tenant("globex");
    app.cli(&["admin", "create", "ada@example.org", "--password-stdin"], PASSWORD);
    let ada = Session::new(&app.server.url, app.data());
    ada.sign_in("/platform/login", "ada@example.org", PASSWORD).await;
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let ended = value(&owner, COOKIE);
    owner.submit("/t/acme/account", "/t/acme/logout", &[]).await;
    let disabled = member(&app, "acme", "mia@example.org", "admin").await;
    app.cli(&["user", "disable", "--tenant", "acme", "mia@example.org"], "");
    let made_up = Token::generate(tenant_id(&app, "acme"), &SystemRandom).reveal("");
    let waiting = Session::new(&app.server.url, app.data());
    let fields = [("email", OWNER), ("password", PASSWORD)];
    waiting.submit("/t/acme/login", "/t/acme/login", &fields).await;
    let platform = value(&ada, PLATFORM_COOKIE);
    let cookies = [
        ("an ended session", ended),
        ("a disabled member's session", value(&disabled, COOKIE)),
        ("a session that was made up", format!("{}.00", *made_up)),
        ("a sign-in that waits for a second factor", value(&waiting, "__Host-strongroom-ticket")),
        ("an administrator's session", platform),
        ("noise", "x".to_owned()),
    ];
    for route in guarded(Surface::Console) {
        for (what, cookie) in &cookies {
            let request = app.anonymous().request(method(route), &path(route, "acme"));
            let answer = Answer::to(request.header("cookie", format!("{COOKIE}={cookie}"))).await;
            // A form without its token is refused before anybody asks who sent it.
            let away = matches!(answer.status, 303 | 401 | 403);
            assert!(away, "{what} on {}: {} {}", route.label(), answer.status, answer.body);
            assert!(answer.status != 303 || answer.header("location").contains("/login"), "{what}");
        }
    }
    let owner = value(&app.session("acme", OWNER, PASSWORD).await, COOKIE);
    for route in guarded(Surface::Platform) {
        let request = app.anonymous().request(method(route), &path(route, "acme"));
        let cookie = format!("{PLATFORM_COOKIE}={owner}");
        let answer = Answer::to(request.header("cookie", cookie)).await;
        assert!(matches!(answer.status, 303 | 403), "{}: {}", route.label(), answer.status);
    }
}

#[tokio::test]
async fn nobody_of_one_tenant_opens_a_page_or_sends_a_form_of_another() {
    let (app, _) = TestApp::with_tenant();
    app.tenant("globex");
    for role in Role::TENANT.into_iter().filter(|role| *role != Role::Owner) {
        let email = format!("{}@example.org", role.name());
        let person = member(&app, "globex", &email, role.name()).await;
        let token = csrf(&person.get("/t/globex/account").await.body);
        for route in guarded(Surface::Console) {
            for tenant in ["acme", "nobody"] {
                let path = path(route, tenant);
                let answer = match route.method.name() {
                    "GET" => person.get(&path).await,
                    _ => person.post(&path, &[("csrf", &token)]).await,
                };
                let label = route.label();
                assert_eq!(answer.status, 403, "{role} on {label} of {tenant}: {}", answer.body);
            }
        }
    }
}
