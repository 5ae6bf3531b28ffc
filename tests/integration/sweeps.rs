//! Sweeps made from the table of routes: a route that is added is in them without being asked.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::audit::note::{Kind, Note, Signer};
use strongroom::authz::{Flag, Role};
use strongroom::crypto::Key32;
use strongroom::crypto::signing::SigningKey;
use strongroom::http::route::{Access, Audit, Route, Surface};
use strongroom::http::table::routes;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client, escape};

/// What takes a credential; how one is come by is tested by itself.
fn api() -> impl Iterator<Item = &'static Route> {
    let api = routes().iter().filter(|route| route.surface == Surface::Api && !route.is_open());
    // About one's own session, which a key does not have.
    api.filter(|route| !route.path.starts_with("/api/v1/auth/"))
}

fn permission(route: &Route) -> Option<Flag> {
    match route.access {
        Access::Permission(flag) => Some(flag),
        Access::Open(_) => None,
    }
}

async fn call(client: &Client, route: &Route, path: &str, body: Option<&Value>) -> Answer {
    let method = Method::from_bytes(route.method.name().as_bytes()).unwrap();
    let request = client.request(method, path);
    Answer::to(match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    })
    .await
}

/// The path of a route with nothing real in it but the tenant.
fn path(route: &Route, tenant: &str) -> String {
    let nobody = "00000000-0000-7000-8000-000000000000";
    route
        .path
        .replace("{tenant}", tenant)
        .replace("{id}", nobody)
        .replace("{user}", nobody)
        .replace("{report}", nobody)
        .replace("{seq}", "999999999")
        .replace("{code}", "nobody")
}

#[test]
fn every_route_says_what_it_is_and_what_it_leaves_in_the_log() {
    for route in routes() {
        let label = route.label();
        assert!(!route.summary.is_empty(), "{label} has no summary");
        match route.access {
            Access::Permission(_) => {}
            Access::Open(why) => assert!(why.len() > 10, "{label} does not say why it is open"),
        }
        match route.audit {
            Audit::Events(events) => assert!(!events.is_empty(), "{label} names no event"),
            Audit::Nothing(why) => {
                assert!(why.len() > 10, "{label} does not say why it is not audited");
                let writes = permission(route).is_some_and(Flag::writes);
                // The empty form of a change changes nothing itself.
                let writes = writes && route.method.name() != "GET";
                // What a device is asked changes nothing either; its answer does.
                let writes = writes && !route.path.ends_with("/passkeys/options");
                // Rules move in a form that is saved by another route.
                let writes = writes && !route.path.ends_with("/{id}/rules");
                // A search that is sent as a body.
                let writes = writes && !route.path.ends_with("/.search");
                assert!(
                    !writes || label.contains("/audit/{tenant}/events"),
                    "{label} is not audited"
                );
            }
        }
        let same = routes().iter().filter(|other| other.label() == label).count();
        assert_eq!(same, 1, "{label} is declared twice");
    }
}

#[tokio::test]
async fn each_role_gets_what_its_permissions_say_and_nothing_else() {
    let app = TestApp::start();
    app.tenant("acme");
    for role in Role::TENANT {
        let client = app.client(app.key("acme", role.name()));
        for route in api() {
            let may = permission(route).is_some_and(|flag| role.permissions().has(flag));
            let answer = call(&client, route, &path(route, "acme"), None).await;
            let refused = answer.status == 403;
            assert_eq!(refused, !may, "{role} on {}: {}", route.label(), answer.body);
            assert!(answer.status < 500, "{role} on {}: {}", route.label(), answer.body);
        }
    }
}

#[tokio::test]
async fn no_key_reaches_another_tenant_on_any_route() {
    let app = TestApp::start();
    app.tenant("acme");
    app.tenant("globex");
    let before = app.client(app.key("acme", "auditor")).entries("acme").await.len();
    for role in Role::TENANT {
        let client = app.client(app.key("globex", role.name()));
        for route in api() {
            for tenant in ["acme", "nobody"] {
                let answer = call(&client, route, &path(route, tenant), None).await;
                answer.problem(403, "forbidden");
            }
        }
    }
    let after = app.client(app.key("acme", "auditor")).entries("acme").await;
    // The second key, and the first reading of the log.
    assert!(after.len() <= before + 3, "another tenant's attempts fill this one's log: {after:#?}");
}

