//! Sensitive acts ask for a fresh factor, and lose nothing that was typed.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::LOCATION;
use serde_json::{Value, json};
use strongroom::authz::Flag;
use strongroom::http::route::{Access, Route, Surface};
use strongroom::http::table::routes;

use crate::app::{PASSWORD, TestApp};
use crate::client::{Answer, Client, Session, csrf};

const SETTINGS: &str = "/t/acme/admin/audit/settings";
const CONFIRM: &str = "/t/acme/account/confirm";

/// A server on which a proof is fresh for a second, and somebody who may change retention.
async fn app() -> (TestApp, Client, Session) {
    let app = TestApp::with(&[
        ("STRONGROOM_SESSIONS__STEP_UP_SECONDS", "1"),
        ("STRONGROOM_LIMITS__SECOND_FACTOR_PER_MINUTE", "0"),
    ]);
    app.tenant("acme");
    let owner = app.client(app.key("acme", "owner"));
    let officer = member(&app, "officer@example.org", "privacy-officer").await;
    (app, owner, officer)
}

/// Signs in a new member.
async fn member(app: &TestApp, email: &str, role: &str) -> Session {
    let new = ["user", "create", "--tenant", "acme", email, "--role", role, "--password-stdin"];
    app.cli(&new, PASSWORD);
    app.session("acme", email, PASSWORD).await
}

async fn grows_stale() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

/// What the asking page wants to get back.
fn kept(page: &Answer) -> String {
    assert_eq!(page.status, 403, "{}", page.body);
    assert!(page.body.contains("Confirm that it is you"), "{}", page.body);
    let after = page.body.split_once("name=\"step_up_form\" value=\"").expect("no form").1;
    after.split('"').next().unwrap().to_owned()
}

async fn days(owner: &Client) -> Value {
    owner.get("/api/v1/audit/acme/retention").await.expect(200)["days"].clone()
}

async fn confirmations(owner: &Client) -> Vec<Value> {
    let found = owner.entries("acme").await;
    let confirmed = found.into_iter().filter(|entry| entry["action"] == "session.confirmed");
    confirmed.map(|entry| entry["outcome"].clone()).collect()
}

#[tokio::test]
async fn a_sensitive_form_asks_for_a_factor_and_one_submit_then_performs_it() {
    let (_app, owner, officer) = app().await;
    let fresh = officer.submit(SETTINGS, SETTINGS, &[("days", "800"), ("confirm", "800")]).await;
    assert_eq!(fresh.status, 303, "somebody who has just signed in is not asked: {}", fresh.body);
    grows_stale().await;

    let asked = officer.submit(SETTINGS, SETTINGS, &[("days", "900")]).await;
    assert_eq!(asked.header("cache-control"), "no-store");
    let form = kept(&asked);
    assert!(asked.body.contains("Change how long a tenant&#39;s audit entries are kept"));
    assert_eq!(days(&owner).await, 800, "nothing happens before");

    let token = csrf(&asked.body);
    let fields = |typed: &'static str| {
        [("csrf", token.clone()), ("step_up_form", form.clone()), ("step_up", typed.to_owned())]
    };
    let send = async |typed: &'static str| {
        let fields = fields(typed);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        officer.post(SETTINGS, &fields).await
    };
    let wrong = send("not the password at all").await;
    assert_eq!(kept(&wrong), form, "nothing is lost");
    assert!(wrong.body.contains("That was not right"), "{}", wrong.body);
    assert_eq!(days(&owner).await, 800);

    let done = send(PASSWORD).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(days(&owner).await, 900);
    assert_eq!(confirmations(&owner).await, ["failure", "success"]);
}

