//! Roles of a tenant's own, members, and who may give what to whom.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::authz::{Flag, Permissions, Role};
use strongroom::http::route::{Access, Route, Surface};
use strongroom::http::table::routes;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client};

const ROLES: &str = "/api/v1/roles/acme";
const USERS: &str = "/api/v1/users/acme";

async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    Answer::to(client.request(Method::PUT, path).body(body.to_string())).await
}

async fn patch(client: &Client, path: &str, body: &Value) -> Answer {
    Answer::to(client.request(Method::PATCH, path).body(body.to_string())).await
}

fn member(app: &TestApp, email: &str, role: &str) -> String {
    let args = ["user", "create", "--tenant", "acme", "--role", role, "--password-stdin", email];
    app.cli(&args, PASSWORD)["id"].as_str().unwrap().to_owned()
}

async fn define(client: &Client, code: &str, permissions: &[&str]) -> Value {
    let new = json!({ "code": code, "name": format!("The {code}"), "permissions": permissions });
    client.post(ROLES, &new).await.expect(201)
}

#[tokio::test]
async fn a_changed_role_counts_on_the_next_request_and_stays_while_somebody_has_it() {
    let app = TestApp::start();
    app.tenant("acme");
    let owner = app.client(app.key("acme", "owner"));
    define(&owner, "reader", &["conversation.read"]).await;
    let id = member(&app, "reader@example.org", "reader");
    let person = app.session("acme", "reader@example.org", PASSWORD).await;
    let page = "/t/acme/conversations";
    assert_eq!(person.get(page).await.status, 200);

    let one = format!("{ROLES}/reader");
    let changed = patch(&owner, &one, &json!({ "permissions": ["user.read"] })).await.expect(200);
    assert!(changed["permissions"].as_array().unwrap().contains(&"user.read".into()));
    assert_eq!(person.get(page).await.status, 403);
    assert_eq!(person.get("/t/acme/members").await.status, 200);
    let log = owner.get("/api/v1/audit/acme/events?q=action:role.updated").await.expect(200);
    let changes = &log["items"][0]["changes"];
    assert_eq!(changes["user.read"], json!({ "old": false, "new": true }), "{log}");
    assert_eq!(changes["conversation.read"], json!({ "old": true, "new": false }), "{log}");

    owner.delete(&one).await.problem(409, "role-in-use");
    let role = json!({ "role": "viewer" });
    put(&owner, &format!("{USERS}/{id}/role"), &role).await.expect(200);
    assert_eq!(person.get("/t/acme/members").await.status, 403);
    assert_eq!(person.get(page).await.status, 200);
    owner.delete(&one).await.expect(204);
    owner.get(&one).await.problem(404, "role-not-found");
    put(&owner, &format!("{USERS}/{id}/role"), &json!({ "role": "reader" }))
        .await
        .problem(422, "role-unknown");
}

#[tokio::test]
async fn nobody_gives_or_takes_what_is_above_their_own_rights() {
    let app = TestApp::start();
    app.tenant("acme");
    let (owner, admin) =
        (app.client(app.key("acme", "owner")), app.client(app.key("acme", "admin")));
    define(&owner, "above", &["secret.read"]).await;
    let (above, viewer) =
        (member(&app, "above@example.org", "above"), member(&app, "viewer@example.org", "viewer"));
    for role in ["owner", "above"] {
        let new =
            json!({ "name": "Z", "email": "z@example.org", "role": role, "password": PASSWORD });
        admin.post(USERS, &new).await.problem(403, "forbidden");
        let asked = json!({ "role": role });
        put(&admin, &format!("{USERS}/{viewer}/role"), &asked).await.problem(403, "forbidden");
    }
    let asked = json!({ "role": "viewer" });
    put(&admin, &format!("{USERS}/{above}/role"), &asked).await.problem(403, "forbidden");
    admin.post_empty(&format!("{USERS}/{above}/disable")).await.problem(403, "forbidden");
    patch(&admin, &format!("{USERS}/{above}"), &json!({ "name": "Z" }))
        .await
        .problem(403, "forbidden");
    put(&admin, &format!("{USERS}/{viewer}/role"), &json!({ "role": "auditor" })).await.expect(200);
}

