//! Pages for identity providers: an officer adds one, tries it out and turns it on, without script.

use serde_json::{Value, json};

use crate::app::{OWNER, PASSWORD, TestApp};
use crate::client::{Answer, Session};
use crate::oidc_provider::{ALLOWED, CLIENT, OidcProvider, SECRET};

const LIST: &str = "/t/acme/admin/sso";
const NEW: &str = "/t/acme/admin/sso/new";

/// The certificate of somebody's key, as PEM.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    certificate.pem()
}

/// The page of a provider, from where a form about it led.
fn page_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let to = answer.header("location").split('?').next().unwrap_or_default();
    to.strip_suffix("/test").unwrap_or(to).to_owned()
}

/// Adds a SAML provider that is typed in.
async fn typed_in(owner: &Session, name: &str, pem: &str) -> Answer {
    let form = format!("{NEW}?preset=keycloak&kind=saml-hand");
    let fields = [
        ("kind", "saml-hand"),
        ("preset", "keycloak"),
        ("name", name),
        ("domains", "example.org"),
        ("entity_id", "https://sso.example.org/realms/acme"),
        ("sign_in_url", "https://sso.example.org/realms/acme/protocol/saml"),
        ("certificates", pem),
        ("name_id", "persistent"),
        ("skew", "60"),
        ("sign_requests", "on"),
    ];
    owner.submit(&form, NEW, &fields).await
}

