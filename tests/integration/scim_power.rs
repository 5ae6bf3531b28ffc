//! What a key for provisioning has no power over, and what its word ends at once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{OWNER, PASSWORD};
use crate::scim::{
    GROUPS, Provisioned, SETTINGS, USERS, group, kim, make, patch, person, put, refused,
};
use crate::tail::{TAIL, next, open_here, signed_in};

#[tokio::test]
async fn a_stolen_key_takes_nobody_over() {
    let acme = Provisioned::start().await;
    let scim = &acme.scim;
    let create = ["user", "create", "--tenant", "acme", "--password-stdin"];
    acme.app.cli(&[&create[..], &["--role", "admin", "ada@example.org"]].concat(), PASSWORD);
    acme.app.cli(&[&create[..], &["--role", "viewer", "vic@example.org"]].concat(), PASSWORD);
    acme.app.cli(&[&create[..], &["--role", "viewer", "vic@elsewhere.example"]].concat(), PASSWORD);
    let members = acme.owner.list("/api/v1/users/acme").await;
    let id = |email: &str| {
        let found = members.iter().find(|member| member["email"] == email).unwrap();
        found["id"].as_str().unwrap().to_owned()
    };
    // It sees nobody but those whom it keeps.
    assert_eq!(scim.get(USERS).await.expect(200)["totalResults"], 0);
    for email in [OWNER, "ada@example.org", "vic@example.org"] {
        let one = format!("{USERS}/{}", id(email));
        refused(&scim.get(&one).await, 404, None);
        refused(&put(scim, &one, &kim()).await, 404, None);
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        refused(&patch(scim, &one, off).await, 404, None);
        refused(&scim.delete(&one).await, 404, None);
        let into = json!({ "displayName": "Mine", "members": [{ "value": id(email) }] });
        refused(&scim.post(GROUPS, &into).await, 400, Some("invalidValue"));
    }
    // Nobody mightier than the rules could make somebody is taken over, nor anybody of a domain that
    // nobody has trusted it with.
    refused(&scim.post(USERS, &person("owner")).await, 409, Some("uniqueness"));
    refused(&scim.post(USERS, &person("ada")).await, 409, Some("uniqueness"));
    let elsewhere = json!({ "userName": "vic@elsewhere.example" });
    refused(&scim.post(USERS, &elsewhere).await, 400, Some("invalidValue"));
    let (one, vic) = make(scim, &person("vic")).await;
    assert_eq!(vic, id("vic@example.org"));
    refused(&scim.post(USERS, &person("vic")).await, 409, Some("uniqueness"));
    // Nor does a new address make somebody theirs.
    let new =
        |value: &str| json!([{ "op": "replace", "path": "emails", "value": [{ "value": value }] }]);
    refused(&patch(scim, &one, new("thief@evil.example")).await, 400, Some("invalidValue"));
    refused(&patch(scim, &one, new("ada@example.org")).await, 409, Some("uniqueness"));
    assert_eq!(acme.member(&vic).await["email"], "vic@example.org");
    // Ids, groups and passwords are not theirs to set.
    let path = |path: &str| json!([{ "op": "add", "path": path, "value": "x" }]);
    refused(&patch(scim, &one, path("id")).await, 400, Some("mutability"));
    refused(&patch(scim, &one, path("groups")).await, 400, Some("mutability"));
    refused(&patch(scim, &one, path("isOwner")).await, 400, Some("invalidPath"));
    assert_eq!(patch(scim, &one, path("password")).await.status, 200);
    // Somebody whom a person has made mightier is out of reach from then on.
    let role = format!("/api/v1/users/acme/{vic}/role");
    put(&acme.owner, &role, &json!({ "role": "admin" })).await.expect(200);
    refused(&patch(scim, &one, new("vic2@example.org")).await, 403, None);
    refused(&scim.delete(&one).await, 403, None);
    let all = group(scim, "Everybody", &[&vic]).await;
    scim.delete(&all).await.expect(204);
    assert_eq!(acme.member(&vic).await["role"], "admin");
    // What an administrator has disabled stays so.
    put(&acme.owner, &role, &json!({ "role": "viewer" })).await.expect(200);
    acme.owner.post_empty(&format!("/api/v1/users/acme/{vic}/disable")).await.expect(200);
    let on = json!([{ "op": "replace", "path": "active", "value": true }]);
    assert_eq!(patch(scim, &one, on.clone()).await.expect(200)["active"], false);
    assert_eq!(acme.member(&vic).await["state"], "disabled");
    // Also when provisioning had disabled them before.
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    acme.owner.post_empty(&format!("/api/v1/users/acme/{vic}/enable")).await.expect(200);
    patch(scim, &one, off).await.expect(200);
    for act in ["enable", "disable"] {
        acme.owner.post_empty(&format!("/api/v1/users/acme/{vic}/{act}")).await.expect(200);
    }
    patch(scim, &one, on).await.expect(200);
    assert_eq!(acme.member(&vic).await["state"], "disabled");
    // It opens nothing else.
    acme.scim.get("/api/v1/users/acme").await.problem(403, "forbidden");
    acme.scim.get(SETTINGS).await.problem(403, "forbidden");
}

