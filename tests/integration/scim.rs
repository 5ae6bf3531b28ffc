//! Provisioning (SCIM 2.0) as identity providers do it, and as a thief of their key would.

use std::time::Instant;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use strongroom::authz::Role;
use strongroom::http::route::{Access, Surface};
use strongroom::http::table::routes;

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Client, escape};

pub const USERS: &str = "/scim/v2/Users";
pub const GROUPS: &str = "/scim/v2/Groups";
pub const SETTINGS: &str = "/api/v1/settings/acme/scim";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A tenant whose identity provider has a key, and which trusts it with addresses of example.org.
pub struct Provisioned {
    pub app: TestApp,
    pub owner: Client,
    pub scim: Client,
}

impl Provisioned {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let app = TestApp::with(settings);
        app.tenant("acme");
        let owner = app.client(app.key("acme", "owner"));
        let scim = key(&owner).await;
        let made = Self { app, owner, scim };
        made.settle(json!({ "defaultRole": "viewer", "domains": ["example.org"] })).await;
        made
    }

    pub async fn settle(&self, settings: Value) -> Value {
        put(&self.owner, SETTINGS, &settings).await.expect(200)
    }

    pub async fn member(&self, id: &str) -> Value {
        self.owner.get(&format!("/api/v1/users/acme/{id}")).await.expect(200)
    }

    /// Actions in the log about somebody or something, oldest first.
    async fn actions(&self, id: &str) -> Vec<String> {
        let entries = self.owner.entries("acme").await;
        let about = entries.iter().filter(|entry| entry["resource"]["id"] == id);
        about.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    }
}

async fn key(owner: &Client) -> Client {
    let new = json!({ "name": "Identity provider", "scopes": ["scim.provision"] });
    let made = owner.post("/api/v1/keys/acme", &new).await.expect(201);
    owner.with_token(made["token"].as_str().unwrap())
}

async fn send(client: &Client, method: Method, path: &str, body: &Value, tag: &str) -> Answer {
    let request = client.request(method, path).header("content-type", "application/scim+json");
    let request = if tag.is_empty() { request } else { request.header("if-match", tag) };
    Answer::to(request.body(body.to_string())).await
}

pub async fn put(client: &Client, path: &str, body: &Value) -> Answer {
    send(client, Method::PUT, path, body, "").await
}

pub async fn patch(client: &Client, path: &str, operations: Value) -> Answer {
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    send(client, Method::PATCH, path, &body, "").await
}

/// The error of RFC 7644, 3.12.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, kind: Option<&str>) -> Value {
    let error = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/scim+json", "{error}");
    assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!((&error["status"], error["scimType"].as_str()), (&json!(status.to_string()), kind));
    assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
    error
}

pub fn kim() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "externalId": "0f3c-KIM",
        "userName": "kim@example.org",
        "displayName": "Kim Ruiz",
        "active": true,
        "emails": [{ "primary": true, "type": "work", "value": "kim@example.org" }],
        "name": { "givenName": "Kim", "familyName": "Ruiz" }
    })
}

pub fn person(name: &str) -> Value {
    let address = format!("{name}@example.org");
    json!({ "userName": address, "displayName": name, "emails": [{ "value": address }] })
}

pub async fn make(scim: &Client, body: &Value) -> (String, String) {
    let made = scim.post(USERS, body).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    (format!("{USERS}/{id}"), id)
}

pub async fn group(scim: &Client, name: &str, members: &[&str]) -> String {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let made = scim.post(GROUPS, &json!({ "displayName": name, "members": members })).await;
    format!("{GROUPS}/{}", made.expect(201)["id"].as_str().unwrap())
}

async fn found(scim: &Client, path: &str, filter: &str) -> Vec<String> {
    let list = scim.get(&format!("{path}?filter={}", escape(filter))).await.expect(200);
    let resources = list["Resources"].as_array().unwrap();
    assert_eq!(list["totalResults"], resources.len(), "{list}");
    let name = |one: &Value| one["displayName"].as_str().unwrap_or_default().to_owned();
    resources.iter().map(name).collect()
}

