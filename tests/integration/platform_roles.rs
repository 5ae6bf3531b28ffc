//! Who signs in to the platform, in which role.

use strongroom::authz::Role;
use strongroom::http::route::{Access, Route, Surface};
use strongroom::http::table::routes;

use crate::app::{PASSWORD, TestApp};
use crate::client::Session;

const LOGIN: &str = "/platform/login";

fn admin(app: &TestApp, email: &str, role: Role) -> String {
    let args = ["admin", "create", email, "--role", role.name(), "--password-stdin"];
    app.cli(&args, PASSWORD)["id"].as_str().unwrap().to_owned()
}

async fn sign_in(app: &TestApp, email: &str) -> Session {
    let session = Session::new(&app.server.url, app.data());
    session.sign_in(LOGIN, email, PASSWORD).await;
    session
}

fn guarded() -> impl Iterator<Item = &'static Route> {
    routes()
        .iter()
        .filter(|route| route.surface == Surface::Platform && !route.is_open() && !route.upgrades)
}

/// A path with nothing real in it.
fn path(route: &Route) -> String {
    let nobody = "00000000-0000-7000-8000-000000000000";
    let path = route.path.replace("{id}", nobody).replace("{seq}", "1").replace("{job}", "x");
    path.replace("{name}", "nobody").replace("{change}", "freeze")
}

#[tokio::test]
async fn each_role_of_the_platform_gets_the_routes_of_its_permissions_and_no_other() {
    let app = TestApp::start();
    for role in Role::PLATFORM {
        let email = format!("{role}@example.org");
        admin(&app, &email, role);
        let person = sign_in(&app, &email).await;
        for route in guarded() {
            let Access::Permission(flag) = route.access else { continue };
            let may = role.permissions().has(flag);
            let status = match route.method.name() {
                "GET" => person.get(&path(route)).await.status,
                // What may be done would be done; what may not is refused before its form is read.
                _ if may => continue,
                _ => person.submit("/platform/permissions", &path(route), &[]).await.status,
            };
            assert_eq!(status == 403, !may, "{role} on {}: {status}", route.label());
            assert!(status < 500, "{role} on {}: {status}", route.label());
        }
    }
}

#[tokio::test]
async fn nobody_of_the_platform_gets_into_a_tenant() {
    let (app, _) = TestApp::with_tenant();
    for role in Role::PLATFORM {
        let email = format!("{role}@example.org");
        admin(&app, &email, role);
        let person = sign_in(&app, &email).await;
        for route in routes().iter().filter(|route| route.surface == Surface::Console) {
            if route.is_open() || route.upgrades || route.method.name() != "GET" {
                continue;
            }
            let path = path(route).replace("{tenant}", "acme").replace("{code}", "viewer");
            let answer = person.get(&path).await;
            assert_eq!(answer.status, 303, "{role} on {}", route.path);
            assert_eq!(answer.header("location").split('?').next(), Some("/t/acme/login"));
        }
    }
}

#[tokio::test]
async fn the_last_administrator_stays_and_nobody_changes_their_own_role() {
    let app = TestApp::start();
    let (first, second) = (
        admin(&app, "first@example.org", Role::PlatformAdmin),
        admin(&app, "second@example.org", Role::PlatformAdmin),
    );
    let person = sign_in(&app, "first@example.org").await;
    let own = format!("/platform/admins/{first}");
    let page = person.get(&own).await.body;
    assert!(page.contains("This is you") && !page.contains(&format!("{own}/role")), "{page}");
    for (act, fields) in [("role", &[("role", "platform-support")][..]), ("disable", &[])] {
        let refused = person.submit(&own, &format!("{own}/{act}"), fields).await;
        assert_eq!(refused.status, 409, "{act}: {}", refused.body);
    }
    let other = format!("/platform/admins/{second}");
    let fields = [("role", "platform-auditor")];
    let changed = person.submit(&other, &format!("{other}/role"), &fields).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    for verb in [["role", "first@example.org"], ["disable", "first@example.org"]] {
        let mut args = vec!["admin", verb[0], verb[1]];
        args.extend((verb[0] == "role").then_some("support"));
        let said = app.try_cli(&args, "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains("at least one active administrator"), "{said:?}");
    }
    let list = app.cli(&["admin", "list"], "");
    assert_eq!(list["items"][1]["role"], "platform-auditor", "{list}");
}

#[tokio::test]
async fn an_administrator_is_added_with_a_link_loses_a_role_at_once_and_is_disabled() {
    let app = TestApp::start();
    admin(&app, "first@example.org", Role::PlatformAdmin);
    let first = sign_in(&app, "first@example.org").await;
    let all = "/platform/admins";
    let new = [("name", "Zoë"), ("email", "zoe@example.org"), ("role", "platform-admin")];
    let made = first.submit(all, all, &new).await;
    assert_eq!((made.status, made.header("cache-control")), (200, "no-store"), "{}", made.body);
    let token = made.body.split("token=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let link = format!("/platform/password?token={token}");
    let zoe = Session::new(&app.server.url, app.data());
    let chosen = [("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(zoe.submit(&link, &link, &chosen).await.status, 303);
    zoe.sign_in(LOGIN, "zoe@example.org", PASSWORD).await;
    assert_eq!(zoe.get("/platform/tenants/new").await.status, 200);

    let list = app.cli(&["admin", "list"], "");
    let id = list["items"][1]["id"].as_str().unwrap();
    let one = format!("{all}/{id}");
    let role = [("role", "platform-support")];
    assert_eq!(first.submit(&one, &format!("{one}/role"), &role).await.status, 303);
    assert_eq!(zoe.get("/platform/tenants/new").await.status, 403);
    assert_eq!(zoe.get("/platform/jobs").await.status, 200);
    assert_eq!(first.submit(&one, &format!("{one}/disable"), &[]).await.status, 303);
    assert_eq!(zoe.get("/platform/jobs").await.status, 303, "the session went on");
    let again = [("email", "zoe@example.org"), ("password", PASSWORD)];
    assert_ne!(zoe.submit(LOGIN, LOGIN, &again).await.status, 303);
}