#[tokio::test]
async fn of_two_owners_who_demote_each_other_at_once_one_stays() {
    let app = TestApp::start();
    app.tenant("acme");
    let (a, b) = (app.client(app.key("acme", "owner")), app.client(app.key("acme", "owner")));
    let second = member(&app, "second@example.org", "owner");
    let all = a.list(&format!("{USERS}?role=owner")).await;
    let first = all.iter().find(|member| member["email"] == OWNER).unwrap()["id"].clone();
    let first = first.as_str().unwrap().to_owned();
    let viewer = json!({ "role": "viewer" });
    let (to_first, to_second) = (format!("{USERS}/{first}/role"), format!("{USERS}/{second}/role"));
    let answers = tokio::join!(put(&a, &to_first, &viewer), put(&b, &to_second, &viewer));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", answers.0.body, answers.1.body);
    let owners = a.list(&format!("{USERS}?role=owner")).await;
    assert_eq!(owners.len(), 1);
    let last = format!("{USERS}/{}/disable", owners[0]["id"].as_str().unwrap());
    a.post_empty(&last).await.problem(409, "last-owner");
}

#[tokio::test]
async fn nobody_changes_their_own_state_and_the_page_says_why() {
    let (app, _) = TestApp::with_tenant();
    member(&app, "second@example.org", "owner");
    let owner = app.session("acme", "second@example.org", PASSWORD).await;
    let api = app.client(app.key("acme", "owner"));
    let all = api.list(&format!("{USERS}?q=second@example.org")).await;
    let here = format!("/t/acme/members/{}", all[0]["id"].as_str().unwrap());
    let page = owner.get(&here).await.body;
    assert!(page.contains("This is you") && !page.contains(&format!("{here}/disable")), "{page}");
    let refused = owner.submit(&here, &format!("{here}/disable"), &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
}

#[tokio::test]
async fn a_member_is_renamed_disabled_and_enabled_and_the_log_does_not_say_the_name() {
    let (app, _) = TestApp::with_tenant();
    let api = app.client(app.key("acme", "owner"));
    let one = format!("{USERS}/{}", member(&app, "zoe@example.org", "operator"));
    let person = app.session("acme", "zoe@example.org", PASSWORD).await;
    let named = patch(&api, &one, &json!({ "name": "Zoë Lefèvre" })).await.expect(200);
    assert_eq!(named["name"], "Zoë Lefèvre");
    let disabled = api.post_empty(&format!("{one}/disable")).await.expect(200);
    assert_eq!(disabled["state"], "disabled");
    assert_eq!(person.get("/t/acme/account").await.status, 303, "the session went on");
    api.post_empty(&format!("{one}/enable")).await.expect(200);
    let entries = api.entries("acme").await;
    let about = |action: &str| entries.iter().find(|entry| entry["action"] == action).cloned();
    assert!(about("user.disabled").is_some() && about("user.enabled").is_some());
    let renamed = about("user.updated").unwrap();
    assert!(!renamed.to_string().contains("Lefèvre"), "{renamed}");
}

#[tokio::test]
async fn members_are_found_by_a_part_of_the_name_by_address_and_page_by_page() {
    let (app, _) = TestApp::with_tenant();
    let api = app.client(app.key("acme", "admin"));
    for (at, role) in ["viewer", "operator", "viewer", "auditor"].into_iter().enumerate() {
        member(&app, &format!("person-{at}@example.org"), role);
    }
    assert_eq!(api.list(&format!("{USERS}?limit=2")).await.len(), 5);
    assert_eq!(api.list(&format!("{USERS}?limit=1&q=PERSON-")).await.len(), 4);
    assert_eq!(api.list(&format!("{USERS}?q=person-2@example.org")).await.len(), 1);
    assert_eq!(api.list(&format!("{USERS}?role=viewer")).await.len(), 2);
    let missing = api.list(&format!("{USERS}?secondFactor=missing")).await;
    assert_eq!(missing.len(), 1, "the owner alone must have one: {missing:?}");
    assert_eq!(missing[0]["email"], OWNER);
    api.get(&format!("{USERS}?cursor=zz")).await.problem(422, "cursor-invalid");
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = owner.get("/t/acme/members?q=person-3").await.body;
    assert!(page.contains("person-3@example.org") && !page.contains("person-1@"), "{page}");
}

#[tokio::test]
async fn whoever_asks_is_told_who_they_are_and_what_they_may_do() {
    let (app, _) = TestApp::with_tenant();
    let me = app.client(app.key("acme", "viewer")).get("/api/v1/me/acme").await.expect(200);
    assert_eq!((&me["type"], &me["role"]), (&"api_key".into(), &"viewer".into()));
    let expected: Vec<_> = Role::Viewer.permissions().iter().map(Flag::name).collect();
    assert_eq!(me["permissions"], json!(expected));
}

#[tokio::test]
async fn the_matrix_shows_what_the_table_says_and_the_tenants_own_roles() {
    let (app, _) = TestApp::with_tenant();
    let api = app.client(app.key("acme", "owner"));
    let own = define(&api, "reader", &["conversation.read", "message.read"]).await;
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let page = owner.get("/t/acme/admin/permissions").await.body;
    assert!(page.contains("The reader"), "{page}");
    let built_in: usize = Role::TENANT.iter().map(|role| role.permissions().iter().count()).sum();
    let expected = built_in + own["permissions"].as_array().unwrap().len();
    assert_eq!(page.matches("class=\"yes\"").count(), expected);
    let roles = api.get(ROLES).await.expect(200);
    let sum = |role: &Value| role["permissions"].as_array().unwrap().len();
    assert_eq!(roles["items"].as_array().unwrap().iter().map(sum).sum::<usize>(), expected);
}

#[tokio::test]
async fn a_role_is_defined_changed_and_deleted_in_the_console() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let (all, new) = ("/t/acme/admin/roles", "/t/acme/admin/roles/new?copy=viewer");
    let form = owner.get(new).await.body;
    assert!(form.contains("value=\"message.read\" checked"), "{form}");
    let refused = owner.submit(new, all, &[("name", "Claims"), ("code", "owner")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let fields = [
        ("name", "Claims"),
        ("code", "claims"),
        ("permission", "message.read"),
        ("permission", "conversation.read"),
    ];
    let made = owner.submit(new, all, &fields).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, "/t/acme/admin/roles/claims?notice=role-created")
    );
    let (one, change) = ("/t/acme/admin/roles/claims", "/t/acme/admin/roles/claims/change");
    assert!(owner.get(one).await.body.contains("message.read"));
    let fields = [("name", "Claims"), ("permission", "conversation.read")];
    assert_eq!(owner.submit(change, change, &fields).await.status, 303);
    assert!(!owner.get(one).await.body.contains("message.read"));
    let delete = "/t/acme/admin/roles/claims/delete";
    assert_eq!(owner.submit(delete, delete, &[]).await.status, 303);
    assert_eq!(owner.get(one).await.status, 404);
}