#[tokio::test]
async fn entra_id_provisions_changes_and_removes_somebody() {
    let acme = Provisioned::start().await;
    let scim = &acme.scim;
    // "Test connection": somebody whom nobody has.
    assert!(found(scim, USERS, "userName eq \"a5bf-nobody\"").await.is_empty());
    assert!(found(scim, USERS, "externalId eq \"0f3c-KIM\"").await.is_empty());
    let answer = scim.post(USERS, &kim()).await;
    let made = answer.expect(201);
    let id = made["id"].as_str().unwrap();
    let one = format!("{USERS}/{id}");
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.header("location"), made["meta"]["location"]);
    assert!(answer.header("location").ends_with(&one));
    assert_eq!(answer.header("etag"), made["meta"]["version"]);
    assert_eq!(made["roles"], json!([{ "value": "viewer", "primary": true }]));
    let member = acme.member(id).await;
    assert_eq!(
        (&member["name"], &member["email"]),
        (&json!("Kim Ruiz"), &json!("kim@example.org"))
    );
    assert_eq!((&member["role"], &member["state"]), (&json!("viewer"), &json!("active")));
    // Capitals do not matter in a userName, they do in an externalId.
    assert_eq!(found(scim, USERS, "USERNAME EQ \"KIM@example.org\"").await, ["Kim Ruiz"]);
    assert!(found(scim, USERS, "externalId eq \"0f3c-kim\"").await.is_empty());
    let by_address = "emails[type eq \"work\"].value eq \"kim@example.org\"";
    assert_eq!(found(scim, USERS, by_address).await, ["Kim Ruiz"]);

    let changes = json!([
        { "op": "Replace", "path": "displayName", "value": "Kim R." },
        { "op": "Add", "path": "emails[type eq \"home\"].value", "value": "home@kim.example" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ruiz@example.org" },
        { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales" },
        { "op": "Replace", "value": { "name.givenName": "Kimberley", "title": "Clerk" } }
    ]);
    let changed = patch(scim, &one, changes).await.expect(200);
    assert_eq!(changed["name"], json!({ "givenName": "Kimberley", "familyName": "Ruiz" }));
    assert_eq!(changed["emails"].as_array().unwrap().len(), 2);
    let member = acme.member(id).await;
    assert_eq!((&member["name"], &member["email"]), (&json!("Kim R."), &json!("ruiz@example.org")));

    // Truths as texts.
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    assert_eq!(patch(scim, &one, off).await.expect(200)["active"], false);
    assert_eq!(acme.member(id).await["state"], "disabled");
    let on = json!([{ "op": "Replace", "value": { "active": "True" } }]);
    assert_eq!(patch(scim, &one, on).await.expect(200)["active"], true);
    assert_eq!(acme.member(id).await["state"], "active");

    scim.delete(&one).await.expect(204);
    refused(&scim.get(&one).await, 404, None);
    refused(&scim.delete(&one).await, 404, None);
    assert_eq!(acme.member(id).await["state"], "disabled");
    let actions = acme.actions(id).await;
    let expected = [
        "user.created",
        "user.updated",
        "email.changed",
        "user.updated",
        "user.updated",
        "user.disabled",
        "user.updated",
        "user.enabled",
        "user.disabled",
        "user.updated",
    ];
    assert_eq!(actions, expected);
    let entries = acme.owner.entries("acme").await;
    let disabled = entries.iter().find(|entry| entry["action"] == "user.disabled").unwrap();
    assert_eq!(disabled["actor"]["name"], "Identity provider");
    assert!(!entries.iter().any(|entry| entry.to_string().contains("ruiz@example.org")));

    // They come back as the same member: by the address that they had last.
    let mut back = kim();
    back["emails"][0]["value"] = "ruiz@example.org".into();
    let (_, again) = make(scim, &back).await;
    assert_eq!(again, id);
    assert_eq!(acme.member(id).await["state"], "active");
}

#[tokio::test]
async fn okta_replaces_whole_people_and_deactivates_them() {
    let acme = Provisioned::start().await;
    let scim = &acme.scim;
    let list = scim
        .get(&format!(
            "{USERS}?filter=userName%20eq%20%22lee%40example.org%22&startIndex=1&count=100"
        ))
        .await;
    assert_eq!(list.expect(200)["totalResults"], 0);
    let new = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "lee@example.org",
        "name": { "givenName": "Lee", "familyName": "Park" },
        "emails": [{ "primary": true, "value": "lee@example.org", "type": "work" }],
        "displayName": "Lee Park", "locale": "en-US", "externalId": "00u1", "groups": [],
        "password": "a password that is not kept", "active": true
    });
    let answer = scim.post(USERS, &new).await;
    let mut whole = answer.expect(201);
    assert!(whole.get("password").is_none() && whole.get("groups").is_none(), "{whole}");
    let (id, tag) = (whole["id"].as_str().unwrap().to_owned(), answer.header("etag").to_owned());
    let one = format!("{USERS}/{id}");
    whole["name"]["familyName"] = "Parker".into();
    whole["displayName"] = "Lee Parker".into();
    let changed = send(scim, Method::PUT, &one, &whole, &tag).await;
    assert_eq!(changed.expect(200)["displayName"], "Lee Parker");
    assert_ne!(changed.header("etag"), tag);
    // Who has not seen the latest version changes nothing.
    refused(&send(scim, Method::PUT, &one, &whole, &tag).await, 412, None);
    let stale = json!({ "Operations": [{ "op": "replace", "value": { "active": false } }] });
    refused(&send(scim, Method::PATCH, &one, &stale, &tag).await, 412, None);
    let request = scim.request(Method::DELETE, &one).header("if-match", &tag);
    refused(&Answer::to(request).await, 412, None);
    let request = scim.request(Method::GET, &one).header("if-none-match", changed.header("etag"));
    let same = Answer::to(request).await;
    assert_eq!((same.status, same.body.as_str()), (304, ""));
    let off = send(scim, Method::PATCH, &one, &stale, changed.header("etag")).await;
    assert_eq!(off.expect(200)["active"], false);
    // What a whole resource does not say about being active stays.
    whole.as_object_mut().unwrap().remove("active");
    assert_eq!(put(scim, &one, &whole).await.expect(200)["active"], false);
    assert_eq!(acme.member(&id).await["state"], "disabled");

    let sales = group(scim, "Sales", &[&id]).await;
    let renamed = json!([{ "op": "replace", "value": { "id": "x", "displayName": "Sales EU" } }]);
    assert_eq!(patch(scim, &sales, renamed).await.status, 204);
    let remove = format!("members[value eq \"{id}\"]");
    assert_eq!(patch(scim, &sales, json!([{ "op": "remove", "path": remove }])).await.status, 204);
    let now = scim.get(&sales).await.expect(200);
    assert_eq!((&now["displayName"], now.get("members")), (&json!("Sales EU"), None));
}

