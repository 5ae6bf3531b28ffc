//! Who is signed in: seeing it, ending it, and that what has ended is over on every connection.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::{PASSWORD, TestApp};
use crate::client::{Answer, Client, Session, escape};
use crate::tail::{TAIL, next, open_here, signed_in};

const ADMIN: &str = "mona@example.org";
const VIEWER: &str = "vera@example.org";
const SESSIONS: &str = "/api/v1/sessions/acme";
/// Less than the time after which a live view looks by itself.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A tenant with an administrator and a viewer, and a key with an administrator's role.
fn house() -> (TestApp, Client) {
    let (app, token) = TestApp::with_tenant();
    for (email, role) in [(ADMIN, "admin"), (VIEWER, "viewer")] {
        let create = ["user", "create", "--tenant", "acme", "--role", role, "--password-stdin"];
        app.cli(&[&create[..], &[email]].concat(), PASSWORD);
    }
    let client = app.client(token);
    (app, client)
}

async fn sessions(client: &Client, of: &str) -> Vec<Value> {
    client.list(&format!("{SESSIONS}?user={}", escape(of))).await
}

/// Where the forms of a page go that have this in their address.
fn actions(page: &Answer, part: &str) -> Vec<String> {
    let forms = page.body.split("action=\"").skip(1).filter_map(|form| form.split('"').next());
    forms.filter(|action| action.contains(part)).map(str::to_owned).collect()
}

#[tokio::test]
async fn whatever_ends_a_session_closes_what_it_has_open_at_once() {
    let (app, client) = house();
    for way in ["sign-out", "page", "revoked", "all-of", "disabled", "suspended"] {
        let (browser, cookie) = signed_in(&app, ADMIN).await;
        let mut socket = open_here(&app, TAIL, &cookie).await;
        let id = sessions(&client, ADMIN).await[0]["id"].as_str().unwrap().to_owned();
        let own = "/t/acme/account/sessions";
        let begun = Instant::now();
        match way {
            "sign-out" => {
                assert_eq!(browser.submit("/t/acme/", "/t/acme/logout", &[]).await.status, 303);
            }
            "page" => {
                let answer = browser.submit(own, &format!("{own}/{id}/end"), &[]).await;
                assert_eq!(answer.status, 303);
            }
            "revoked" => _ = client.delete(&format!("{SESSIONS}/{id}")).await.expect(204),
            "all-of" => {
                _ = client.delete(&format!("{SESSIONS}?user={}", escape(ADMIN))).await.expect(204);
            }
            "disabled" => _ = app.cli(&["user", "disable", "--tenant", "acme", ADMIN], ""),
            _ => _ = app.cli(&["tenant", "suspend", "acme"], ""),
        }
        while next(&mut socket).await.is_ok() {}
        let took = begun.elapsed();
        assert!(took < AT_ONCE, "{way}: the live view went on for {took:?}");
        if way == "disabled" {
            app.cli(&["user", "enable", "--tenant", "acme", ADMIN], "");
        } else if way != "suspended" {
            assert_eq!(browser.get("/t/acme/").await.status, 303, "{way}: the session goes on");
        }
    }
}

#[tokio::test]
async fn a_download_ends_with_the_session_of_whoever_asked_for_it() {
    let (app, client) = house();
    let event = json!({ "action": "parcel.sent", "customFields": { "x": "x".repeat(15_000) } });
    let events = Value::Array(vec![event; 1_500]);
    client.post("/api/v1/audit/acme/events", &events).await.expect(201);
    let (browser, _) = signed_in(&app, ADMIN).await;
    let mut answer = browser
        .send(
            "/t/acme/admin/audit/exports",
            "/t/acme/admin/audit/exports",
            &[("format", "jsonl"), ("q", ""), ("from", ""), ("to", "")],
        )
        .await;
    assert_eq!(answer.status(), 200);
    let mut read = answer.chunk().await.unwrap().unwrap().len();
    assert_eq!(browser.submit("/t/acme/", "/t/acme/logout", &[]).await.status, 303);
    let end = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    assert!(end.is_err(), "all {read} bytes went out after the session had ended");
}