#[tokio::test]
async fn nobody_gets_in_without_a_credential() {
    let app = TestApp::start();
    app.tenant("acme");
    let anonymous = app.anonymous();
    for route in routes().iter().filter(|route| permission(route).is_some()) {
        let path = path(route, "acme").replace("{name}", "acme").replace("{job}", "x");
        let answer = call(&anonymous, route, &path, None).await;
        let turned_away = match route.surface {
            Surface::Api | Surface::Scim => answer.status == 401,
            // A form without its token is refused before anybody asks who sent it.
            _ => answer.status == 303 || answer.status == 403,
        };
        assert!(turned_away, "{}: {} {}", route.label(), answer.status, answer.body);
    }
}

const SESSIONS: &str = "/api/v1/sessions/acme";
/// Somebody who is signed in while the changes are tried.
const MEMBER: &str = "mona@example.org";
const WITNESSES: &str = "/api/v1/audit/acme/witnesses";

/// A witness's key, and the line that names it.
pub fn witness(seed: u8) -> (Signer, String) {
    let key = SigningKey::from_seed(Key32::from_slice(&[seed; 32]).unwrap()).unwrap();
    let signer = Signer::new("witness".parse().unwrap(), key);
    let line = signer.verifier(Kind::Cosignature).to_string();
    (signer, line)
}

async fn valid_for_erasures(client: &Client, label: &str) -> (String, Option<Value>) {
    let new = json!({ "subject": "Sweep", "dataSubject": { "id": "swept-customer" } });
    client.post("/api/v1/conversations/acme", &new).await.expect(201);
    let person = json!({ "reference": "swept-customer" });
    if label.ends_with("/preview") {
        return ("/api/v1/erasures/acme/preview".into(), Some(json!({ "person": person })));
    }
    let body = json!({ "person": person, "confirm": "swept-customer", "reason": "a sweep" });
    ("/api/v1/erasures/acme".into(), Some(body))
}

