//! What attackers send, through the real server: each is refused, and the log says why.

use std::cell::Cell;

use reqwest::Url;
use serde_json::{Value, json};
use strongroom::authn::saml::ServiceNames;
use strongroom::authn::sso::Refusal;
use strongroom::kernel::Runtime;

use crate::app::TestApp;
use crate::client::{Answer, Client, Session};
use crate::saml::from_elsewhere;
use crate::saml_attacks::{cut, elsewhere, wrapped};
use crate::saml_messages::{
    AES128_GCM, AES256_CBC, AES256_GCM, Message, OAEP, PROVIDER, SIGNER, STRANGER, Signer, Style,
    attribute, encoded, encrypt, inflate,
};

const PROVIDERS: &str = "/api/v1/identity-providers/acme";

struct House {
    app: TestApp,
    api: Client,
    provider: String,
    /// The service's key for encryption, from its metadata.
    service: Signer,
    count: Cell<u32>,
}

/// Somebody who was sent to the provider and waits for its answer.
struct Sent {
    browser: Session,
    relay_state: String,
    message: Message,
}

impl House {
    async fn start() -> Self {
        let app = TestApp::start();
        app.tenant("acme");
        let api = app.client(app.key("acme", "owner"));
        let settings = json!({ "settings": {
            "name": "Company sign-in",
            "protocol": {
                "type": "saml",
                "entityId": PROVIDER,
                "signInUrl": "https://provider.example/sso",
                "certificates": [SIGNER.certificate_pem],
            },
            "mapping": { "email": ["mail"] },
            "provisioning": { "defaultRole": "viewer" },
            "domains": ["example.org"],
        }});
        let made = api.post(PROVIDERS, &settings).await.expect(201);
        let provider = made["id"].as_str().unwrap().to_owned();
        let on = api.request(reqwest::Method::PATCH, &format!("{PROVIDERS}/{provider}"));
        let on = on.header("content-type", "application/json").body("{\"state\":\"on\"}");
        Answer::to(on).await.expect(200);
        let metadata = app.anonymous().get("/t/acme/saml/metadata").await.body;
        let key = metadata.split("use=\"encryption\"").nth(1).unwrap();
        let certificate = key.split("X509Certificate>").nth(1).unwrap().split('<').next().unwrap();
        let service = Signer::of_certificate(certificate);
        Self { app, api, provider, service, count: Cell::new(0) }
    }

    fn names(&self) -> ServiceNames {
        let base = format!("{}/t/acme/saml", self.app.server.url);
        ServiceNames {
            acs_url: format!("{base}/acs"),
            logout_url: format!("{base}/logout"),
            entity_id: base,
        }
    }

    /// To the provider; what it would answer has IDs of its own.
    async fn sent(&self) -> Sent {
        let browser = Session::new(&self.app.server.url, self.app.data());
        let sent = browser.get(&format!("/t/acme/sso/{}", self.provider)).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        let url = Url::parse(sent.header("location")).unwrap();
        let value = |name: &str| {
            let pair = url.query_pairs().find(|(key, _)| key == name);
            pair.unwrap_or_else(|| panic!("no {name}: {url}")).1.into_owned()
        };
        let request = inflate(&value("SAMLRequest"));
        let id = request.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
        let now = Runtime::system().now();
        self.count.set(self.count.get() + 1);
        let number = self.count.get();
        let message = Message {
            response_id: format!("_response-{number}-a"),
            assertion_id: format!("_assertion-{number}-a"),
            ..Message::new(&self.names(), Some(id), now)
        };
        Sent { browser, relay_state: value("RelayState"), message }
    }

    async fn deliver(&self, sent: &Sent, encoded: &str) -> Answer {
        let fields = [("SAMLResponse", encoded), ("RelayState", sent.relay_state.as_str())];
        from_elsewhere(&sent.browser, "https://provider.example", &fields).await
    }

    async fn last(&self, action: &str) -> Value {
        let entries = self.api.entries("acme").await;
        let found = entries.into_iter().rfind(|entry| entry["action"] == action);
        found.unwrap_or_else(|| panic!("no {action}"))
    }

    async fn refuses(&self, what: &str, why: Refusal, make: impl Fn(&Message) -> String) {
        let sent = self.sent().await;
        self.refuses_bytes(what, why, &sent, &encoded(&make(&sent.message))).await;
    }

    async fn refuses_bytes(&self, what: &str, why: Refusal, sent: &Sent, encoded: &str) {
        let answer = self.deliver(sent, encoded).await;
        assert_eq!(answer.status, 403, "{what}: {}", answer.body);
        assert!(!answer.body.contains(why.code()), "which check it was is for the log alone");
        let entry = self.last("login.failed").await;
        assert_eq!(entry["outcome"], "failure", "{what}: {entry}");
        let custom = &entry["customFields"];
        assert_eq!(custom["reason"], why.code(), "{what}: {entry}");
        assert_eq!(custom["provider"], self.provider.as_str(), "{what}: {entry}");
        assert_eq!(sent.browser.get("/t/acme/").await.status, 303, "{what}: nobody is signed in");
    }