#[tokio::test]
async fn groups_give_roles_by_the_first_rule_that_fits() {
    let acme = Provisioned::start().await;
    let scim = &acme.scim;
    acme.settle(json!({
        "rules": [{ "group": "admins", "role": "admin" }, { "group": "Staff", "role": "operator" }],
        "domains": ["example.org"]
    }))
    .await;
    // Without a default role nobody gets in by being there alone.
    let (one, id) = make(scim, &kim()).await;
    assert_eq!(scim.get(&one).await.expect(200)["active"], true);
    assert_eq!(acme.member(&id).await["state"], "disabled");
    let staff = group(scim, "staff", &[&id]).await;
    let member = acme.member(&id).await;
    assert_eq!((&member["role"], &member["state"]), (&json!("operator"), &json!("active")));
    let admins = group(scim, "Admins", &[]).await;
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]);
    assert_eq!(patch(scim, &admins, add).await.status, 204);
    assert_eq!(acme.member(&id).await["role"], "admin");
    let shown = scim.get(&one).await.expect(200);
    let names: Vec<_> =
        shown["groups"].as_array().unwrap().iter().map(|group| group["display"].clone()).collect();
    assert_eq!(names, ["staff", "Admins"]);
    // As Entra ID takes people out.
    let out = json!([{ "op": "Remove", "path": "members", "value": [{ "value": id }] }]);
    assert_eq!(patch(scim, &admins, out).await.status, 204);
    assert_eq!(acme.member(&id).await["role"], "operator");
    // A rule that changes counts at once, and so does a group that goes.
    acme.settle(
        json!({ "rules": [{ "group": "staff", "role": "auditor" }], "domains": ["example.org"] }),
    )
    .await;
    assert_eq!(acme.member(&id).await["role"], "auditor");
    scim.delete(&staff).await.expect(204);
    assert_eq!(acme.member(&id).await["state"], "disabled");
    let entries = acme.owner.entries("acme").await;
    let roles = entries.iter().filter(|entry| entry["action"] == "role.changed");
    let roles: Vec<_> = roles.map(|entry| entry["changes"]["role"].clone()).collect();
    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    assert_eq!(
        roles,
        [
            change("viewer", "operator"),
            change("operator", "admin"),
            change("admin", "operator"),
            change("operator", "auditor"),
        ]
    );
}