#[tokio::test]
async fn a_confirmation_ends_what_a_stolen_cookie_was_good_for_and_no_form_in_another_window() {
    let (app, owner, officer) = app().await;
    let cookie = |session: &Session| {
        let mut cookies = session.cookies().into_iter();
        cookies.find(|(name, _)| name == "__Host-strongroom").unwrap().1
    };
    let stolen = cookie(&officer);
    let account = async |cookie: &str| {
        let request = app.anonymous().request(Method::GET, "/t/acme/account");
        Answer::to(request.header("cookie", format!("__Host-strongroom={cookie}"))).await.status
    };
    assert_eq!(account(&stolen).await, 200);
    let other_window = csrf(&officer.get(SETTINGS).await.body);
    grows_stale().await;
    let asked = officer.submit(SETTINGS, SETTINGS, &[("days", "900")]).await;
    let (form, token) = (kept(&asked), csrf(&asked.body));
    let fields = [("csrf", &*token), ("step_up_form", &*form), ("step_up", PASSWORD)];
    assert_eq!(officer.post(SETTINGS, &fields).await.status, 303);

    assert_ne!(cookie(&officer), stolen);
    assert_eq!(account(&stolen).await, 303, "the former token is over");
    assert_eq!(account(&cookie(&officer)).await, 200);
    let sent = officer.post(SETTINGS, &[("csrf", &other_window), ("days", "1000")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert_eq!(days(&owner).await, 1000);
}

#[tokio::test]
async fn whoever_guesses_in_a_session_loses_it_and_keeps_its_person_out_of_nothing() {
    let (app, owner, officer) = app().await;
    grows_stale().await;
    let page = "/t/acme/account/confirm?next=/t/acme/";
    for _ in 0..10 {
        let token = csrf(&officer.get(page).await.body);
        let guess = [("csrf", &*token), ("next", "/t/acme/"), ("step_up", "a wrong password")];
        assert_eq!(officer.post(CONFIRM, &guess).await.status, 403);
    }
    let over = officer.get("/t/acme/account").await;
    assert!(over.header("location").starts_with("/t/acme/login"), "{} {}", over.status, over.body);
    let ended = owner.entries("acme").await.into_iter().rfind(|e| e["action"] == "session.ended");
    assert_eq!(ended.unwrap()["customFields"]["cause"], "guessing");
    let again = app.session("acme", "officer@example.org", PASSWORD).await;
    assert_eq!(again.get("/t/acme/account").await.status, 200);
}

#[tokio::test]
async fn what_was_kept_goes_with_its_session_and_its_address_alone() {
    let (app, owner, officer) = app().await;
    let other = member(&app, "second@example.org", "privacy-officer").await;
    grows_stale().await;
    let asked = officer.submit(SETTINGS, SETTINGS, &[("days", "900")]).await;
    let (form, token) = (kept(&asked), csrf(&asked.body));

    let mut spoiled = form.clone().into_bytes();
    let middle = spoiled.len() / 2;
    spoiled[middle] = if spoiled[middle] == b'A' { b'B' } else { b'A' };
    let spoiled = String::from_utf8(spoiled).unwrap();
    let send = async |session: &Session, path: &str, token: &str, form: &str| {
        let fields = [("csrf", token), ("step_up_form", form), ("step_up", PASSWORD)];
        session.post(path, &fields).await
    };
    let tampered = send(&officer, SETTINGS, &token, &spoiled).await;
    let elsewhere = send(&officer, "/t/acme/admin/audit/settings/destroy", &token, &form).await;
    let foreign = csrf(&other.get("/t/acme/account").await.body);
    let taken = send(&other, SETTINGS, &foreign, &form).await;
    for (what, answer) in [("tampered", tampered), ("elsewhere", elsewhere), ("taken", taken)] {
        assert_eq!(answer.status, 403, "{what}: {}", answer.body);
        assert!(!answer.body.contains("step_up_form"), "{what}: {}", answer.body);
    }
    assert_eq!(days(&owner).await, 2557);
    assert!(confirmations(&owner).await.is_empty(), "no factor was spent on any of it");
}

#[tokio::test]
async fn passwords_in_a_form_that_waits_are_not_in_the_page() {
    let (app, _, _) = app().await;
    let admin = member(&app, "admin@example.org", "admin").await;
    grows_stale().await;
    let first = "a lantern for the new one 9";
    let new =
        [("name", "New"), ("email", "new@example.org"), ("role", "viewer"), ("password", first)];
    let asked = admin.submit("/t/acme/members", "/t/acme/members", &new).await;
    let form = kept(&asked);
    assert!(!asked.body.contains("lantern for the new"), "{}", asked.body);
    let token = csrf(&asked.body);
    let fields = [("csrf", token.as_str()), ("step_up_form", &form), ("step_up", PASSWORD)];
    assert_eq!(admin.post("/t/acme/members", &fields).await.status, 303);
    app.session("acme", "new@example.org", first).await;
}

#[tokio::test]
async fn a_download_asks_on_a_page_of_its_own_and_leads_back() {
    let (_app, owner, officer) = app().await;
    let exports = "/api/v1/audit/acme/exports";
    let made = owner.post(exports, &json!({ "format": "csv" })).await.expect(202);
    let id = made["id"].as_str().unwrap();
    while owner.get(&format!("{exports}/{id}")).await.expect(200)["state"] != "ready" {}
    let file = format!("/t/acme/admin/audit/exports/{id}/download");
    grows_stale().await;

    let sent = officer.get(&file).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let page = sent.header(LOCATION.as_str()).to_owned();
    assert!(page.starts_with(&format!("{CONFIRM}?next=")), "{page}");
    let form = officer.get(&page).await;
    assert!(form.body.contains(&file), "{}", form.body);
    let token = csrf(&form.body);
    let fields =
        |next: &'static str| [("csrf", token.as_str()), ("step_up", PASSWORD), ("next", next)];
    for elsewhere in ["https://evil.example/", "//evil.example", "/platform/", "/t/globex/x"] {
        let answer = officer.post(CONFIRM, &fields(elsewhere)).await;
        assert_eq!(answer.header("refresh"), "0; url=/t/acme/", "{elsewhere}");
        assert!(!answer.body.contains(elsewhere), "{elsewhere}: {}", answer.body);
    }
    let confirmed = [("csrf", token.as_str()), ("step_up", PASSWORD), ("next", &file)];
    let confirmed = officer.post(CONFIRM, &confirmed).await;
    assert_eq!(confirmed.header("refresh"), format!("0; url={file}"));
    let fetched = officer.get(&file).await;
    assert_eq!(fetched.status, 200, "{}", fetched.body);
    assert!(fetched.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn keys_act_without_it_and_have_nobody_to_confirm() {
    let (_app, owner, _) = app().await;
    grows_stale().await;
    let exported = owner.get("/api/v1/audit/acme/export?format=csv").await;
    assert_eq!(exported.status, 200, "{}", exported.body);
    let asked = owner.post("/api/v1/auth/acme/step-up", &json!({ "password": PASSWORD })).await;
    asked.problem(422, "not-a-person");
}

#[tokio::test]
async fn the_platforms_console_asks_as_well() {
    let app = TestApp::with(&[("STRONGROOM_SESSIONS__STEP_UP_SECONDS", "1")]);
    let admin = crate::setup::set_up(&app).await;
    admin.sign_in("/platform/login", crate::setup::ADMIN, PASSWORD).await;
    let made = app.cli(&["tenant", "list"], "")["items"][0].clone();
    let freeze = format!("/platform/tenants/{}/freeze", made["slug"].as_str().unwrap());
    grows_stale().await;
    kept(&admin.submit(&freeze, &freeze, &[]).await);
    assert_eq!(app.cli(&["tenant", "list"], "")["items"][0]["state"], "active");
}

/// Permissions under which everything that changes something is sensitive.
const SENSITIVE: &[Flag] = &[
    Flag::AuditExport,
    Flag::AuditShred,
    Flag::RetentionManage,
    Flag::UserCreate,
    Flag::UserRole,
    Flag::RoleManage,
    Flag::ApiKeyCreate,
    Flag::ApiKeyUpdate,
    Flag::SignInManage,
    Flag::SsoManage,
    Flag::ApprovalDecide,
    Flag::AccountWrite,
    Flag::PlatformAccountWrite,
    Flag::UserFactorReset,
    Flag::PlatformAdminDisable,
    Flag::TenantCreate,
    Flag::TenantState,
    Flag::PlatformAuditExport,
    Flag::PlatformRetentionManage,
    Flag::PlatformAdminManage,
    Flag::PlatformKeyRotate,
    Flag::PlatformRestoreRun,
    Flag::TenantClose,
    Flag::AccessRevoke,
    Flag::PlatformAccessRevoke,
    Flag::PlatformReadOnly,
];

/// What a page asks for itself: the current code, or the password of who has no second factor.
const OWN_PROOF: &str = "/account/second-factor";

/// Those that are not, and why.
const HARMLESS: &[(&str, &str)] = &[
    ("POST /t/{tenant}/admin/audit/exports/{id}/cancel", "throws a file away, shows nothing"),
    ("POST /platform/audit/exports/{id}/cancel", "throws a file away, shows nothing"),
    ("DELETE /api/v1/audit/{tenant}/exports/{id}", "throws a file away, shows nothing"),
    ("POST /t/{tenant}/account/passkeys/{id}/rename", "a name for oneself"),
    ("POST /platform/account/passkeys/{id}/rename", "a name for oneself"),
    ("POST /t/{tenant}/admin/sso/{id}/rules", "moves rules in a form, saves nothing"),
    ("POST /platform/sessions/{id}/end", "their person signs in again"),
    ("POST /platform/sessions/of/{id}/end", "their person signs in again"),
];

#[test]
fn every_change_under_a_sensitive_permission_asks_for_a_fresh_factor() {
    let under = |route: &&Route| match route.access {
        Access::Permission(flag) => SENSITIVE.contains(&flag) && route.method.name() != "GET",
        Access::Open(_) => false,
    };
    for route in routes().iter().filter(under) {
        let harmless = HARMLESS.iter().any(|(label, _)| *label == route.label())
            || route.path.contains(OWN_PROOF);
        assert!(route.sensitive != harmless, "{}: mark it .sensitive()", route.label());
    }
    let download = |route: &&Route| {
        route.method.name() == "GET" && route.path.ends_with("/exports/{id}/download")
    };
    for route in routes().iter().filter(download) {
        assert!(route.sensitive, "{}: mark it .sensitive()", route.label());
    }
    for route in routes().iter().filter(|route| route.sensitive) {
        assert!(!route.is_open() && route.surface != Surface::Operations, "{}", route.label());
    }
}

#[tokio::test]
async fn an_application_that_acts_for_a_person_proves_a_factor_at_an_address_of_its_own() {
    let (app, owner, _) = app().await;
    let who = json!({ "email": "officer@example.org", "password": PASSWORD });
    let signed_in = app.anonymous().post("/api/v1/auth/acme/token", &who).await.expect(200);
    let client = app.client(signed_in["accessToken"].as_str().unwrap());
    grows_stale().await;
    let put = async || {
        let request = client.request(reqwest::Method::PUT, "/api/v1/audit/acme/retention");
        Answer::to(request.body(json!({ "days": 900 }).to_string())).await
    };
    put().await.problem(403, "step-up-required");
    assert_eq!(days(&owner).await, 2557);
    let step_up = "/api/v1/auth/acme/step-up";
    let wrong = client.post(step_up, &json!({ "password": "not the password at all" })).await;
    wrong.problem(422, "not-confirmed");
    put().await.problem(403, "step-up-required");
    let proven = client.post(step_up, &json!({ "password": PASSWORD })).await.expect(200);
    assert!(proven["provenUntil"].is_string(), "{proven}");
    put().await.expect(200);
    assert_eq!(days(&owner).await, 900);
}
