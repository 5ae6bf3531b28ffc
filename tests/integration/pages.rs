//! The console's pages: who gets which, what they leave in the log, and that forms do what they say.

use serde_json::Value;
use strongroom::authz::Role;
use strongroom::http::route::{Access, Audit, Method, Route, Surface};
use strongroom::http::table::routes;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Client, Session};
use crate::conversations::start_conversation;

/// Pages of a tenant's console that are not open to anybody.
fn pages() -> impl Iterator<Item = &'static Route> {
    routes().iter().filter(|route| {
        let page = route.surface == Surface::Console && route.method == Method::Get;
        page && !route.is_open() && !route.upgrades
    })
}

fn path(route: &Route) -> String {
    let nobody = "00000000-0000-7000-8000-000000000000";
    route
        .path
        .replace("{tenant}", "acme")
        .replace("{id}", nobody)
        .replace("{seq}", "1")
        .replace("{code}", "nobody")
}

async fn newest(log: &Client) -> Value {
    let page = log.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
    page["items"][0].clone()
}

#[tokio::test]
async fn each_role_gets_the_pages_of_its_permissions_and_no_other() {
    let (app, _) = TestApp::with_tenant();
    for role in Role::TENANT {
        let email = format!("a-{role}@example.org");
        let create = ["user", "create", "--tenant", "acme", "--role", role.name()];
        app.cli(&[&create[..], &["--password-stdin", &email]].concat(), PASSWORD);
        let person = app.session("acme", &email, PASSWORD).await;
        for route in pages() {
            let Access::Permission(flag) = route.access else { continue };
            let page = person.get(&path(route)).await;
            let may = role.permissions().has(flag);
            assert_eq!(page.status == 403, !may, "{role} on {}: {}", route.path, page.status);
            let names_a_thing = route.path.contains("{id}") || route.path.contains("{code}");
            let expected = if names_a_thing { 404 } else { 200 };
            assert!(!may || page.status == expected, "{role} on {}: {}", route.path, page.status);
        }
    }
}

#[tokio::test]
async fn opening_a_page_leaves_the_entry_that_the_table_promises() {
    let (app, _) = TestApp::with_tenant();
    let log = app.client(app.key("acme", "auditor"));
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let nameless = |route: &&Route| !route.path.contains("{id}") && !route.path.contains("{code}");
    for route in pages().filter(nameless) {
        let Audit::Events(declared) = route.audit else { continue };
        assert_eq!(owner.get(&path(route)).await.status, 200, "{}", route.path);
        let action = newest(&log).await["action"].as_str().unwrap_or_default().to_owned();
        assert!(declared.iter().any(|event| event.name == action), "{}: {action}", route.path);
    }
}

#[tokio::test]
async fn a_conversation_is_written_closed_and_deleted_in_the_console() {
    let (app, token) = TestApp::with_tenant();
    let log = app.client(token);
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let new = "/t/acme/conversations/new";
    let nameless = [("subject", ""), ("person_name", "Zoë"), ("author_type", "customer")];
    let refused = owner.submit(new, new, &nameless).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("value=\"Zoë\""), "what was typed is gone: {}", refused.body);
    let fields = [("subject", "A claim"), ("person_id", "C-1"), ("message", "Hello\r\nthere")];
    let made = owner.submit(new, new, &fields).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let here = made.header("location").split('?').next().unwrap().to_owned();
    let page = owner.get(&here).await.body;
    assert!(page.contains("A claim") && page.contains("Hello\nthere"), "{page}");
    assert_eq!(newest(&log).await["action"], "message.access");

    let acts = [
        ("messages", "message.appended"),
        ("close", "conversation.closed"),
        ("reopen", "conversation.reopened"),
        ("delete", "conversation.deleted"),
    ];
    for (act, entry) in acts {
        let fields = [("author_type", "agent"), ("body", "Yes?")];
        let done = owner.submit(&here, &format!("{here}/{act}"), &fields).await;
        assert_eq!(done.status, 303, "{act}: {}", done.body);
        assert_eq!(newest(&log).await["action"], entry);
    }
    assert_eq!(owner.get(&here).await.status, 404);
}

#[tokio::test]
async fn a_search_finds_the_person_by_reference_and_else_the_subject() {
    let (app, token) = TestApp::with_tenant();
    start_conversation(&app.client(token)).await;
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let new = "/t/acme/conversations/new";
    owner.submit(new, new, &[("subject", "A claim"), ("person_id", "C-1")]).await;
    for (search, found) in [("C-1", true), ("CLAIM", true), ("a claim", true), ("C-2", false)] {
        let list = owner.get(&format!("/t/acme/conversations?search={search}")).await;
        assert_eq!(list.body.contains("A claim"), found, "{search}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_stops_when_it_is_revoked() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let keys = "/t/acme/keys";
    let made = owner.submit(keys, keys, &[("name", "Shop"), ("role", "operator")]).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"));
    let token = made.body.split("value=\"sr_").nth(1).unwrap().split('"').next().unwrap();
    let shop = app.client(format!("sr_{token}"));
    shop.get("/api/v1/conversations/acme").await.expect(200);
    let list = owner.get(keys).await.body;
    assert!(list.contains("Shop") && !list.contains(token));
    let revoke = list.split("href=\"").find(|part| part.contains("/revoke\"")).unwrap();
    let revoke = revoke.split('"').next().unwrap();
    assert_eq!(owner.submit(revoke, revoke, &[]).await.status, 303);
    shop.get("/api/v1/conversations/acme").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_search_of_the_log_that_makes_no_sense_is_explained_at_the_field() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = owner.get("/t/acme/admin/audit?q=hello:x").await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("At character 1 of the search"), "{}", page.body);
    assert!(page.body.contains("<mark>hello:x</mark>"), "{}", page.body);
}

#[tokio::test]
async fn an_ended_session_opens_nothing_and_a_changed_password_ends_the_others() {
    let (app, _) = TestApp::with_tenant();
    let here = app.session("acme", OWNER, PASSWORD).await;
    let elsewhere: Session = app.session("acme", OWNER, PASSWORD).await;
    let (account, form) = ("/t/acme/account", "/t/acme/account/password");
    let new = "another long password";
    let wrong = [("current", "wrong"), ("password", new), ("password_again", new)];
    assert_eq!(here.submit(account, form, &wrong).await.status, 422);
    let right = [("current", PASSWORD), ("password", new), ("password_again", new)];
    assert_eq!(here.submit(account, form, &right).await.status, 303);
    assert_eq!(elsewhere.get(account).await.status, 303, "it went on elsewhere");
    let sessions = "/t/acme/account/sessions";
    let page = here.get(sessions).await.body;
    let end = page.split("action=\"").find(|part| part.contains("/end\"")).unwrap();
    let end = end.split('"').next().unwrap().to_owned();
    assert_eq!(here.submit(sessions, &end, &[]).await.status, 303);
    assert_eq!(here.get(account).await.status, 303, "it went on here");
}