#[tokio::test]
async fn filters_find_what_they_say_and_hostile_ones_cost_nothing() {
    let acme = Provisioned::start().await;
    let scim = &acme.scim;
    for name in ["ann", "ben", "cleo"] {
        make(scim, &person(name)).await;
    }
    let cases: [(&str, &[&str]); 12] = [
        ("displayName eq \"BEN\"", &["ben"]),
        ("emails.value eq \"ben@example.org\"", &["ben"]),
        ("emails[value sw \"c\"]", &["cleo"]),
        ("displayName co \"n\" and not (userName sw \"ann\")", &["ben"]),
        ("displayName eq \"ann\" or displayName eq \"ben\" and active eq false", &["ann"]),
        ("(displayName eq \"ann\" or displayName eq \"ben\") and active eq true", &["ann", "ben"]),
        ("externalId pr", &[]),
        ("displayName gt \"ann\"", &["ben", "cleo"]),
        ("displayName ne \"ann\" and displayName le \"ben\"", &["ben"]),
        ("active eq \"True\" and displayName ew \"o\"", &["cleo"]),
        ("meta.created ge \"2020-01-01T00:00:00Z\" and userName eq \"ann@example.org\"", &["ann"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ann@example.org\"", &["ann"]),
    ];
    for (filter, names) in cases {
        assert_eq!(found(scim, USERS, filter).await, *names, "{filter}");
    }
    let deep = format!("{}active eq true{}", "not (".repeat(200), ")".repeat(200));
    let long = format!("userName eq \"{}\"", "x".repeat(3_000));
    let hostile = [
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName eq \"x",
        "(userName pr",
        "a.b.c pr",
        "userName eq \"x\" and",
        "userName like \"x\"",
        "active gt true",
        "' or 1=1 --",
        &deep,
        &long,
    ];
    for filter in hostile {
        let answer = scim.get(&format!("{USERS}?filter={}", escape(filter))).await;
        refused(&answer, 400, Some("invalidFilter"));
    }
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "displayName eq \"ann\"", "attributes": ["userName"], "count": 1
    });
    let answer = scim.post(&format!("{USERS}/.search"), &search).await.expect(200);
    let one = &answer["Resources"][0];
    let names: Vec<_> = one.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["id", "schemas", "userName"]);
}

#[tokio::test]
async fn a_change_is_made_as_a_whole_or_not_at_all() {
    let acme = Provisioned::start().await;
    let (one, _) = make(&acme.scim, &kim()).await;
    let before = acme.scim.get(&one).await.expect(200);
    for (last, kind) in [
        (
            json!({ "op": "replace", "path": "emails[type eq \"fax\"].value", "value": "x" }),
            "noTarget",
        ),
        (json!({ "op": "remove" }), "noTarget"),
        (json!({ "op": "replace", "path": "emails[type", "value": "x" }), "invalidPath"),
        (json!({ "op": "replace", "path": "active", "value": "perhaps" }), "invalidValue"),
        (json!({ "op": "remove", "path": "userName" }), "invalidValue"),
        (json!({ "op": "move", "path": "userName" }), "invalidSyntax"),
    ] {
        let first = json!({ "op": "replace", "path": "displayName", "value": "Half" });
        let answer = patch(&acme.scim, &one, json!([first, last])).await;
        refused(&answer, 400, Some(kind));
    }
    assert_eq!(acme.scim.get(&one).await.expect(200), before);
    refused(&acme.scim.post_bytes(USERS, b"{".to_vec()).await, 400, Some("invalidSyntax"));
    refused(&acme.scim.post_bytes(USERS, b"[]".to_vec()).await, 400, Some("invalidSyntax"));
    refused(
        &acme.scim.post(USERS, &json!({ "userName": "no address" })).await,
        400,
        Some("invalidValue"),
    );
    refused(
        &acme.scim.post(USERS, &json!({ "displayName": "x" })).await,
        400,
        Some("invalidValue"),
    );
}