#[tokio::test]
async fn the_last_owner_stays_one() {
    let acme = Provisioned::start().await;
    let rules = json!({
        "rules": [{ "group": "owners", "role": "owner" }],
        "defaultRole": "viewer", "domains": ["example.org"]
    });
    acme.settle(rules).await;
    let (one, id) = make(&acme.scim, &person("owner")).await;
    // Taken over, in no group: yet still the owner, for there is no other.
    assert_eq!(acme.member(&id).await["role"], "owner");
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    refused(&patch(&acme.scim, &one, off).await, 403, None);
    refused(&acme.scim.delete(&one).await, 403, None);
    assert_eq!(acme.member(&id).await["state"], "active");
}

#[tokio::test]
async fn with_four_eyes_nobody_is_raised_to_a_role_that_can_approve() {
    let acme = Provisioned::start().await;
    let rules = json!({
        "rules": [{ "group": "admins", "role": "admin" }],
        "defaultRole": "viewer", "domains": ["example.org"]
    });
    acme.settle(rules.clone()).await;
    let create = ["user", "create", "--tenant", "acme", "--password-stdin", "--role", "owner"];
    acme.app.cli(&[&create[..], &["second@example.net"]].concat(), PASSWORD);
    let policy = json!({
        "secondFactorForAll": false, "accessTokenMinutes": 15, "magicLinks": true,
        "passkeysAlone": true, "registration": false, "registrationDomains": [], "fourEyes": true,
    });
    put(&acme.owner, "/api/v1/settings/acme/sign-in", &policy).await.expect(200);
    let (_, id) = make(&acme.scim, &kim()).await;
    group(&acme.scim, "Admins", &[&id]).await;
    assert_eq!(acme.member(&id).await["role"], "viewer");
    let entries = acme.owner.entries("acme").await;
    let tried = entries.iter().rfind(|entry| entry["action"] == "role.changed").unwrap();
    assert_eq!(tried["outcome"], "denied");
    assert_eq!(tried["customFields"]["reason"], "second-person-needed");
    let other = json!({ "rules": [{ "group": "x", "role": "admin" }], "domains": ["example.org"] });
    put(&acme.owner, SETTINGS, &other).await.problem(422, "setting-invalid");
}

#[tokio::test]
async fn whoever_is_deactivated_is_out_at_once() {
    let acme = Provisioned::start().await;
    acme.settle(json!({ "defaultRole": "auditor", "domains": ["example.org"] })).await;
    let create = ["user", "create", "--tenant", "acme", "--password-stdin", "--role", "auditor"];
    acme.app.cli(&[&create[..], &["tim@example.org"]].concat(), PASSWORD);
    let (one, _) = make(&acme.scim, &person("tim")).await;
    let (session, cookie) = signed_in(&acme.app, "tim@example.org").await;
    let mut socket = open_here(&acme.app, TAIL, &cookie).await;
    let asked = json!({ "email": "tim@example.org", "password": PASSWORD });
    let tokens = acme.app.anonymous().post("/api/v1/auth/acme/token", &asked).await.expect(200);
    let token = acme.app.client(tokens["accessToken"].as_str().unwrap());
    token.get("/api/v1/me/acme").await.expect(200);
    assert_eq!(session.get("/t/acme/").await.status, 200);

    let began = Instant::now();
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    patch(&acme.scim, &one, off).await.expect(200);
    token.get("/api/v1/me/acme").await.problem(401, "unauthenticated");
    assert_eq!(session.get("/t/acme/").await.status, 303);
    while next(&mut socket).await.is_ok() {}
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nobody_provisions_without_the_scope_or_into_another_tenant() {
    let acme = Provisioned::start().await;
    let (one, id) = make(&acme.scim, &kim()).await;
    acme.app.tenant("globex");
    let owner = acme.app.client(acme.app.key("globex", "owner"));
    // The key says which tenant: another's sees nothing of this one.
    refused(&owner.get(&one).await, 404, None);
    assert_eq!(owner.get(USERS).await.expect(200)["totalResults"], 0);
    let into = json!({ "displayName": "x", "members": [{ "value": id }] });
    refused(&owner.post(GROUPS, &into).await, 400, Some("invalidValue"));
    let admin = acme.app.client(acme.app.key("acme", "admin"));
    for path in [USERS, GROUPS, "/scim/v2/Schemas", "/scim/v2/ServiceProviderConfig"] {
        refused(&admin.get(path).await, 403, None);
        let stranger = acme.app.anonymous().get(path).await;
        refused(&stranger, 401, None);
        assert!(stranger.header("www-authenticate").starts_with("Bearer"));
    }
    refused(&acme.scim.get("/scim/v2/Bulk").await, 404, None);
    refused(&acme.scim.post("/scim/v2/Schemas", &json!({})).await, 405, None);
    let large = vec![b' '; 80 * 1024 * 1024];
    refused(&acme.scim.post_bytes(USERS, large).await, 413, None);
    acme.app.cli(&["tenant", "freeze", "acme"], "");
    refused(&acme.scim.post(USERS, &person("ann")).await, 423, None);
}