/// A request that succeeds, for each route that changes something.
async fn valid(client: &Client, route: &Route) -> (String, Option<Value>) {
    let new = json!({ "subject": "Sweep" });
    let made = client.post("/api/v1/conversations/acme", &new).await.expect(201);
    let one = format!("/api/v1/conversations/acme/{}", made["id"].as_str().unwrap());
    let message = json!({ "author": { "type": "agent" }, "body": "Hello" });
    let searches = "/api/v1/audit/acme/searches";
    let search = json!({ "name": route.label(), "q": "outcome:denied" });
    match route.label() {
        "POST /api/v1/conversations/{tenant}" => ("/api/v1/conversations/acme".into(), Some(new)),
        "PATCH /api/v1/conversations/{tenant}/{id}" => (one, Some(json!({ "tags": ["x"] }))),
        "DELETE /api/v1/conversations/{tenant}/{id}" => (one, None),
        "POST /api/v1/conversations/{tenant}/{id}/messages" => {
            (format!("{one}/messages"), Some(message))
        }
        "POST /api/v1/conversations/{tenant}/{id}/close" => (format!("{one}/close"), None),
        "POST /api/v1/conversations/{tenant}/{id}/reopen" => {
            client.post_empty(&format!("{one}/close")).await.expect(200);
            (format!("{one}/reopen"), None)
        }
        "POST /api/v1/audit/{tenant}/exports" => {
            ("/api/v1/audit/acme/exports".into(), Some(json!({ "format": "csv" })))
        }
        "DELETE /api/v1/audit/{tenant}/exports/{id}" => {
            let exports = "/api/v1/audit/acme/exports";
            let made = client.post(exports, &json!({ "format": "csv" })).await.expect(202);
            let one = format!("{exports}/{}", made["id"].as_str().unwrap());
            while client.get(&one).await.expect(200)["state"] != "ready" {}
            (one, None)
        }
        label if label.contains("/users/{tenant}") && !label.contains("/invitations") => {
            valid_for_users(client, label).await
        }
        label if label.contains("/roles/{tenant}") => valid_for_roles(client, label).await,
        label if label.contains("/audit/{tenant}/streams") => {
            valid_for_streams(client, label).await
        }
        "POST /api/v1/audit/{tenant}/searches" => (searches.into(), Some(search)),
        "DELETE /api/v1/audit/{tenant}/searches/{id}" => {
            let saved = client.post(searches, &search).await.expect(201);
            (format!("{searches}/{}", saved["id"].as_str().unwrap()), None)
        }
        "POST /api/v1/audit/{tenant}/witnesses" => {
            (WITNESSES.into(), Some(json!({ "name": "Swept", "key": witness(1).1 })))
        }
        "DELETE /api/v1/audit/{tenant}/witnesses/{id}" => {
            let new = json!({ "name": "Removed", "key": witness(2).1 });
            let added = client.post(WITNESSES, &new).await.expect(201);
            (format!("{WITNESSES}/{}", added["id"].as_str().unwrap()), None)
        }
        "POST /api/v1/audit/{tenant}/cosignatures" => {
            let (signer, key) = witness(3);
            let new = json!({ "name": "Signing", "key": key });
            client.post(WITNESSES, &new).await.expect(201);
            let asked = client.get("/api/v1/audit/acme/checkpoint").await;
            let mut note = Note::parse(&asked.body).unwrap();
            note.cosign(&signer, 1_795_323_967);
            let body = json!({ "note": note.to_string() });
            ("/api/v1/audit/acme/cosignatures".into(), Some(body))
        }
        label if label.contains("/keys/{tenant}") => {
            let new = json!({ "name": "Sweep", "role": "viewer" });
            if label == "POST /api/v1/keys/{tenant}" {
                return ("/api/v1/keys/acme".into(), Some(new));
            }
            let made = client.post("/api/v1/keys/acme", &new).await.expect(201);
            let one = format!("/api/v1/keys/acme/{}", made["id"].as_str().unwrap());
            match label.split(' ').next().unwrap() {
                "PATCH" => (one, Some(json!({ "name": "Swept" }))),
                "DELETE" => (one, None),
                _ => (format!("{one}/rotate"), None),
            }
        }
        "POST /api/v1/users/{tenant}/invitations" => {
            let new = json!({ "email": "swept@example.org", "role": "viewer" });
            ("/api/v1/users/acme/invitations".into(), Some(new))
        }
        "DELETE /api/v1/users/{tenant}/invitations/{id}" => {
            let all = "/api/v1/users/acme/invitations";
            let new = json!({ "email": "withdrawn@example.org", "role": "viewer" });
            let made = client.post(all, &new).await.expect(201);
            (format!("{all}/{}", made["id"].as_str().unwrap()), None)
        }
        "POST /api/v1/audit/{tenant}/verify" => ("/api/v1/audit/acme/verify".into(), None),
        "PUT /api/v1/audit/{tenant}/retention" => {
            ("/api/v1/audit/acme/retention".into(), Some(json!({ "years": 3 })))
        }
        label if label.contains("/erasures/{tenant}") => valid_for_erasures(client, label).await,
        "PATCH /api/v1/retention/{tenant}" => {
            let policies = json!({ "policies": { "messages": 400 } });
            ("/api/v1/retention/acme".into(), Some(policies))
        }
        "POST /api/v1/retention/{tenant}/preview" => {
            ("/api/v1/retention/acme/preview".into(), Some(json!({})))
        }
        "POST /api/v1/retention/{tenant}/runs" => ("/api/v1/retention/acme/runs".into(), None),
        label if label.contains("/holds/{tenant}") => valid_for_holds(client, label, &made).await,
        "PUT /api/v1/settings/{tenant}/sign-in" => {
            let policy = json!({
                "secondFactorForAll": false, "accessTokenMinutes": 20, "magicLinks": true,
                "passkeysAlone": true, "registration": false, "registrationDomains": [],
                "fourEyes": false,
            });
            ("/api/v1/settings/acme/sign-in".into(), Some(policy))
        }
        label if label.contains("/single-sign-on/{tenant}/keys") => {
            valid_for_keys(client, label).await
        }
        label if label.contains("/identity-providers/{tenant}") => {
            valid_for_providers(client, label).await
        }
        "PUT /api/v1/settings/{tenant}/scim" => {
            ("/api/v1/settings/acme/scim".into(), Some(json!({ "domains": ["example.org"] })))
        }
        "POST /api/v1/access/{tenant}/revoke" => {
            ("/api/v1/access/acme/revoke".into(), Some(json!({ "user": MEMBER })))
        }
        "DELETE /api/v1/sessions/{tenant}" => (format!("{SESSIONS}?user={}", escape(OWNER)), None),
        "DELETE /api/v1/sessions/{tenant}/{id}" => {
            let all = client.list(SESSIONS).await;
            let member = all.iter().find(|session| session["user"]["email"] == MEMBER).unwrap();
            (format!("{SESSIONS}/{}", member["id"].as_str().unwrap()), None)
        }
        other => panic!("tell this test a valid request for {other}"),
    }
}