/// Adds a provider that cannot be asked, and tries it out. Gives the report's page.
pub async fn refused_report(owner: &Session) -> String {
    let made = typed_in(owner, "A Keycloak", &certificate()).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let issuer = "https://idp.example.org";
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    let document = document.to_string();
    let fields = [
        ("kind", "oidc"),
        ("preset", "other"),
        ("name", "An OpenID provider"),
        ("domains", "example.com"),
        ("issuer", issuer),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("discovery", "document"),
        ("document", document.as_str()),
        ("keys", r#"{"keys":[]}"#),
        ("skew", "60"),
        ("scopes", "email profile"),
    ];
    let made = owner.submit(&format!("{NEW}?preset=other&kind=oidc"), NEW, &fields).await;
    let here = page_of(&made);
    let id = here.rsplit('/').next().unwrap_or_default();
    let sent = owner.get(&format!("/t/acme/sso/{id}?for=test")).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    // A provider without keys is not even asked.
    sent.header("location").to_owned()
}

#[tokio::test]
async fn an_officer_adds_a_provider_tries_it_out_and_turns_it_on() {
    let app = TestApp::with(&[ALLOWED]);
    app.tenant("acme");
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let okta = OidcProvider::start(&app, "acme");
    let choose = owner.get(NEW).await.body;
    assert!(choose.contains("Google Workspace") && choose.contains("metadata"), "{choose}");

    let form = format!("{NEW}?preset=okta&kind=oidc");
    let help = owner.get(&form).await.body;
    assert!(help.contains("Comes with the next page") && help.contains("Sign-in redirect URIs"));
    let fields = [
        ("kind", "oidc"),
        ("preset", "okta"),
        ("name", "Okta"),
        ("domains", "@Example.org"),
        ("issuer", &okta.issuer),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("authorities", &okta.authority),
        ("scopes", "openid email profile"),
        ("skew", "60"),
    ];
    let made = owner.submit(&form, NEW, &fields).await;
    assert!(made.header("location").contains("/test?notice=provider-created"));
    let here = page_of(&made);
    let id = here.rsplit('/').next().unwrap_or_default();
    let redirect = format!("{}/t/acme/oidc/callback/{id}", app.server.url);
    let next = owner.get(made.header("location")).await.body;
    assert!(next.contains(&redirect) && next.contains("Sign-in redirect URIs"), "{next}");
    let page = owner.get(&here).await.body;
    assert!(page.contains(&redirect), "{page}");
    assert!(page.contains("This provider is off") && page.contains("example.org"), "{page}");
    assert!(!page.contains(SECRET), "{page}");

    // Nobody becomes a member by it until somebody says with which role.
    let start = format!("/t/acme/sso/{id}?for=test");
    let report = owner.get(&okta.callback(&owner, &start).await).await;
    let report = owner.get(report.header("location")).await;
    assert_eq!(report.status, 200, "{}", report.body);
    for words in [
        "The person is no member",
        "Make new people members",
        "new people are not made members",
        &format!("{here}/people\">Change who gets in"),
        "kim@example.org",
    ] {
        assert!(report.body.contains(words), "{words}: {}", report.body);
    }

    let people = format!("{here}/people");
    let fields = [
        ("domains", "example.org"),
        ("create", "on"),
        ("rule_attribute", "groups"),
        ("rule_value", "staff"),
        ("rule_role", "viewer"),
        ("session_hours", "9"),
    ];
    let saved = owner.submit(&people, &people, &fields).await;
    assert_eq!(page_of(&saved), here);
    let report = owner.get(&okta.callback(&owner, &start).await).await;
    let report = owner.get(report.header("location")).await.body;
    assert!(report.contains("Everything was as it should be"), "{report}");
    assert!(report.contains("ID token"), "{report}");

    let on = owner.submit(&here, &format!("{here}/on"), &[]).await;
    assert!(on.header("location").ends_with("notice=provider-on"), "{}", on.body);
    let somebody = Session::new(&app.server.url, app.data());
    assert_eq!(okta.sign_in_by(&somebody, "acme", id).await.status, 303);
    assert_eq!(somebody.get("/t/acme/").await.status, 200);
    let account = somebody.get("/t/acme/account/second-factor").await.body;
    assert!(!account.contains("Your password"), "{account}");
    let account = somebody.get("/t/acme/account").await.body;
    let kim = account.split("class=\"hash\" title=\"").nth(1).unwrap().split('"').next().unwrap();
    let list = owner.get(LIST).await.body;
    assert!(list.contains("Okta") && list.contains("<time"), "{list}");

    // What was made by this provider ends with it.
    let off = owner.submit(&here, &format!("{here}/off"), &[]).await;
    assert_eq!(off.status, 303);
    assert_eq!(somebody.get("/t/acme/").await.status, 303);

    // Their page says by which provider they come, and an owner ends that.
    let member = format!("/t/acme/members/{kim}");
    let shown = owner.get(&member).await.body;
    assert!(shown.contains("Unlink from Okta"), "{shown}");
    let unlink = format!("{member}/providers/{id}/unlink");
    let done = owner.submit(&member, &unlink, &[]).await;
    assert!(done.header("location").ends_with("notice=member-unlinked"), "{}", done.body);
    let shown = owner.get(&member).await.body;
    assert!(!shown.contains("Unlink from"), "{shown}");
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_lost_but_secrets() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let refused = typed_in(&owner, "Keycloak of \"Acme\"", "nonsense").await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("one certificate in PEM form"), "{}", refused.body);
    for kept in ["Keycloak of &#34;Acme&#34;", "https://sso.example.org/realms/acme", "nonsense"] {
        assert!(refused.body.contains(kept), "{kept} is gone: {}", refused.body);
    }
    let fields = [
        ("kind", "oidc"),
        ("preset", "other"),
        ("name", "Else"),
        ("domains", "example.org"),
        ("issuer", "http://idp.example.org"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("skew", "60"),
    ];
    let refused = owner.submit(&format!("{NEW}?preset=other&kind=oidc"), NEW, &fields).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("An address that begins with https://"), "{}", refused.body);
    assert!(refused.body.contains("Please type it again"), "{}", refused.body);
    assert!(!refused.body.contains(SECRET), "{}", refused.body);
    let by_hand = format!("{NEW}?preset=other&kind=saml-xml");
    let refused = owner.submit(
        &by_hand,
        NEW,
        &[
            ("kind", "saml-xml"),
            ("preset", "other"),
            ("name", "Else"),
            ("domains", "example.org"),
            ("metadata", "<html>no metadata</html>"),
            ("skew", "60"),
        ],
    );
    let refused = refused.await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("f-metadata-error"), "{}", refused.body);
}

