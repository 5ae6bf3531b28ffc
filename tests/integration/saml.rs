//! SAML against a real identity provider, over HTTP.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::browser::Browser;
use crate::client::{Answer, Client, Session};
use crate::simplesaml::{Form, Led, SimpleSaml, form};

/// A provider's page sends its form, as a browser does: first without the cookies that are kept from
/// other sites, then, from a page of ours, once more.
pub async fn from_elsewhere(browser: &Session, origin: &str, fields: &[(&str, &str)]) -> Answer {
    const ACS: &str = "/t/acme/saml/acs";
    let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
    let page = browser.post_with(ACS, fields, &headers).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("data-send-at-once"), "{}", page.body);
    let mut fields = fields.to_vec();
    fields.push(("again", "1"));
    browser.post_with(ACS, &fields, &[("sec-fetch-site", "same-origin")]).await
}

const PROVIDERS: &str = "/api/v1/identity-providers/acme";
const KEYS: &str = "/api/v1/single-sign-on/acme/keys";
/// Where the start route leads.
const START: &str = "/t/acme/sso";

/// A tenant and a provider that know each other.
struct Both {
    app: TestApp,
    idp: SimpleSaml,
    api: Client,
    provider: String,
}

impl Both {
    /// `saml` goes into the provider's settings here, `theirs` into the service's settings there.
    async fn with(saml: Value, theirs: Value) -> Self {
        let (app, idp) = (TestApp::start(), SimpleSaml::start().await);
        app.tenant("acme");
        let api = app.client(app.key("acme", "owner"));
        let mut protocol = json!({ "type": "saml" });
        protocol.as_object_mut().unwrap().extend(saml.as_object().unwrap().clone());
        let new = json!({
            "settings": {
                "name": "Company sign-in",
                "protocol": protocol,
                "mapping": { "email": ["mail"], "name": ["displayName"] },
                "provisioning": { "defaultRole": "viewer" },
                "domains": ["example.org"],
            },
            "metadata": idp.metadata().await,
        });
        let made = api.post(PROVIDERS, &new).await.expect(201);
        let provider = made["id"].as_str().unwrap().to_owned();
        let this = Self { app, idp, api, provider };
        this.change(&json!({ "state": "on" })).await;
        this.idp.learn(&this.metadata().await, &theirs);
        this
    }

    async fn usual() -> Self {
        Self::with(json!({}), json!({})).await
    }

    async fn change(&self, change: &Value) {
        let path = format!("{PROVIDERS}/{}", self.provider);
        let request = self.api.request(reqwest::Method::PATCH, &path).body(change.to_string());
        Answer::to(request.header("content-type", "application/json")).await.expect(200);
    }

    async fn metadata(&self) -> String {
        let answer = self.app.anonymous().get("/t/acme/saml/metadata").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.header("content-type").starts_with("application/samlmetadata+xml"));
        answer.body
    }

    fn browser(&self) -> Session {
        Session::new(&self.app.server.url, self.app.data())
    }

    /// To the provider and, signed in there, as far as its answer, which is not sent yet.
    async fn answer(&self, browser: &Session) -> Form {
        let sent = browser.get(&format!("{START}/{}", self.provider)).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        let answer = self.idp.walk(sent.header("location")).await.form();
        assert_eq!(answer.action, format!("{}/t/acme/saml/acs", self.app.server.url));
        answer
    }

    async fn deliver(&self, browser: &Session, answer: &Form) -> Answer {
        from_elsewhere(browser, &self.idp.url, &answer.fields()).await
    }

    async fn signed_in(&self) -> Session {
        let browser = self.browser();
        let answer = self.answer(&browser).await;
        is_in(&self.deliver(&browser, &answer).await);
        assert_eq!(browser.get("/t/acme/").await.status, 200);
        browser
    }

    /// Entries of the log of one kind, the newest first.
    async fn entries(&self, action: &str) -> Vec<Value> {
        let mut entries = self.api.entries("acme").await;
        entries.retain(|entry| entry["action"] == action);
        entries.reverse();
        entries
    }

    async fn was_refused(&self, answer: &Answer, reason: &str) {
        assert_eq!(answer.status, 403, "{}", answer.body);
        let failed = self.entries("login.failed").await;
        assert_eq!(failed[0]["customFields"]["reason"], reason, "{}", failed[0]);
        assert_eq!(failed[0]["outcome"], "failure");
    }
}