#[tokio::test]
async fn people_see_where_they_are_signed_in_and_end_what_they_like_in_a_frozen_tenant_too() {
    let (app, client) = house();
    let here = app.session("acme", VIEWER, PASSWORD).await;
    let (there, elsewhere) =
        (app.session("acme", VIEWER, PASSWORD).await, app.session("acme", VIEWER, PASSWORD).await);
    let others = app.session("acme", ADMIN, PASSWORD).await;
    app.cli(&["tenant", "freeze", "acme"], "");
    let own = "/t/acme/account/sessions";
    let page = here.get(own).await;
    assert_eq!(actions(&page, "/sessions/0").len(), 3, "{}", page.body);
    assert!(page.body.contains("This browser") && page.body.contains("127.0.0.1"), "{}", page.body);
    assert!(page.body.contains("Password"), "how they signed in: {}", page.body);

    let foreign = sessions(&client, ADMIN).await[0]["id"].as_str().unwrap().to_owned();
    let refused = here.submit(own, &format!("{own}/{foreign}/end"), &[]).await;
    assert_eq!((refused.status, others.get("/t/acme/").await.status), (404, 200));

    let devices = actions(&page, "/devices/");
    assert_eq!(devices.len(), 3, "{}", page.body);
    // Newest first: the last one is where the page is.
    assert_eq!(here.submit(own, &devices[0], &[]).await.status, 303);
    assert_eq!(elsewhere.get(own).await.status, 303, "signed in on a forgotten device");
    assert_eq!(there.get(own).await.status, 200);
    assert_eq!(here.submit(own, &format!("{own}/end-others"), &[]).await.status, 303);
    assert_eq!((there.get(own).await.status, here.get(own).await.status), (303, 200));
    assert_eq!(actions(&here.get(own).await, "end-others").len(), 0);
    let ended = client.list("/api/v1/audit/acme/events?q=action:session.ended").await;
    assert_eq!(ended[0]["customFields"]["sessions"], 1);
    let forgotten = client.list("/api/v1/audit/acme/events?q=action:device.forgotten").await;
    assert_eq!(forgotten[0]["customFields"]["sessionsEnded"], 1);
}

#[tokio::test]
async fn whoever_may_sees_everybodys_sessions_and_ends_them() {
    let (app, client) = house();
    let admin = app.session("acme", ADMIN, PASSWORD).await;
    let viewers =
        [app.session("acme", VIEWER, PASSWORD).await, app.session("acme", VIEWER, PASSWORD).await];
    let all = "/t/acme/admin/sessions";
    assert_eq!(viewers[0].get(all).await.status, 403);

    let page = admin.get(all).await;
    assert_eq!(actions(&page, "/end").len(), 3, "{}", page.body);
    let sought = admin.get(&format!("{all}?q=VERA")).await;
    let ends = actions(&sought, "/end");
    assert_eq!(ends.len(), 2, "{}", sought.body);
    assert_eq!(admin.submit(all, &ends[0], &[]).await.status, 303);
    assert_eq!(viewers[1].get("/t/acme/").await.status, 303);
    assert_eq!(viewers[0].get("/t/acme/").await.status, 200);

    let id = sessions(&client, VIEWER).await[0]["user"]["id"].as_str().unwrap().to_owned();
    let of = format!("{all}/of/{id}/end");
    assert!(admin.get(&of).await.body.contains(VIEWER));
    assert_eq!(admin.submit(&of, &of, &[]).await.status, 303);
    assert_eq!(viewers[0].get("/t/acme/").await.status, 303);

    let again = app.session("acme", VIEWER, PASSWORD).await;
    let everybody = format!("{all}/end-all");
    let mistyped = admin.submit(&everybody, &everybody, &[("confirm", "acne")]).await;
    assert_eq!((mistyped.status, again.get("/t/acme/").await.status), (422, 200));
    let typed = admin.submit(&everybody, &everybody, &[("confirm", "acme")]).await;
    assert_eq!((typed.status, again.get("/t/acme/").await.status), (303, 303));
    assert_eq!(admin.get(all).await.status, 200, "whoever did it stays signed in");
}