async fn valid_for_holds(client: &Client, label: &str, made: &Value) -> (String, Option<Value>) {
    let all = "/api/v1/holds/acme";
    let new = json!({ "scope": "conversation", "target": made["id"], "reason": "Case 7" });
    if label == "POST /api/v1/holds/{tenant}" {
        return (all.to_owned(), Some(new));
    }
    let set = client.post(all, &new).await.expect(201);
    let one = format!("{all}/{}", set["id"].as_str().unwrap());
    match label.ends_with("/lift") {
        true => (format!("{one}/lift"), Some(json!({ "reason": "The case is over" }))),
        false => (one, Some(json!({ "reviewAt": "2096-11-22T00:00:00Z" }))),
    }
}

async fn valid_for_users(client: &Client, label: &str) -> (String, Option<Value>) {
    let all = "/api/v1/users/acme";
    let email = format!("{}@example.org", label.to_lowercase().replace(['/', ' ', '{', '}'], "-"));
    let new = json!({ "name": "Zoë", "email": email, "role": "viewer", "password": PASSWORD });
    if label == "POST /api/v1/users/{tenant}" {
        return (all.to_owned(), Some(new));
    }
    let made = client.post(all, &new).await.expect(201);
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    match label.rsplit('/').next().unwrap() {
        "role" => (format!("{one}/role"), Some(json!({ "role": "auditor" }))),
        "disable" => (format!("{one}/disable"), None),
        "second-factor" => (format!("{one}/second-factor"), None),
        "enable" => {
            client.post_empty(&format!("{one}/disable")).await.expect(200);
            (format!("{one}/enable"), None)
        }
        _ => (one, Some(json!({ "name": "Zoé" }))),
    }
}

async fn valid_for_roles(client: &Client, label: &str) -> (String, Option<Value>) {
    let all = "/api/v1/roles/acme";
    let code = format!("swept-{}", label.split(' ').next().unwrap().to_lowercase());
    let new = json!({ "code": code, "name": "Swept", "permissions": ["message.read"] });
    if label == "POST /api/v1/roles/{tenant}" {
        return (all.to_owned(), Some(new));
    }
    client.post(all, &new).await.expect(201);
    let body = label.starts_with("PATCH").then(|| json!({ "permissions": [] }));
    (format!("{all}/{code}"), body)
}

async fn valid_for_keys(client: &Client, label: &str) -> (String, Option<Value>) {
    let all = "/api/v1/single-sign-on/acme/keys";
    if label == "POST /api/v1/single-sign-on/{tenant}/keys" {
        return (all.to_owned(), None);
    }
    // The first of all is in use at once.
    let mut next = Value::Null;
    while next["state"] != "next" {
        next = client.post_empty(all).await.expect(201);
    }
    let one = format!("{all}/{}", next["id"].as_str().unwrap());
    (if label.ends_with("/use") { format!("{one}/use") } else { one }, None)
}

async fn valid_for_providers(client: &Client, label: &str) -> (String, Option<Value>) {
    let all = "/api/v1/identity-providers/acme";
    let id = label.split(' ').next().unwrap();
    let new = json!({ "settings": {
        "name": "Swept",
        "protocol": {
            "type": "oidc", "issuer": format!("https://{id}.example.org"), "clientId": "swept",
            "clientAuthentication": "none",
        },
    }});
    if label == "POST /api/v1/identity-providers/{tenant}" {
        return (all.to_owned(), Some(new));
    }
    let made = client.post(all, &new).await.expect(201);
    let body = label.starts_with("PATCH").then(|| json!({ "state": "on" }));
    (format!("{all}/{}", made["id"].as_str().unwrap()), body)
}