/// Pages of a tenant's console that are not open to anybody.
fn pages() -> impl Iterator<Item = (&'static Route, Flag)> {
    routes().iter().filter_map(|route| match route.access {
        Access::Permission(flag)
            if route.surface == Surface::Console && route.method.name() == "GET" =>
        {
            Some((route, flag))
        }
        _ => None,
    })
}

#[tokio::test]
async fn a_role_with_one_permission_reaches_exactly_its_routes() {
    let app = TestApp::start();
    app.tenant("acme");
    let owner = app.client(app.key("acme", "owner"));
    define(&owner, "one", &[]).await;
    member(&app, "one@example.org", "one");
    let mut person = app.session("acme", "one@example.org", PASSWORD).await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    let guarded: Vec<Flag> = pages().map(|(_, flag)| flag).collect();
    let mut tried = Permissions::default();
    for flag in guarded {
        if tried.has(flag) {
            continue;
        }
        tried = tried.or([flag].into_iter().collect());
        let changes = json!({ "permissions": [flag.name()] });
        patch(&owner, &format!("{ROLES}/one"), &changes).await.expect(200);
        let has = Permissions::own_account().or([flag].into_iter().collect());
        if person.get("/t/acme/account").await.status == 303 {
            // What only owners may do asks for a second factor, and the session had none.
            person = app.session("acme", "one@example.org", PASSWORD).await;
        }
        for (route, needed) in pages().filter(|(route, _)| !route.upgrades) {
            let path = route.path.replace("{tenant}", "acme").replace("{id}", nobody);
            let path = path.replace("{seq}", "1").replace("{code}", "nobody");
            let answer = person.get(&path).await;
            let reached = answer.status != 403;
            // A page may need more than its route says: then it is refused further in.
            assert!(has.has(needed) || !reached, "{} on {}", flag.name(), route.path);
            assert!(answer.status < 500, "{} on {}: {}", flag.name(), route.path, answer.body);
            let alone = ["conversation.read", "user.read", "api_key.read", "role.read"];
            let is_plain = alone.contains(&flag.name()) && needed == flag;
            assert!(!is_plain || reached, "{} on {}: {}", flag.name(), route.path, answer.body);
        }
    }
}