#[tokio::test]
async fn the_api_lists_sessions_in_pages_and_ends_nobodys_by_mistake() {
    let (app, client) = house();
    for _ in 0..5 {
        app.session("acme", VIEWER, PASSWORD).await;
    }
    let all = client.list(&format!("{SESSIONS}?limit=2")).await;
    assert_eq!(all.len(), 5);
    let first = &all[0];
    assert_eq!((&first["client"], &first["factors"]), (&json!("browser"), &json!(["password"])));
    assert_eq!((&first["user"]["email"], &first["ip"]), (&json!(VIEWER), &json!("127.0.0.1")));
    assert!(first["startedAt"].as_str() < first["endsAt"].as_str(), "{first}");
    assert_eq!(sessions(&client, ADMIN).await.len(), 0);

    client.delete(SESSIONS).await.problem(422, "user-missing");
    client.delete(&format!("{SESSIONS}?user=")).await.problem(422, "user-missing");
    client
        .delete(&format!("{SESSIONS}?user=nobody@example.org"))
        .await
        .problem(404, "member-not-found");
    client.get(&format!("{SESSIONS}?cursor=zz")).await.problem(422, "cursor-invalid");
    client.get(&format!("{SESSIONS}?limit=1001")).await.problem(422, "limit-invalid");
    assert_eq!(sessions(&client, VIEWER).await.len(), 5);
    let one = format!("{SESSIONS}/{}", first["id"].as_str().unwrap());
    client.delete(&one).await.expect(204);
    client.delete(&one).await.problem(404, "not-found");
    client.delete(&format!("{SESSIONS}?user={}", escape(VIEWER))).await.expect(204);
    assert_eq!(client.list(SESSIONS).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_shell_lists_and_ends_sessions() {
    let (app, _) = house();
    let (admin, viewer) =
        (app.session("acme", ADMIN, PASSWORD).await, app.session("acme", VIEWER, PASSWORD).await);
    let list = |more: &[&str]| {
        let args = [&["session", "list", "--tenant", "acme"], more].concat();
        app.cli(&args, "")["items"].as_array().unwrap().clone()
    };
    assert_eq!((list(&[]).len(), list(&["--user", VIEWER]).len()), (2, 1));
    let end = |more: &[&str]| {
        let args = [&["session", "end", "--tenant", "acme"], more].concat();
        app.cli(&args, "")["ended"].as_u64().unwrap()
    };
    assert_eq!(end(&["--user", VIEWER]), 1);
    assert_eq!(
        (viewer.get("/t/acme/").await.status, admin.get("/t/acme/").await.status),
        (303, 200)
    );
    app.cli(&["tenant", "suspend", "acme"], "");
    assert_eq!(end(&["--all"]), 1);
    assert_eq!(app.try_cli(&["session", "end", "--tenant", "acme"], "").code, 2);
    assert_eq!(app.try_cli(&["session", "list"], "").code, 2);
    assert_eq!(app.cli(&["session", "list", "--platform"], "")["items"], json!([]));
}

#[tokio::test]
async fn no_cookie_from_before_a_sign_in_works_after_it() {
    let (app, client) = house();
    let (browser, first) = signed_in(&app, VIEWER).await;
    let login = "/t/acme/login";
    let fields = [("email", VIEWER), ("password", PASSWORD)];
    let again = browser.submit(login, login, &fields).await;
    assert_eq!(again.status, 303);
    let set: Vec<_> = again.headers.get_all("set-cookie").iter().collect();
    let set: Vec<_> = set.iter().map(|cookie| cookie.to_str().unwrap()).collect();
    let session = set.iter().find(|cookie| cookie.starts_with("__Host-strongroom=")).unwrap();
    assert!(!session.starts_with(&first), "the cookie from before went on");
    assert_eq!(sessions(&client, VIEWER).await.len(), 1, "the session before went on");
    let device = set.iter().find(|cookie| cookie.starts_with("__Host-strongroom-device=")).unwrap();
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Max-Age=15552000", "Path=/"] {
        assert!(device.contains(part), "{device}");
    }
    let with = async |cookie: &str| {
        let request = app.anonymous().request(reqwest::Method::GET, "/t/acme/");
        Answer::to(request.header("cookie", cookie)).await.status
    };
    assert_eq!(with(&first).await, 303);
    assert_eq!(with(session.split(';').next().unwrap()).await, 200);
}

#[tokio::test]
async fn signing_out_takes_along_what_the_browser_kept_but_not_that_it_is_known() {
    let (app, client) = house();
    let (browser, _) = signed_in(&app, VIEWER).await;
    let out = browser.submit("/t/acme/", "/t/acme/logout", &[]).await;
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    browser.sign_in("/t/acme/login", VIEWER, PASSWORD).await;
    let remembered = client.list("/api/v1/audit/acme/events?q=action:device.remembered").await;
    assert_eq!(remembered.len(), 1, "{remembered:?}");
}

#[tokio::test]
async fn an_error_page_keeps_whoever_is_signed_in_where_they_are() {
    let (app, _) = house();
    let stranger = Session::new(&app.server.url, app.data());
    let viewer = app.session("acme", VIEWER, PASSWORD).await;
    for (path, status) in [
        ("/t/acme/conversations/00000000-0000-7000-8000-000000000000", 404),
        ("/t/acme/no/such/page", 404),
        ("/t/acme/admin/sessions", 403),
        ("/nowhere", 404),
    ] {
        let page = viewer.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.body.contains("action=\"/t/acme/logout\""), "{path}: {}", page.body);
        assert!(page.body.contains("href=\"/t/acme/conversations\""), "{path}: {}", page.body);
        assert!(!page.body.contains("/login\""), "{path}: {}", page.body);
    }
    let page = stranger.get("/t/acme/no/such/page").await;
    assert!(!page.body.contains("/logout\""), "{}", page.body);
    assert!(page.body.contains("href=\"/t/acme/login\""), "{}", page.body);
    // The token on the page works: signing out from it is possible.
    let out = viewer.submit("/t/acme/no/such/page", "/t/acme/logout", &[]).await;
    assert_eq!(out.status, 303);
}
