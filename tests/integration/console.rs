//! The console, as a browser without script sees it.

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::Session;
use crate::conversations::{message, start_conversation};

#[tokio::test]
async fn an_owner_signs_in_sees_a_conversation_and_finds_it_in_the_explorer() {
    let (app, token) = TestApp::with_tenant();
    let api = app.client(token);
    let id = start_conversation(&api).await;
    let messages = format!("/api/v1/conversations/acme/{id}/messages");
    api.post(&messages, &message("<b>not bold</b>")).await.expect(201);

    let owner = app.session("acme", OWNER, PASSWORD).await;
    let list = owner.get("/t/acme/conversations").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("Refund for order 42"), "{}", list.body);
    let page = owner.get(&format!("/t/acme/conversations/{id}")).await;
    assert!(page.body.contains("not bold") && !page.body.contains("<b>not"), "{}", page.body);
    let explorer = owner.get("/t/acme/admin/audit").await;
    assert_eq!(explorer.status, 200);
    for action in ["login.succeeded", "conversation.created", "message.access"] {
        assert!(explorer.body.contains(action), "{action}: {}", explorer.body);
    }
}

#[tokio::test]
async fn a_page_carries_the_headers_that_protect_it() {
    let (app, _) = TestApp::with_tenant();
    let page = app.anonymous().get("/t/acme/login").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(page.header("strict-transport-security").contains("max-age="));
    assert!(!page.body.contains("<script>") && !page.body.contains("style="));
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_recorded() {
    let (app, token) = TestApp::with_tenant();
    let browser = Session::new(&app.server.url, app.data());
    for (email, password) in [(OWNER, "wrong password 123"), ("nobody@example.org", PASSWORD)] {
        let fields = [("email", email), ("password", password)];
        let answer = browser.submit("/t/acme/login", "/t/acme/login", &fields).await;
        assert!(answer.status >= 400, "{} {}", answer.status, answer.body);
    }
    let entries = app.client(token).entries("acme").await;
    assert!(entries.iter().any(|entry| entry["action"] == "login.failed"));
    assert_ne!(browser.get("/t/acme/conversations").await.status, 200);
}

#[tokio::test]
async fn a_form_without_its_token_is_refused() {
    let (app, _) = TestApp::with_tenant();
    let browser = Session::new(&app.server.url, app.data());
    browser.get("/t/acme/login").await;
    let fields = [("email", OWNER), ("password", PASSWORD)];
    assert_eq!(browser.post("/t/acme/login", &fields).await.status, 403);
    let forged = [&fields[..], &[("csrf", "forged")]].concat();
    assert_eq!(browser.post("/t/acme/login", &forged).await.status, 403);
}

#[tokio::test]
async fn a_session_opens_its_own_tenant_alone() {
    let (app, _) = TestApp::with_tenant();
    app.tenant("globex");
    let owner = app.session("acme", OWNER, PASSWORD).await;
    assert_eq!(owner.get("/t/acme/admin/audit").await.status, 200);
    let foreign = owner.get("/t/globex/admin/audit").await;
    let unknown = owner.get("/t/nobody/admin/audit").await;
    assert_eq!((foreign.status, unknown.status), (403, 403));
}