    async fn admits(&self, what: &str, make: impl Fn(&Message) -> String) {
        let sent = self.sent().await;
        let answer = self.deliver(&sent, &encoded(&make(&sent.message))).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/t/acme/"), "{what}");
        assert_eq!(sent.browser.get("/t/acme/").await.status, 200, "{what}");
    }

    fn sealed(&self, xml: &str, cipher: &str) -> String {
        encrypt(xml, "EncryptedAssertion", cipher, OAEP, &self.service)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused_by_the_real_server_and_the_log_says_which() {
    let house = House::start().await;
    let style = Style::usual();
    let signed = |message: &Message| message.with_signed_assertion(style);
    for number in 1..=8_u8 {
        let make = |message: &Message| wrapped(message).swap_remove(usize::from(number) - 1).1;
        house.refuses(&format!("XSW{number}"), Refusal::SeveralAssertions, make).await;
    }
    let sent = house.sent().await;
    for index in 0..elsewhere(&sent.message).len() {
        let why = elsewhere(&sent.message)[index].1;
        let make = |message: &Message| elsewhere(message).swap_remove(index).0.signed_both(style);
        house.refuses(&format!("elsewhere {index}"), why, make).await;
    }
    house.refuses("unsigned", Refusal::Unsigned, Message::unsigned).await;
    let stranger = |message: &Message| message.signed_both(Style::of(&STRANGER));
    house.refuses("wrong key, shown in KeyInfo", Refusal::SignatureWrong, stranger).await;
    let changed = |message: &Message| signed(message).replace("kim-4711", "kim-1");
    house.refuses("changed", Refusal::SignatureWrong, changed).await;
    let sha1 = Style { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..style };
    let with_sha1 = |message: &Message| message.with_signed_assertion(sha1);
    house.refuses("SHA-1", Refusal::Sha1, with_sha1).await;
    let comment = |message: &Message| signed(message).replace("kim-4711", "kim<!---->-4711");
    house.refuses("comment", Refusal::Markup, comment).await;
    let entity = "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    let doctype =
        |message: &Message| format!("{entity}{}", signed(message).replace("kim-4711", "&f;"));
    house.refuses("entity", Refusal::Doctype, doctype).await;
    let large = |message: &Message| {
        let attributes = attribute("a", &"x".repeat(260 * 1024));
        Message { attributes, ..message.clone() }.unsigned()
    };
    house.refuses("large", Refusal::TooLarge, large).await;
    let duplicate = |message: &Message| {
        let signed = message.signed_assertion(style);
        let copy = message.assertion("").replace("kim-4711", "kim-1");
        message.response("", &format!("{copy}{signed}"))
    };
    house.refuses("same ID", Refusal::DuplicateId, duplicate).await;
    let whole = |message: &Message| message.with_signed_assertion(Style { uri: Some(""), ..style });
    house.refuses("the whole document", Refusal::SignatureForm, whole).await;
    let file = |message: &Message| {
        let signed = signed(message);
        let reference = cut(&signed, "ds:Reference").split('>').next().unwrap().to_owned();
        signed.replace(&reference, "<ds:Reference URI=\"file:///etc/passwd\"")
    };
    house.refuses("a file", Refusal::SignatureForm, file).await;
    let cbc = |message: &Message| {
        message.response("", &house.sealed(&message.signed_assertion(style), AES256_CBC))
    };
    house.refuses("CBC", Refusal::Cbc, cbc).await;
    let old = |message: &Message| {
        let (inner, old) =
            (message.signed_assertion(style), "http://www.w3.org/2001/04/xmlenc#rsa-1_5");
        let sealed = encrypt(&inner, "EncryptedAssertion", AES256_GCM, old, &house.service);
        message.response("", &sealed)
    };
    house.refuses("PKCS #1 v1.5", Refusal::Encryption, old).await;
    let sent = house.sent().await;
    house.refuses_bytes("no base64", Refusal::Malformed, &sent, "no base64!").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_valid_form_signs_somebody_in_and_works_once() {
    let house = House::start().await;
    let style = Style::usual();
    house.admits("signed assertion", |message| message.with_signed_assertion(style)).await;
    house.admits("signed response", |message| message.signed_response(style)).await;
    house.admits("both", |message| message.signed_both(style)).await;
    for cipher in [AES128_GCM, AES256_GCM] {
        let outside = |message: &Message| {
            message.signed_around(style, &house.sealed(&message.assertion(""), cipher))
        };
        house.admits("encrypted in a signed response", outside).await;
        let inside = |message: &Message| {
            message.response("", &house.sealed(&message.signed_assertion(style), cipher))
        };
        house.admits("signed and encrypted", inside).await;
    }
    // The answer to a new request, made of an assertion that was used before.
    let used = house.sent().await;
    let assertion = used.message.signed_assertion(style);
    house.deliver(&used, &encoded(&used.message.response("", &assertion))).await;
    let again = house.sent().await;
    let replay = encoded(&again.message.response("", &assertion));
    house.refuses_bytes("another request's", Refusal::NotAsked, &again, &replay).await;
    let third = house.sent().await;
    let message =
        Message { assertion_id: used.message.assertion_id.clone(), ..third.message.clone() };
    let replay = encoded(&message.with_signed_assertion(style));
    house.refuses_bytes("the same ID", Refusal::Replayed, &third, &replay).await;
}