async fn valid_for_streams(client: &Client, label: &str) -> (String, Option<Value>) {
    let all = "/api/v1/audit/acme/streams";
    let target = json!({ "type": "syslog", "address": "192.0.2.1:514", "transport": "tcp" });
    let new = json!({ "name": "Sweep", "destination": target });
    if label == "POST /api/v1/audit/{tenant}/streams" {
        return (all.to_owned(), Some(new));
    }
    let made = client.post(all, &new).await.expect(201);
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    match label.rsplit('/').next().unwrap() {
        // An address that is refused at once, not one that a connection is waited for.
        "test" => {
            let nowhere = json!({ "type": "syslog", "address": "localhost:9", "transport": "tcp" });
            let body = json!({ "destination": nowhere }).to_string();
            Answer::to(client.request(Method::PATCH, &one).body(body)).await.expect(200);
            (format!("{one}/test"), None)
        }
        "resume" => {
            client.post_empty(&format!("{one}/pause")).await.expect(200);
            (format!("{one}/resume"), None)
        }
        "pause" => (format!("{one}/pause"), None),
        _ if label.starts_with("PATCH") => (one, Some(json!({ "name": "Other" }))),
        _ => (one, None),
    }
}

/// Routes that a key cannot use, only a person: `approvals.rs` and `step_up.rs` look at their
/// entries. Before nothing but single sign-on counts, and before somebody is unlinked, they have
/// signed in by it: `sso_only.rs`, `sso.rs`.
const FOR_PEOPLE: [&str; 6] = [
    "PUT /api/v1/settings/{tenant}/single-sign-on",
    "DELETE /api/v1/identity-providers/{tenant}/{id}/links/{user}",
    "POST /api/v1/auth/{tenant}/step-up",
    "POST /api/v1/approvals/{tenant}/{id}/approve",
    "POST /api/v1/approvals/{tenant}/{id}/refuse",
    "POST /api/v1/approvals/{tenant}/{id}/withdraw",
];

#[tokio::test]
async fn every_change_through_the_api_is_in_the_log() {
    let (app, _) = TestApp::with_tenant();
    let client = app.client(app.key("acme", "owner"));
    let for_people = |route: &&Route| FOR_PEOPLE.contains(&route.label());
    let create = ["user", "create", "--tenant", "acme", "--role", "viewer", "--password-stdin"];
    app.cli(&[&create[..], &[MEMBER]].concat(), PASSWORD);
    app.session("acme", MEMBER, PASSWORD).await;
    for route in api().filter(|route| route.method.name() != "GET" && !for_people(route)) {
        let Audit::Events(declared) = route.audit else { continue };
        let (path, body) = valid(&client, route).await;
        let answer = call(&client, route, &path, body.as_ref()).await;
        assert!(answer.status < 300, "{}: {}", route.label(), answer.body);
        let log = client.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
        let action = log["items"][0]["action"].as_str().unwrap_or_default();
        let found = declared.iter().any(|event| event.name == action);
        assert!(found, "{} left {action}, not {declared:?}", route.label());
    }
}

#[tokio::test]
async fn a_frozen_tenant_answers_and_records_reads_and_refuses_every_change() {
    let (app, _) = TestApp::with_tenant();
    let client = app.client(app.key("acme", "owner"));
    let new = json!({ "subject": "Before" });
    let made = client.post("/api/v1/conversations/acme", &new).await.expect(201);
    let one = format!("/api/v1/conversations/acme/{}", made["id"].as_str().unwrap());
    app.cli(&["tenant", "freeze", "acme"], "");
    for route in api() {
        let path = path(route, "acme");
        let answer = call(&client, route, &path, None).await;
        let frozen = answer.status == 423;
        // Rights can be taken away and holds set; whether this does, or the opposite, the domain knows.
        if permission(route).is_some_and(|flag| flag.withdraws() || flag.preserves()) {
            continue;
        }
        let writes = permission(route).is_some_and(Flag::writes);
        assert_eq!(frozen, writes, "{}: {}", route.label(), answer.body);
    }
    client.get(&one).await.expect(200);
    let log = client.get("/api/v1/audit/acme/events?limit=1").await.expect(200);
    assert_eq!(log["items"][0]["action"], "conversation.access");
    app.cli(&["tenant", "unfreeze", "acme"], "");
    client.delete(&one).await.expect(204);
}
