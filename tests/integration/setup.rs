//! The way in: the one-time link, the wizard behind it, and the platform's console.

use crate::app::{PASSWORD, TestApp};
use crate::client::Session;

pub const ADMIN: &str = "ada@example.org";
pub const OWNER: &str = "olga@example.org";

pub fn link(app: &TestApp) -> String {
    let greeting = app.server.greeting.join("\n");
    let (_, after) = greeting.split_once("/setup?token=").expect("a link");
    format!("/setup?token={}", after.split_whitespace().next().unwrap())
}

fn fields<'a>(link: &'a str, slug: &'a str) -> Vec<(&'a str, &'a str)> {
    let token = link.split_once('=').unwrap().1;
    vec![
        ("token", token),
        ("admin_name", "Ada Admin"),
        ("admin_email", ADMIN),
        ("admin_password", PASSWORD),
        ("admin_password_again", PASSWORD),
        ("tenant_name", "Acme"),
        ("tenant_slug", slug),
        ("owner_name", "Olga"),
        ("owner_email", OWNER),
        ("owner_password", PASSWORD),
    ]
}

pub async fn set_up(app: &TestApp) -> Session {
    set_up_with(app, "acme").await
}

/// The same, with a first tenant of this name.
pub async fn set_up_with(app: &TestApp, slug: &str) -> Session {
    let browser = Session::new(&app.server.url, app.data());
    let link = link(app);
    let done = browser.submit(&link, "/setup", &fields(&link, slug)).await;
    assert_eq!(done.status, 200, "{}", done.body);
    browser
}

#[tokio::test]
async fn a_wizard_with_mistakes_says_them_all_and_the_link_still_works() {
    let app = TestApp::start();
    let browser = Session::new(&app.server.url, app.data());
    let link = link(&app);
    assert!(browser.get("/").await.body.contains("strongroom admin setup-link"));
    let mut wrong = fields(&link, "-Acme");
    wrong[2].1 = "ada";
    let refused = browser.submit(&link, "/setup", &wrong).await;
    assert_eq!(refused.status, 422);
    for said in ["not an e-mail address", "Use 2 to 48 lower-case letters"] {
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    assert!(!refused.body.contains(PASSWORD), "a password was put back");
    assert_eq!(browser.submit(&link, "/setup", &fields(&link, "acme")).await.status, 200);
    assert_eq!(browser.get(&link).await.status, 410);
    assert_eq!(browser.get("/setup?token=nonsense").await.status, 410);
    browser.sign_in("/t/acme/login", OWNER, PASSWORD).await;
    browser.sign_in("/platform/login", ADMIN, PASSWORD).await;
}

#[tokio::test]
async fn a_used_link_makes_nobody_an_administrator_again() {
    let app = TestApp::start();
    let browser = set_up(&app).await;
    let link = link(&app);
    let again = browser.submit("/", "/setup", &fields(&link, "second")).await;
    assert_eq!(again.status, 410, "{}", again.body);
}

#[tokio::test]
async fn an_administrator_makes_and_freezes_a_tenant_and_stays_nameless_in_its_log() {
    let app = TestApp::start();
    let admin = set_up(&app).await;
    admin.sign_in("/platform/login", ADMIN, PASSWORD).await;
    let new = "/platform/tenants/new";
    let form = [
        ("name", "Globex"),
        ("slug", "globex"),
        ("owner_name", "Gil"),
        ("owner_email", "gil@example.org"),
        ("owner_password", PASSWORD),
    ];
    assert_eq!(admin.submit(new, new, &form).await.status, 303);
    assert_eq!(admin.submit(new, new, &form).await.status, 422, "taken");
    for (change, state) in [("freeze", "Frozen"), ("unfreeze", "Active"), ("suspend", "Suspended")]
    {
        let path = format!("/platform/tenants/globex/{change}");
        assert_eq!(admin.submit(&path, &path, &[]).await.status, 303, "{change}");
        assert!(admin.get("/platform/tenants/globex").await.body.contains(state), "{change}");
    }
    let path = "/platform/tenants/globex/resume";
    assert_eq!(admin.submit(path, path, &[]).await.status, 303);
    let log = app.client(app.key("globex", "auditor")).entries("globex").await;
    let frozen = log.iter().find(|entry| entry["action"] == "tenant.frozen").expect("an entry");
    assert_eq!(frozen["actor"]["type"], "platform_admin");
    assert!(log.iter().all(|entry| entry["actor"]["name"] != "Ada Admin"), "{log:#?}");
    let platform = admin.get("/platform/audit?q=action:tenant.frozen").await;
    assert!(platform.body.contains("Ada Admin"), "{}", platform.body);
    assert_eq!(admin.get("/t/globex/").await.status, 303, "a way into a tenant's data");
}