#[tokio::test]
async fn a_flood_is_told_so_in_the_words_of_the_protocol() {
    let acme = Provisioned::with(&[("STRONGROOM_LIMITS__API_PER_MINUTE", "20")]).await;
    for _ in 0..30 {
        let answer = acme.scim.get("/scim/v2/ServiceProviderConfig").await;
        if answer.status != 200 {
            refused(&answer, 429, None);
            assert!(!answer.header("retry-after").is_empty());
            return;
        }
    }
    panic!("nothing bounds it");
}

#[tokio::test]
async fn the_server_says_what_it_can_do() {
    let acme = Provisioned::start().await;
    let config = acme.scim.get("/scim/v2/ServiceProviderConfig").await.expect(200);
    assert_eq!(
        (&config["patch"]["supported"], &config["bulk"]["supported"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(config["filter"]["maxResults"], 200);
    for list in ["/scim/v2/ResourceTypes", "/scim/v2/Schemas"] {
        let all = acme.scim.get(list).await.expect(200);
        assert_eq!(all["totalResults"], 2);
        for one in all["Resources"].as_array().unwrap() {
            let path = format!("{list}/{}", one["id"].as_str().unwrap());
            assert_eq!(acme.scim.get(&path).await.expect(200), *one);
        }
        refused(&acme.scim.get(&format!("{list}/Printer")).await, 404, None);
    }
}

/// People in the large tenant; `STRONGROOM_TEST_PEOPLE` says how many, to measure.
fn many() -> usize {
    let asked = std::env::var("STRONGROOM_TEST_PEOPLE").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(450)
}

#[tokio::test]
async fn a_large_tenant_is_paged_and_its_groups_stay_manageable() {
    let acme = Provisioned::with(&[("STRONGROOM_LIMITS__API_PER_MINUTE", "0")]).await;
    let many = many();
    acme.settle(json!({
        "rules": [{ "group": "all", "role": "operator" }],
        "defaultRole": "viewer", "domains": ["example.org"]
    }))
    .await;
    let scim = &acme.scim;
    let made = futures_util::stream::iter(0..many)
        .map(|n| async move { make(scim, &person(&format!("p{n:05}"))).await.1 });
    let ids: Vec<String> = made.buffer_unordered(32).collect().await;
    let began = Instant::now();
    let mut seen = std::collections::BTreeSet::new();
    let mut start = 1;
    while seen.len() < many {
        let page = scim.get(&format!("{USERS}?startIndex={start}&count=1000")).await.expect(200);
        let resources = page["Resources"].as_array().unwrap();
        assert!(!resources.is_empty() && resources.len() <= 200, "{}", resources.len());
        assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(many), &json!(start)));
        seen.extend(resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        start += resources.len();
    }
    println!("paged through {many} in {:?}", began.elapsed());
    assert_eq!(scim.get(&format!("{USERS}?count=0")).await.expect(200)["Resources"], json!([]));
    let last = scim.get(&format!("{USERS}?startIndex={}", many + 1)).await.expect(200);
    assert_eq!((&last["totalResults"], &last["itemsPerPage"]), (&json!(many), &json!(0)));
    let began = Instant::now();
    let some =
        scim.get(&format!("{USERS}?filter=displayName%20ew%20%2207%22&count=1")).await.expect(200);
    assert_eq!(
        (some["totalResults"].as_u64(), &some["itemsPerPage"]),
        (Some(many.div_ceil(100) as u64), &json!(1))
    );
    println!("scanned {many} in {:?}", began.elapsed());

    let all = group(scim, "all", &[]).await;
    let value: Vec<_> = ids.iter().map(|id| json!({ "value": id })).collect();
    let began = Instant::now();
    let add = json!([{ "op": "add", "path": "members", "value": value }]);
    assert_eq!(patch(scim, &all, add).await.status, 204);
    println!("added {many} in {:?}", began.elapsed());
    assert_eq!(acme.member(&ids[0]).await["role"], "operator");
    let whole = scim.get(&all).await.expect(200);
    assert_eq!(whole["members"].as_array().unwrap().len(), many);
    let small = scim.get(&format!("{GROUPS}?excludedAttributes=members")).await.expect(200);
    assert!(small["Resources"][0].get("members").is_none());
    assert_eq!(found(scim, GROUPS, &format!("members eq \"{}\"", ids[1])).await, ["all"]);
    let began = Instant::now();
    let replace = json!([{ "op": "replace", "path": "members", "value": [{ "value": ids[2] }] }]);
    assert_eq!(patch(scim, &all, replace).await.status, 204);
    println!("removed {} in {:?}", many - 1, began.elapsed());
    assert_eq!(acme.member(&ids[0]).await["role"], "viewer");
    assert_eq!(acme.member(&ids[2]).await["role"], "operator");
}

#[tokio::test]
async fn each_role_provisions_as_far_as_it_may_and_people_do_not() {
    let acme = Provisioned::start().await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    for role in Role::TENANT {
        let client = acme.app.client(acme.app.key("acme", role.name()));
        for route in routes().iter().filter(|route| route.surface == Surface::Scim) {
            let Access::Permission(flag) = route.access else { panic!("{}", route.label()) };
            let method = Method::from_bytes(route.method.name().as_bytes()).unwrap();
            let path = route.path.replace("{id}", nobody);
            let answer = Answer::to(client.request(method, &path)).await;
            let may = role.permissions().has(flag);
            assert_eq!(answer.status != 403, may, "{role} on {}: {}", route.label(), answer.body);
            assert!(answer.status < 500, "{role} on {}: {}", route.label(), answer.body);
        }
    }
    // A person's token could not be asked for a fresh factor here.
    let create = ["user", "create", "--tenant", "acme", "--password-stdin", "--role", "viewer"];
    acme.app.cli(&[&create[..], &["pat@example.net"]].concat(), PASSWORD);
    let asked = json!({ "email": "pat@example.net", "password": PASSWORD });
    let tokens = acme.app.anonymous().post("/api/v1/auth/acme/token", &asked).await.expect(200);
    let person = acme.app.client(tokens["accessToken"].as_str().unwrap());
    refused(&person.get(USERS).await, 403, None);
}

#[tokio::test]
async fn the_page_sets_rules_in_their_order_and_says_what_is_wrong() {
    let acme = Provisioned::start().await;
    let page = "/t/acme/admin/scim";
    let owner = acme.app.session("acme", OWNER, PASSWORD).await;
    let shown = owner.get(page).await;
    assert!(shown.body.contains("/scim/v2\"") && shown.body.contains("/keys?scope=scim.provision"));
    let picked = owner.get("/t/acme/keys?scope=scim.provision").await.body;
    let ticked = picked.split("value=\"scim.provision\"").nth(1).unwrap();
    assert!(ticked.starts_with(" checked"), "{}", &ticked[..40]);
    let fields = [
        ("rule_order", "2"),
        ("rule_group", "Staff"),
        ("rule_role", "operator"),
        ("rule_order", "1"),
        ("rule_group", "Admins"),
        ("rule_role", "admin"),
        ("rule_order", "3"),
        ("rule_group", ""),
        ("rule_role", "admin"),
        ("default_role", ""),
        ("domains", "example.org\nexample.net"),
    ];
    let saved = owner.submit(page, page, &fields).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, "/t/acme/admin/scim?notice=settings-saved")
    );
    let now = acme.owner.get(SETTINGS).await.expect(200);
    assert_eq!(
        now["rules"],
        json!([{ "group": "Admins", "role": "admin" }, { "group": "Staff", "role": "operator" }])
    );
    assert_eq!(
        (&now["defaultRole"], &now["domains"]),
        (&Value::Null, &json!(["example.net", "example.org"]))
    );
    let wrong = owner.submit(page, page, &[("domains", "nowhere")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("such as example.org"), "{}", wrong.body);
    let roleless = [("rule_order", "1"), ("rule_group", "Guests"), ("rule_role", "")];
    let refused = owner.submit(page, page, &roleless).await;
    assert_eq!(refused.status, 422);
    for words in ["Guests", "id=\"f-role-1-error\"", "Choose a role"] {
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
    }
    // An administrator looks on.
    let create = ["user", "create", "--tenant", "acme", "--password-stdin", "--role", "admin"];
    acme.app.cli(&[&create[..], &["ada@example.net"]].concat(), PASSWORD);
    let ada = acme.app.session("acme", "ada@example.net", PASSWORD).await;
    let shown = ada.get(page).await;
    assert!(shown.status == 200 && !shown.body.contains("type=\"submit\">Save"), "{}", shown.body);
    let put = json!({ "domains": [] });
    let admin = acme.app.client(acme.app.key("acme", "admin"));
    self::put(&admin, SETTINGS, &put).await.problem(403, "forbidden");
}
