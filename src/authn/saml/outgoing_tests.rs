//! What we send, as a provider reads it.

use std::io::Read as _;
use std::sync::LazyLock;

use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use bergshamra::xml::uppsala;
use bergshamra::{DsigContext, KeysManager};
use data_encoding::BASE64;
use flate2::read::DeflateDecoder;

use super::{AuthnRequest, Binding, Header, LogoutAnswer, NameIdFormat, NewLogout, Sent};
use super::{ServiceKey, ServiceNames, Way, metadata};
use crate::authn::sso::ProviderSession;
use crate::kernel::Timestamp;

static KEY: LazyLock<ServiceKey> =
    LazyLock::new(|| ServiceKey::generate("acme", Timestamp::from_micros(0)).unwrap());

fn header() -> Header<'static> {
    let issued = Timestamp::parse("2026-11-22T12:00:00.123456Z").unwrap();
    Header { id: "_1", issued, issuer: "https://vault.example/t/acme/saml" }
}

fn request(contexts: &[String]) -> AuthnRequest<'_> {
    AuthnRequest {
        acs_url: "https://vault.example/t/acme/saml/acs",
        name_id_format: NameIdFormat::Persistent,
        force: true,
        contexts,
    }
}

fn way(binding: Binding) -> Way<'static> {
    let destination = "https://idp.example/sso?realm=1";
    Way { binding, destination, relay_state: Some("a+b/c"), key: Some(&KEY) }
}

/// Decompressed.
fn message(query: &str, name: &str) -> String {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    let value = fields.into_iter().find(|(field, _)| field == name).unwrap().1;
    let mut text = String::new();
    let bytes = BASE64.decode(value.as_bytes()).unwrap();
    DeflateDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_redirect_is_signed_as_it_stands_in_the_address() {
    let Sent::Redirect(url) = request(&[]).send(header(), &way(Binding::Redirect)).unwrap() else {
        panic!("not a redirect");
    };
    let query = url.strip_prefix("https://idp.example/sso?realm=1&").unwrap();
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    assert!(signed.starts_with("SAMLRequest="), "{signed}");
    assert!(signed.contains("&RelayState=a%2Bb%2Fc&SigAlg=http%3A%2F%2F"), "{signed}");
    let signature: Vec<(String, String)> =
        serde_urlencoded::from_str(&format!("s={signature}")).unwrap();
    let signature = BASE64.decode(signature[0].1.as_bytes()).unwrap();
    let pair = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(KEY.pkcs8()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key());
    public.verify(signed.as_bytes(), &signature).unwrap();
    let xml = message(query, "SAMLRequest");
    assert!(!xml.contains("Signature"), "{xml}");
    assert!(xml.contains("IssueInstant=\"2026-11-22T12:00:00Z\""), "{xml}");
    assert!(xml.contains("Destination=\"https://idp.example/sso?realm=1\""), "{xml}");
    assert!(xml.contains("ForceAuthn=\"true\"") && xml.contains("AllowCreate=\"true\""), "{xml}");
}

#[test]
fn a_form_carries_the_signature_in_the_message_where_the_schema_wants_it() {
    let contexts = ["urn:a".to_owned(), "urn:<b>".to_owned()];
    let Sent::Post { url, fields } =
        request(&contexts).send(header(), &way(Binding::Post)).unwrap()
    else {
        panic!("not a form");
    };
    assert_eq!(url, "https://idp.example/sso?realm=1");
    assert_eq!(fields[1], ("RelayState".into(), "a+b/c".into()));
    let xml = String::from_utf8(BASE64.decode(fields[0].1.as_bytes()).unwrap()).unwrap();
    let mut keys = KeysManager::new();
    keys.add_key(bergshamra::keys::loader::load_x509_cert_der(KEY.certificate()).unwrap());
    let verified = bergshamra::verify(&DsigContext::new(keys), &xml).unwrap();
    assert!(verified.is_valid(), "{xml}");
    let order =
        ["saml:Issuer", "ds:Signature", "samlp:NameIDPolicy", "samlp:RequestedAuthnContext"];
    let places: Vec<_> = order.iter().map(|name| xml.find(&format!("<{name}")).unwrap()).collect();
    assert!(places.is_sorted(), "{xml}");
    assert!(xml.contains("urn:&lt;b&gt;"), "{xml}");
}

#[test]
fn a_name_that_looks_like_markup_goes_back_to_its_provider_as_a_name() {
    let session = ProviderSession {
        index: Some("s&1".into()),
        name_format: Some("urn:f\"".into()),
        ..ProviderSession::default()
    };
    let name = "</saml:NameID><saml:NameID>somebody@else.example";
    let logout = NewLogout { name, session: &session };
    let unsigned = Way { key: None, relay_state: None, ..way(Binding::Redirect) };
    let Sent::Redirect(url) = logout.send(header(), &unsigned).unwrap() else {
        panic!("not a redirect");
    };
    assert!(!url.contains("Signature") && !url.contains("RelayState"), "{url}");
    let xml = message(url.split_once('?').unwrap().1, "SAMLRequest");
    let document = uppsala::parse(&xml).unwrap();
    let names = document.get_elements_by_tag_name("NameID");
    assert_eq!(names.len(), 1, "{xml}");
    assert_eq!(document.text_content_deep(names[0]), name);
    let index = document.get_elements_by_tag_name("SessionIndex");
    assert_eq!(document.text_content_deep(index[0]), "s&1");
    assert!(names[0].index() < index[0].index(), "the schema's order");
}

#[test]
fn the_answer_to_a_logout_says_to_what_and_whether_it_was_done() {
    for (done, status) in [(true, "status:Success"), (false, "status:Responder")] {
        let answer = LogoutAnswer { request: "_theirs", done };
        let Sent::Redirect(url) = answer.send(header(), &way(Binding::Redirect)).unwrap() else {
            panic!("not a redirect");
        };
        let xml = message(url.split_once("?realm=1&").unwrap().1, "SAMLResponse");
        assert!(xml.contains("InResponseTo=\"_theirs\"") && xml.contains(status), "{xml}");
    }
}

#[test]
fn our_metadata_stands_in_the_schemas_order_and_publishes_every_key_for_both_purposes() {
    let service = ServiceNames {
        entity_id: "https://vault.example/t/acme/saml".into(),
        acs_url: "https://vault.example/t/acme/saml/acs".into(),
        logout_url: "https://vault.example/t/acme/saml/logout".into(),
    };
    let certificate = KEY.certificate();
    let xml = metadata::write(&service, &[certificate, certificate]).unwrap();
    let document = uppsala::parse(&xml).unwrap();
    let role = document.get_elements_by_tag_name("SPSSODescriptor")[0];
    let mut names: Vec<_> = document
        .children(role)
        .into_iter()
        .map(|child| document.element(child).unwrap().name.local_name.to_string())
        .collect();
    assert_eq!(names.iter().filter(|name| *name == "KeyDescriptor").count(), 4);
    names.dedup();
    let order =
        ["KeyDescriptor", "SingleLogoutService", "NameIDFormat", "AssertionConsumerService"];
    assert_eq!(names, order);
    assert_eq!(document.get_attribute(role, "WantAssertionsSigned"), Some("true"));
}