#[tokio::test]
async fn rules_are_put_in_order_by_buttons_and_count_when_they_are_saved() {
    let (app, token) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let here = page_of(&typed_in(&owner, "Keycloak", &certificate()).await);
    let people = format!("{here}/people");
    let rules = [
        ("domains", "example.org"),
        ("rule_attribute", "Role"),
        ("rule_value", "staff"),
        ("rule_role", "viewer"),
        ("rule_attribute", "Role"),
        ("rule_value", "officers"),
        ("rule_role", "admin"),
    ];
    let moved = [&rules[..], &[("act", "up-2")]].concat();
    let page = owner.submit(&people, &format!("{here}/rules"), &moved).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (first, second) = (page.body.find("\"officers\""), page.body.find("\"staff\""));
    assert!(first < second && first.is_some(), "{}", page.body);
    assert!(page.body.contains("Not saved yet"), "{}", page.body);
    let list = app.client(token.clone()).get("/api/v1/identity-providers/acme").await.expect(200);
    assert_eq!(list["items"][0]["settings"]["provisioning"]["rules"], json!([]), "{list}");

    let unfinished = [&rules[..], &[("rule_attribute", "Role"), ("rule_value", "x")]].concat();
    let refused = owner.submit(&people, &people, &unfinished).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(page_of(&owner.submit(&people, &people, &rules).await), here);
    let list = app.client(token).get("/api/v1/identity-providers/acme").await.expect(200);
    let saved: Vec<&Value> =
        list["items"][0]["settings"]["provisioning"]["rules"].as_array().unwrap().iter().collect();
    assert_eq!(saved.len(), 2, "{list}");
    assert_eq!(saved[1]["value"], "officers", "{list}");
}

#[tokio::test]
async fn a_provider_is_removed_by_typing_its_name() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let here = page_of(&typed_in(&owner, "Keycloak", &certificate()).await);
    let delete = format!("{here}/delete");
    let refused = owner.submit(&here, &delete, &[("confirm", "keycloak")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let gone = owner.submit(&here, &delete, &[("confirm", "Keycloak")]).await;
    assert!(gone.header("location").ends_with("notice=provider-deleted"), "{}", gone.body);
    assert_eq!(owner.get(&here).await.status, 404);
}

#[tokio::test]
async fn keys_are_replaced_in_four_steps_that_the_page_leads_through() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let keys = format!("{LIST}/keys");
    assert_eq!(owner.get("/t/acme/saml/metadata").await.status, 200);
    let made = owner.submit(&keys, &keys, &[]).await;
    assert!(made.header("location").ends_with("notice=sso-key-made"), "{}", made.body);
    let page = owner.get(&keys).await.body;
    let next = page.split("/use\"").next().and_then(|before| before.rsplit('/').next());
    let next = next.unwrap_or_else(|| panic!("{page}")).to_owned();
    let used = owner.submit(&keys, &format!("{keys}/{next}/use"), &[]).await;
    assert!(used.header("location").ends_with("notice=sso-key-used"), "{}", used.body);
    let page = owner.get(&keys).await.body;
    let former = page.split("/remove\"").next().and_then(|before| before.rsplit('/').next());
    let former = former.unwrap_or_else(|| panic!("{page}")).to_owned();
    assert_ne!(former, next);
    let removed = owner.submit(&keys, &format!("{keys}/{former}/remove"), &[]).await;
    assert!(removed.header("location").ends_with("notice=sso-key-removed"), "{}", removed.body);
}

#[tokio::test]
async fn whoever_may_only_look_sees_no_buttons_and_changes_nothing() {
    let (app, _) = TestApp::with_tenant();
    let owner = app.session("acme", OWNER, PASSWORD).await;
    let here = page_of(&typed_in(&owner, "Keycloak", &certificate()).await);
    let create = ["user", "create", "--tenant", "acme", "--role", "auditor", "--password-stdin"];
    app.cli(&[&create[..], &["ada@example.org"]].concat(), PASSWORD);
    let auditor = app.session("acme", "ada@example.org", PASSWORD).await;
    let page = auditor.get(&here).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(!page.body.contains("/delete\"") && !page.body.contains("/on\""), "{}", page.body);
    let refused = auditor.submit(&here, &format!("{here}/on"), &[]).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(auditor.get(NEW).await.status, 403);
}