#[track_caller]
fn is_in(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (303, "/t/acme/"), "{}", answer.body);
}

/// Path and query of an address of the server.
fn path(url: &str) -> String {
    let url = reqwest::Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_and_tenant_know_each_other_by_metadata_and_people_sign_in_once_per_answer() {
    let both = Both::usual().await;
    let (browser, stranger) = (both.browser(), both.browser());
    let answer = both.answer(&browser).await;
    // Somebody else's browser is not signed in as kim, and does not use the answer up.
    both.was_refused(&both.deliver(&stranger, &answer).await, "other-browser").await;
    is_in(&both.deliver(&browser, &answer).await);
    let page = browser.get("/t/acme/").await;
    assert!(page.body.contains("Kim Doe"), "{}", page.body);
    let entry = &both.entries("session.created").await[0];
    assert_eq!(entry["customFields"]["factors"], "provider", "{entry}");
    both.was_refused(&both.deliver(&browser, &answer).await, "sign-in-over").await;

    let made = both.entries("sso_key.changed").await;
    assert_eq!((made.len(), &made[0]["customFields"]["change"]), (1, &json!("made")), "{made:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_finds_our_signature_in_order_in_addresses_and_in_forms_and_misses_it() {
    let both = Both::usual().await;
    both.signed_in().await;
    // As a form: the page sends it by itself, or by its button.
    let path = format!("{PROVIDERS}/{}", both.provider);
    let mut settings = both.api.get(&path).await.expect(200)["settings"].take();
    settings["protocol"]["signInBinding"] = "post".into();
    both.change(&json!({ "settings": settings })).await;
    both.idp.forget();
    let browser = both.browser();
    let page = browser.get(&format!("{START}/{}", both.provider)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https:"), "{policy}");
    let request = form(&page.body);
    let answer = both.idp.send(&request).await.form();
    is_in(&both.deliver(&browser, &answer).await);
    // The provider does check: it takes neither a request that was changed nor one without.
    let mut changed = form(&browser.get(&format!("{START}/{}", both.provider)).await.body);
    let xml = data_encoding::BASE64.decode(changed.field("SAMLRequest").as_bytes()).unwrap();
    let xml = String::from_utf8(xml).unwrap().replace("AllowCreate=\"true\"", "AllowCreate=\"1\"");
    changed.fields[0].1 = data_encoding::BASE64.encode(xml.as_bytes());
    assert!(matches!(both.idp.send(&changed).await, Led::Page(_)));
    settings["protocol"]["signRequests"] = false.into();
    both.change(&json!({ "settings": settings })).await;
    let unsigned = form(&browser.get(&format!("{START}/{}", both.provider)).await.body);
    assert!(matches!(both.idp.send(&unsigned).await, Led::Page(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_sends_somebody_unasked_only_where_that_is_allowed_and_leads_them_nowhere() {
    let both = Both::usual().await;
    let service = format!("{}/t/acme/saml", both.app.server.url);
    let unasked = format!(
        "{}/saml2/idp/SSOService.php?spentityid={service}&RelayState=https://evil.example/",
        both.idp.url
    );
    let answer = both.idp.walk(&unasked).await.form();
    assert_eq!(answer.field("RelayState"), "https://evil.example/");
    let browser = both.browser();
    let refused = both.deliver(&browser, &answer).await;
    assert_eq!(refused.status, 403);
    let path = format!("{PROVIDERS}/{}", both.provider);
    let mut settings = both.api.get(&path).await.expect(200)["settings"].take();
    settings["protocol"]["allowUnsolicited"] = true.into();
    both.change(&json!({ "settings": settings })).await;
    let answer = both.idp.walk(&unasked).await.form();
    is_in(&both.deliver(&browser, &answer).await);
    // Once.
    both.was_refused(&both.deliver(&both.browser(), &answer).await, "replayed").await;
    // What answers a request from here is nothing that came unasked.
    let asked = both.answer(&both.browser()).await;
    let response = [("SAMLResponse", asked.field("SAMLResponse"))];
    let stolen = both.browser().post("/t/acme/saml/acs", &response).await;
    both.was_refused(&stolen, "not-asked-for").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_assertion_is_opened_with_current_next_and_former_keys() {
    // SimpleSAMLphp 1.19 encrypts for a certificate with AES-128-CBC and nothing else.
    let both = Both::with(json!({}), json!({ "assertion.encryption": true })).await;
    let browser = both.browser();
    let answer = both.answer(&browser).await;
    both.was_refused(&both.deliver(&browser, &answer).await, "cbc-refused").await;
    let path = format!("{PROVIDERS}/{}", both.provider);
    let mut settings = both.api.get(&path).await.expect(200)["settings"].take();
    settings["protocol"]["allowCbc"] = true.into();
    settings["protocol"]["requireEncryption"] = true.into();
    both.change(&json!({ "settings": settings })).await;
    both.signed_in().await;

    // Our key is replaced: published, known there, put to use, removed.
    let before = both.metadata().await;
    let next = both.api.post_empty(KEYS).await.expect(201);
    assert_eq!(next["state"], "next");
    both.api.post_empty(KEYS).await.problem(409, "sso-key-waiting");
    let with_both = both.metadata().await;
    assert_eq!(before.matches("<ds:X509Certificate>").count(), 2);
    assert_eq!(with_both.matches("<ds:X509Certificate>").count(), 4);
    both.idp.learn(&with_both, &json!({ "assertion.encryption": true }));
    both.signed_in().await;
    let used = both.api.post_empty(&format!("{KEYS}/{}/use", next["id"].as_str().unwrap())).await;
    assert_eq!(used.expect(200)["state"], "current");
    // Signed with the new key, and encrypted for the former one.
    both.idp.forget();
    both.signed_in().await;
    both.idp.learn(&both.metadata().await, &json!({ "assertion.encryption": true }));
    both.signed_in().await;
    let keys = both.api.list(KEYS).await;
    let states: Vec<_> = keys.iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["former", "current"]);
    let (former, current) = (keys[0]["id"].as_str().unwrap(), keys[1]["id"].as_str().unwrap());
    both.api.delete(&format!("{KEYS}/{current}")).await.problem(409, "sso-key-in-use");
    assert_eq!(both.api.delete(&format!("{KEYS}/{former}")).await.status, 204);
    assert_eq!(both.metadata().await.matches("<ds:X509Certificate>").count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_new_key_counts_once_it_is_believed_and_its_former_one_until_it_is_removed() {
    let both = Both::usual().await;
    let old = both.answer(&both.browser()).await;
    both.idp.replace_key();
    both.idp.forget();
    let browser = both.browser();
    let answer = both.answer(&browser).await;
    both.was_refused(&both.deliver(&browser, &answer).await, "signature-wrong").await;
    let path = format!("{PROVIDERS}/{}", both.provider);
    let mut settings = both.api.get(&path).await.expect(200)["settings"].take();
    let new = std::fs::read_to_string(both.idp.directory().join("idp.crt")).unwrap();
    settings["protocol"]["certificates"].as_array_mut().unwrap().push(new.into());
    both.change(&json!({ "settings": settings })).await;
    both.signed_in().await;
    // What the former key signed is still fine, but for the browser that it belongs to.
    both.was_refused(&both.deliver(&both.browser(), &old).await, "other-browser").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_here_signs_out_at_the_provider() {
    let both = Both::usual().await;
    let browser = both.signed_in().await;
    let leaving = browser.submit("/t/acme/", "/t/acme/logout", &[]).await;
    assert_eq!(leaving.status, 200, "{}", leaving.body);
    assert!(leaving.header("clear-site-data").contains("storage"));
    // The session is over here before the provider hears of it.
    assert_ne!(browser.get("/t/acme/").await.status, 200);
    assert_eq!(both.entries("session.logout").await.len(), 1);
    let to = leaving.body.split_once("content=\"0; url=").unwrap().1.split('"').next().unwrap();
    let to = to.replace("&#38;", "&").replace("&amp;", "&");
    let back = both.idp.walk(&to).await.away();
    assert!(back.contains("SAMLResponse="), "{back}");
    let done = browser.get(&path(&back)).await;
    let everywhere = "/t/acme/login?notice=signed-out-everywhere";
    assert_eq!((done.status, done.header("location")), (303, everywhere), "{}", done.body);
    // An answer works once, and in no other browser.
    assert_eq!(browser.get(&path(&back)).await.status, 403);
    let refused = &both.entries("sso.refused").await[0];
    assert_eq!(refused["customFields"]["reason"], "sign-in-over", "{refused}");
    // The provider asks for the password again.
    let sent = both.browser().get(&format!("{START}/{}", both.provider)).await;
    let status = both.idp.walk(sent.header("location")).await.form();
    assert!(!status.field("SAMLResponse").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_signs_somebody_out_here_at_once_and_by_its_signature_alone() {
    let both = Both::usual().await;
    let browser = both.signed_in().await;
    let end = format!("{0}/saml2/idp/SingleLogoutService.php?ReturnTo={0}/", both.idp.url);
    let request = both.idp.walk(&end).await.away();
    assert!(request.contains("SAMLRequest="), "{request}");
    // A signature over something else, or none.
    let nobody = both.browser();
    for wrong in [
        request.split_once("&Signature=").unwrap().0.to_owned(),
        request.replace("&RelayState=", "&RelayState=x"),
    ] {
        assert_eq!(nobody.get(&path(&wrong)).await.status, 403, "{wrong}");
    }
    assert_eq!(browser.get("/t/acme/").await.status, 200);
    // Without any cookie of ours: the provider's page may have loaded it.
    let answered = nobody.get(&path(&request)).await;
    assert_eq!(answered.status, 303, "{}", answered.body);
    assert!(answered.header("location").starts_with(&both.idp.url));
    assert_ne!(browser.get("/t/acme/").await.status, 200);
    let entry = &both.entries("sso.logout").await[0];
    assert_eq!(entry["customFields"]["sessionsEnded"], 1, "{entry}");
    assert_eq!(
        both.entries("session.ended").await[0]["customFields"]["cause"],
        "identity-provider"
    );
    // The provider understands the answer, and goes on to where it was asked to.
    let after = both.idp.walk(answered.header("location")).await;
    assert!(matches!(after, Led::Page(_)), "{after:?}");
    assert_eq!(nobody.get(&path(&request)).await.status, 403);
    let refused = &both.entries("sso.refused").await[0];
    assert_eq!(refused["customFields"]["reason"], "replayed", "{refused}");
}

/// Signs in to the provider's page, where one is.
async fn types_in(browser: &Browser) {
    browser.until("return !!document.querySelector('[name=password]')").await;
    browser.fill("username", "kim").await;
    browser.fill("password", "of a test").await;
    let send =
        "HTMLFormElement.prototype.submit.call(document.querySelector('[name=password]').form)";
    browser.run(send, json!([])).await;
    browser.until("return location.pathname === '/t/acme/'").await;
    assert!(browser.source().await.contains("Kim Doe"));
}

/// The provider is another site here: cookies and policies are as strict as they get.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_and_go_by_their_provider_in_a_real_browser() {
    let both = Both::usual().await;
    let browser = Browser::trusting(&both.app, both.idp.directory()).await;
    let start = format!("{}{START}/{}", both.app.server.url, both.provider);
    browser.go(&start).await;
    types_in(&browser).await;
    let leave = "document.querySelector('form[action$=\"/logout\"]').requestSubmit()";
    browser.run(leave, json!([])).await;
    browser.until("return location.search === '?notice=signed-out-everywhere'").await;
    // With messages as forms, that send themselves.
    let path = format!("{PROVIDERS}/{}", both.provider);
    let mut settings = both.api.get(&path).await.expect(200)["settings"].take();
    settings["protocol"]["signInBinding"] = "post".into();
    settings["protocol"]["signOutBinding"] = "post".into();
    both.change(&json!({ "settings": settings })).await;
    browser.go(&start).await;
    types_in(&browser).await;
    browser.run(leave, json!([])).await;
    browser.until("return location.search === '?notice=signed-out-everywhere'").await;
}
