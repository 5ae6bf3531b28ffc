//! What a provider may say, and what nobody may say in its name.

use strongroom::authn::saml::{
    Context, PrivateKey, SamlSettings, ServiceNames, Verified, response,
};
use strongroom::authn::sso::{Refusal, Trace};
use strongroom::kernel::Timestamp;

use crate::saml_messages::{
    AES128_GCM, AES256_CBC, AES256_GCM, CURVE, FORMER, Message, NEXT, OAEP, PROVIDER, SERVICE,
    SIGNER, STRANGER, Style, TRANSFORMS, attribute, encoded, encrypt, encrypt_by_library,
    service_keys, settings, status, template,
};

pub const ASKED: &str = "_request-1";

pub fn names() -> ServiceNames {
    let base = "https://strongroom.example/t/acme/saml";
    ServiceNames {
        entity_id: base.to_owned(),
        acs_url: format!("{base}/acs"),
        logout_url: format!("{base}/logout"),
    }
}

pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00Z").unwrap()
}

pub fn message() -> Message {
    Message::new(&names(), Some(ASKED), now())
}

/// Reads a message with these settings, as the answer to the request that was made.
pub fn read(xml: &str, settings: &SamlSettings) -> (Result<Verified, Refusal>, Trace) {
    read_as(&encoded(xml), settings, Some(ASKED))
}

pub fn read_as(
    encoded: &str,
    settings: &SamlSettings,
    asked: Option<&str>,
) -> (Result<Verified, Refusal>, Trace) {
    let mut trace = Trace::default();
    let context = Context {
        settings,
        service: &names(),
        keys: &service_keys(),
        asked,
        authenticated_since: None,
        now: now(),
    };
    let found = response(encoded, &context, &mut trace);
    // Whatever is refused says why, to the log and to the administrator alike.
    assert_eq!(found.as_ref().err().copied(), trace.refusal, "{:#?}", trace.steps);
    (found, trace)
}

#[track_caller]
pub fn refused(xml: &str, why: Refusal) {
    refused_with(xml, &settings(), why);
}

#[track_caller]
pub fn refused_with(xml: &str, settings: &SamlSettings, why: Refusal) {
    let (found, trace) = read(xml, settings);
    assert_eq!(found.map(|found| found.identity), Err(why), "{:#?}\n{xml}", trace.steps);
}

#[track_caller]
fn accepted(xml: &str, settings: &SamlSettings) -> Verified {
    let (found, trace) = read(xml, settings);
    let found = found.unwrap_or_else(|why| panic!("{why}: {:#?}\n{xml}", trace.steps));
    assert_eq!(found.identity.session.name.as_deref(), Some("kim-4711"));
    assert_eq!(found.identity.attributes["mail"], ["kim@example.org"]);
    assert_eq!(found.identity.session.index.as_deref(), Some("_session-1"));
    found
}

pub fn sealed(xml: &str, cipher: &str) -> String {
    encrypt(xml, "EncryptedAssertion", cipher, OAEP, &SERVICE)
}

#[test]
fn every_form_in_which_providers_sign_is_understood() {
    let style = Style::usual();
    let message = message();
    let forms = [
        message.with_signed_assertion(style),
        message.signed_response(style),
        message.signed_both(style),
    ];
    for form in forms {
        let verified = accepted(&form, &settings());
        let until = now().plus(std::time::Duration::from_secs(360));
        let ids = ["_response-1", "_assertion-1"].map(|id| (id.to_owned(), until));
        assert_eq!(verified.messages, ids);
    }
    let more = "http://www.w3.org/2001/04/xmldsig-more";
    let (sha384, sha512) = (&format!("{more}#sha384"), "http://www.w3.org/2001/04/xmlenc#sha512");
    let curve = SamlSettings { certificates: vec![CURVE.certificate_pem.clone()], ..settings() };
    let (rsa384, rsa512) = (&format!("{more}#rsa-sha384"), &format!("{more}#rsa-sha512"));
    let ecdsa = &format!("{more}#ecdsa-sha256");
    for (style, settings) in [
        (Style { method: rsa384, digest: sha384, ..Style::usual() }, settings()),
        (Style { method: rsa512, digest: sha512, ..Style::usual() }, settings()),
        (Style { method: ecdsa, ..Style::of(&CURVE) }, curve),
    ] {
        accepted(&message.with_signed_assertion(style), &settings);
        accepted(&message.signed_response(style), &settings);
    }
}

/// Probabilistic padding (RFC 8017, 8.1), which this `xmlsec1` does not know: signed by another library.
#[test]
fn a_signature_with_pss_is_understood() {
    let pss = Style {
        method: "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        ..Style::usual()
    };
    let message = message();
    let unsigned = message.assertion(&template(&message.assertion_id, pss));
    let mut manager = bergshamra::KeysManager::new();
    let key = PrivateKey::from_pem(&SIGNER.key_pem).unwrap();
    manager.add_key(key.key().clone());
    let signed = bergshamra::sign(&bergshamra::DsigContext::new(manager), &unsigned).unwrap();
    accepted(&message.response("", &signed), &settings());
}

#[test]
fn both_keys_of_a_provider_that_replaces_one_are_believed_and_no_third() {
    let certificates = [&SIGNER, &NEXT].map(|signer| signer.certificate_pem.clone()).into();
    let both = SamlSettings { certificates, ..settings() };
    accepted(&message().with_signed_assertion(Style::of(&SIGNER)), &both);
    accepted(&message().with_signed_assertion(Style::of(&NEXT)), &both);
    let stranger = message().with_signed_assertion(Style::of(&STRANGER));
    refused_with(&stranger, &both, Refusal::SignatureWrong);
}

#[test]
fn every_form_in_which_providers_encrypt_is_understood() {
    let (style, message) = (Style::usual(), message());
    let only = SamlSettings { require_encryption: true, ..settings() };
    for cipher in [AES128_GCM, AES256_GCM] {
        // Inside a signed response, with a signed assertion inside, and both.
        let plain = sealed(&message.assertion(""), cipher);
        accepted(&message.signed_around(style, &plain), &only);
        let inner = sealed(&message.signed_assertion(style), cipher);
        accepted(&message.response("", &inner), &only);
        accepted(&message.signed_around(style, &inner), &only);
    }
    let inner = message.signed_assertion(style);
    let former = encrypt(&inner, "EncryptedAssertion", AES256_GCM, OAEP, &FORMER);
    accepted(&message.response("", &former), &only);
    let beside = keys_beside(&sealed(&inner, AES256_GCM));
    accepted(&message.response("", &beside), &only);
    refused_with(&message.with_signed_assertion(style), &only, Refusal::NotEncrypted);
}

/// The encrypted key as a sibling of what it opens, as Shibboleth and others have it.
fn keys_beside(sealed: &str) -> String {
    let start = sealed.find("<xenc:EncryptedKey>").unwrap();
    let end = sealed.find("</xenc:EncryptedKey>").unwrap() + "</xenc:EncryptedKey>".len();
    let key = sealed[start..end].replacen(
        "<xenc:EncryptedKey>",
        "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\">",
        1,
    );
    let without = format!("{}{}", &sealed[..start], &sealed[end..]);
    without.replace("</saml:EncryptedAssertion>", &format!("{key}</saml:EncryptedAssertion>"))
}

#[test]
fn a_name_may_be_encrypted_and_an_element_may_leave_its_namespaces_outside() {
    let name =
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">kim-4711</saml:NameID>";
    let sealed_name = encrypt(name, "EncryptedID", AES128_GCM, OAEP, &SERVICE);
    let named = Message { subject: sealed_name, ..message() };
    accepted(&named.with_signed_assertion(Style::usual()), &settings());
    let (style, message) = (Style::usual(), message());
    let whole = encrypt_by_library(&message.signed_assertion(style), &SERVICE);
    accepted(&message.response("", &whole), &settings());
    let part = message.assertion("");
    let (start, end) = part.split_once(" xmlns:xs=").unwrap();
    let part = format!("<saml:Assertion xmlns:xs={end}");
    assert!(start.contains("xmlns:saml"));
    accepted(&message.signed_around(style, &encrypt_by_library(&part, &SERVICE)), &settings());
}

#[test]
fn nothing_passes_without_a_signature_of_a_configured_key() {
    let message = message();
    refused(&message.unsigned(), Refusal::Unsigned);
    refused(&message.response("", &sealed(&message.assertion(""), AES256_GCM)), Refusal::Unsigned);
    // The stranger's certificate is in the message: nobody looks there.
    refused(&message.with_signed_assertion(Style::of(&STRANGER)), Refusal::SignatureWrong);
    refused(&message.signed_response(Style::of(&STRANGER)), Refusal::SignatureWrong);
    let none = SamlSettings { certificates: Vec::new(), ..settings() };
    refused_with(&message.signed_both(Style::usual()), &none, Refusal::SignatureWrong);
    // A right signature beside a wrong one does not help it.
    let inner = message.signed_assertion(Style::of(&STRANGER));
    refused(&message.signed_around(Style::usual(), &inner), Refusal::SignatureWrong);
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    for signed in
        [message().with_signed_assertion(Style::usual()), message().signed_response(Style::usual())]
    {
        refused(&signed.replace("kim-4711", "root-1"), Refusal::SignatureWrong);
        refused(&signed.replace(">auditors<", ">owners<"), Refusal::SignatureWrong);
        let status = signed.replace("_session-1", "_session-2");
        refused(&status, Refusal::SignatureWrong);
    }
}

#[test]
fn sha1_is_refused_unless_an_administrator_takes_it() {
    let base = "http://www.w3.org/2000/09/xmldsig#";
    let (sha1, rsa) = (&format!("{base}sha1"), &format!("{base}rsa-sha1"));
    let allowed = SamlSettings { allow_sha1: true, ..settings() };
    for style in [
        Style { method: rsa, ..Style::usual() },
        Style { digest: sha1, ..Style::usual() },
        Style { method: rsa, digest: sha1, ..Style::usual() },
    ] {
        let signed = message().with_signed_assertion(style);
        refused(&signed, Refusal::Sha1);
        accepted(&signed, &allowed);
    }
}

/// The element of that name, as it stands in a text.
pub fn cut<'a>(xml: &'a str, name: &str) -> &'a str {
    let start = xml.find(&format!("<{name} ")).unwrap_or_else(|| panic!("no {name}: {xml}"));
    let end = xml.rfind(&format!("</{name}>")).unwrap() + name.len() + 3;
    &xml[start..end]
}

/// The eight ways to wrap a signature of Somorovsky and others (USENIX Security 2012): a signed element
/// stays somewhere in the message, and a forged one is where somebody reads.
pub fn wrapped(message: &Message) -> Vec<(u8, String)> {
    let forged = forged(message);
    let evil = forged.assertion("");
    let response = message.signed_response(Style::usual());
    let response_signature = cut(&response, "ds:Signature");
    let without_signature = response.replace(response_signature, "");
    let assertion = message.signed_assertion(Style::usual());
    let signature = cut(&assertion, "ds:Signature");
    let bare = assertion.replace(signature, "");
    let around = |outer: &str, inner: &str, end: &str| outer.replace(end, &format!("{inner}{end}"));
    let in_object = |signature: &str, inside: &str| {
        around(signature, &format!("<ds:Object>{inside}</ds:Object>"), "</ds:Signature>")
    };
    let extended = |inside: &str| Message {
        extensions: format!("<samlp:Extensions>{inside}</samlp:Extensions>"),
        ..forged.clone()
    };
    vec![
        // 1, 2: a forged response, the signed one inside its signature or beside it.
        (1, forged.response(&in_object(response_signature, &without_signature), &evil)),
        (2, forged.response(response_signature, &format!("{without_signature}{evil}"))),
        // 3: a forged assertion in front of the signed one; 4: around it.
        (3, message.response("", &format!("{evil}{assertion}"))),
        (4, message.response("", &around(&evil, &assertion, "</saml:Assertion>"))),
        // 5: the signature moves into the forged one, and the signed one to the end.
        (5, message.response("", &format!("{}{bare}", forged.assertion(signature)))),
        // 6: both nested in each other, in the signature's object.
        (6, message.response("", &forged.assertion(&in_object(signature, &bare)))),
        // 7: the signed one in the extensions, where any content may be.
        (7, extended(&assertion).response("", &evil)),
        // 8: the signed one in an object of a signature whose place the forged one takes.
        (8, extended(&in_object(signature, &bare)).response("", &evil)),
    ]
}

/// What an attacker would rather have the provider say.
fn forged(message: &Message) -> Message {
    Message {
        response_id: "_forged-response".to_owned(),
        assertion_id: "_forged".to_owned(),
        subject: message.subject.replace("kim-4711", "owner-1"),
        ..message.clone()
    }
}

#[test]
fn a_signed_element_that_was_wrapped_into_a_forged_one_proves_nothing() {
    let message = message();
    for (number, xml) in wrapped(&message) {
        let (found, trace) = read(&xml, &settings());
        let found = found.map(|found| found.identity);
        assert_eq!(found, Err(Refusal::SeveralAssertions), "XSW{number} {:#?}", trace.steps);
    }
    let forged = forged(&message);
    let evil = forged.assertion("");
    let assertion = message.signed_assertion(Style::usual());
    let signature = cut(&assertion, "ds:Signature");
    let response = message.signed_response(Style::usual());
    let response_signature = cut(&response, "ds:Signature");
    // With the ID of the signed one, in the hope that the wrong one of two is found by it.
    let same = Message { assertion_id: message.assertion_id.clone(), ..forged.clone() };
    let twice = format!("{}{assertion}", same.assertion(""));
    refused(&message.response("", &twice), Refusal::DuplicateId);
    let lower = evil.replace("ID=\"_forged\"", "ID=\"_forged\" id=\"_assertion-1\"");
    refused(&message.response("", &format!("{lower}{assertion}")), Refusal::DuplicateId);
    // Only one assertion, the forged one, with the signature of something else.
    refused(&forged.response("", &forged.assertion(signature)), Refusal::SignatureForm);
    refused(&forged.response(response_signature, &evil), Refusal::SignatureForm);
    // And with the ID that the signature names.
    refused(&message.response("", &same.assertion(signature)), Refusal::SignatureWrong);
}

#[test]
fn a_signature_over_anything_but_the_element_it_stands_in_is_refused() {
    let style = Style::usual();
    let shape = Refusal::SignatureForm;
    for uri in
        ["", "#_response-1", "https://provider.example/other", "file:///etc/passwd", "#xpointer(/)"]
    {
        // As an attacker would: put there after signing, or as a hostile provider, in the template.
        let signed = message().with_signed_assertion(style);
        refused(&signed.replace("URI=\"#_assertion-1\"", &format!("URI=\"{uri}\"")), shape);
    }
    let whole = message().with_signed_assertion(Style { uri: Some(""), ..style });
    refused(&whole, shape);
    // Two references, one of them right.
    let signed = message().with_signed_assertion(style);
    let reference = cut(&signed, "ds:Reference");
    refused(&signed.replace(reference, &format!("{reference}{reference}")), shape);
    refused(&signed.replace(reference, ""), shape);
    // A signature somewhere else, over the right element.
    let message = message();
    let assertion = message.signed_assertion(style);
    let signature = cut(&assertion, "ds:Signature");
    let moved = assertion.replace(signature, "");
    let outside = Message { extensions: signature.to_owned(), ..message };
    refused(&outside.response("", &moved), Refusal::SignatureForm);
}

#[test]
fn transforms_that_choose_or_compute_what_is_signed_are_refused() {
    let only = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"/>");
    let enveloped = only("http://www.w3.org/2000/09/xmldsig#enveloped-signature");
    let exclusive = only("http://www.w3.org/2001/10/xml-exc-c14n#");
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">\
                 <ds:XPath>not(ancestor-or-self::*[local-name()='Signature'])</ds:XPath></ds:Transform>";
    let signed_lists = [
        format!("{enveloped}{xpath}{exclusive}"),
        format!("{xpath}{exclusive}"),
        enveloped.clone(),
        format!("{enveloped}{}", only("http://www.w3.org/TR/2001/REC-xml-c14n-20010315")),
        format!("{enveloped}{exclusive}{exclusive}"),
    ];
    for transforms in &signed_lists {
        let signed = message().with_signed_assertion(Style { transforms, ..Style::usual() });
        refused(&signed, Refusal::SignatureForm);
    }
    // Not even `xmlsec1` signs these for us: in the place of the right ones.
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">\
                <xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"/>\
                </ds:Transform>";
    let signed = message().with_signed_assertion(Style::usual());
    refused(&signed.replace(TRANSFORMS, &format!("{TRANSFORMS}{xslt}")), Refusal::SignatureForm);
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    let canonical = Style { canonical: inclusive, ..Style::usual() };
    refused(&message().with_signed_assertion(canonical), Refusal::SignatureForm);
}

#[test]
fn markup_that_hides_something_is_refused() {
    let message = message();
    let named = |value: &str| Message {
        subject: format!("<saml:NameID>{value}</saml:NameID>"),
        ..message.clone()
    };
    // A canonical text has no comments: to the signature both are one name, to a careless reader two.
    let signed = named("user@good.example.evil.example").with_signed_assertion(Style::usual());
    for hidden in ["<!---->", "<?x ?>", "<![CDATA[]]>"] {
        let split = format!("user@good.example{hidden}.evil.example");
        refused(&signed.replace("user@good.example.evil.example", &split), Refusal::Markup);
    }
    let nested = named("user@good.example<b/>.evil.example").with_signed_assertion(Style::usual());
    refused(&nested, Refusal::Markup);
    let signed = message.with_signed_assertion(Style::usual());
    let entity = "<!DOCTYPE x [<!ENTITY a \"kim\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>";
    refused(&format!("{entity}{signed}"), Refusal::Doctype);
    refused(&signed.replace("kim-4711", "&f;"), Refusal::Malformed);
    let laughs =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    refused(&format!("{laughs}{}", signed.replace("kim-4711", "&b;")), Refusal::Doctype);
}

#[test]
fn what_is_too_large_or_no_message_is_refused_before_it_is_read() {
    let large = Message { attributes: attribute("a", &"x".repeat(260 * 1024)), ..message() };
    refused(&large.unsigned(), Refusal::TooLarge);
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    refused(&deep, Refusal::Malformed);
    let crowded: String = (0..20_000).map(|number| format!(" a{number}=\"\"")).collect();
    refused(&format!("<a{crowded}/>"), Refusal::Malformed);
    // Made canonical, each of the small elements has the long name: a gigabyte of them.
    let signed = message().with_signed_assertion(Style::usual());
    let long = format!("<samlp:Response xmlns:a=\"{}\" ", "u".repeat(100_000));
    let many = format!("<samlp:Extensions>{}</samlp:Extensions>", "<a:x/>".repeat(10_000));
    let growing = signed.replacen("<samlp:Response ", &long, 1).replacen(
        "<samlp:Status>",
        &format!("{many}<samlp:Status>"),
        1,
    );
    refused(&growing, Refusal::Malformed);
    for wrong in [
        "",
        "hello",
        "<a/>",
        "<Response/>",
        "<samlp:Response/>",
        "\u{feff}",
        "<?xml version=\"1.1\"?><a/>",
    ] {
        let (found, _) = read(wrong, &settings());
        assert_eq!(found, Err(Refusal::Malformed), "{wrong}");
    }
    let (found, _) = read_as("no base64!", &settings(), Some(ASKED));
    assert_eq!(found, Err(Refusal::Malformed));
    let none = message().response("", "");
    refused(&none, Refusal::NoAssertion);
}

#[test]
fn encryption_that_can_be_tampered_with_or_asked_about_is_refused() {
    let (style, message) = (Style::usual(), message());
    let inner = message.signed_assertion(style);
    let cbc = sealed(&inner, AES256_CBC);
    let allowed = SamlSettings { allow_cbc: true, ..settings() };
    refused(&message.response("", &cbc), Refusal::Cbc);
    accepted(&message.response("", &cbc), &allowed);
    accepted(&message.signed_around(style, &cbc), &allowed);
    // Whatever is wrong inside of CBC is one answer: nobody learns how far it was understood.
    let unsigned = sealed(&message.assertion(""), AES256_CBC);
    let stranger = sealed(&message.signed_assertion(Style::of(&STRANGER)), AES256_CBC);
    let other = sealed("<a/>", AES256_CBC);
    for inside in [unsigned, stranger, other] {
        refused_with(&message.response("", &inside), &allowed, Refusal::Encryption);
    }
    // PKCS#1 v1.5, whatever is allowed.
    let old = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let old = encrypt(&inner, "EncryptedAssertion", AES256_GCM, old, &SERVICE);
    refused_with(&message.response("", &old), &allowed, Refusal::Encryption);
    // For somebody else; with a text that was changed; with nothing in it that could be read.
    let stranger = encrypt(&inner, "EncryptedAssertion", AES256_GCM, OAEP, &STRANGER);
    refused(&message.response("", &stranger), Refusal::Encryption);
    let right = sealed(&inner, AES256_GCM);
    let at = right.rfind("</xenc:CipherValue>").unwrap() - 40;
    let letter = if &right[at..=at] == "A" { "B" } else { "A" };
    let changed = format!("{}{letter}{}", &right[..at], &right[at + 1..]);
    refused(&message.response("", &changed), Refusal::Encryption);
    refused(&message.response("", &sealed("<a/>", AES128_GCM)), Refusal::Encryption);
    // Two at once, one of them in the clear.
    let two = format!("{right}{}", message.assertion("").replace("_assertion-1", "_assertion-2"));
    refused(&message.response("", &two), Refusal::SeveralAssertions);
}

/// Signed by the provider, and yet not for this service, this person's request, or now.
pub fn elsewhere(message: &Message) -> Vec<(Message, Refusal)> {
    let m = || message.clone();
    let other = || "https://other.example/".to_owned();
    vec![
        (Message { issuer: other(), ..m() }, Refusal::IssuerWrong),
        (Message { response_issuer: Some(other()), ..m() }, Refusal::IssuerWrong),
        (Message { destination: Some(other()), ..m() }, Refusal::DestinationWrong),
        (Message { destination: None, ..m() }, Refusal::DestinationWrong),
        (Message { recipient: other(), ..m() }, Refusal::RecipientWrong),
        (Message { audience: Some(other()), ..m() }, Refusal::AudienceWrong),
        (Message { audience: None, ..m() }, Refusal::AudienceWrong),
        (Message { in_response_to: Some("_other".to_owned()), ..m() }, Refusal::NotAsked),
        (Message { in_response_to: None, ..m() }, Refusal::NotAsked),
        (Message { valid_for: -61, ..m() }, Refusal::Expired),
        (Message { confirmed_for: -61, ..m() }, Refusal::Expired),
        (Message { session_for: Some(-61), ..m() }, Refusal::Expired),
        (Message { valid_from: 61, ..m() }, Refusal::NotYetValid),
        (Message { authenticated: 61, ..m() }, Refusal::NotYetValid),
        (
            Message { method: "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches".to_owned(), ..m() },
            Refusal::ConfirmationMissing,
        ),
        (
            Message { confirmed: " NotBefore=\"2026-11-22T11:00:00Z\"".to_owned(), ..m() },
            Refusal::ConfirmationMissing,
        ),
        (Message { statement: false, ..m() }, Refusal::Malformed),
        (Message { more_conditions: "<saml:Condition/>".to_owned(), ..m() }, Refusal::Malformed),
        (Message { subject: String::new(), ..m() }, Refusal::SubjectMissing),
        (
            Message { subject: "<saml:NameID> </saml:NameID>".to_owned(), ..m() },
            Refusal::SubjectMissing,
        ),
        (
            Message { status: status("urn:oasis:names:tc:SAML:2.0:status:Responder"), ..m() },
            Refusal::ProviderSaidNo,
        ),
    ]
}

#[test]
fn an_answer_for_somebody_else_or_another_time_is_refused() {
    let style = Style::usual();
    let signed = |message: Message| message.signed_both(style);
    let m = message;
    let cases = elsewhere(&m());
    for (message, why) in cases {
        refused(&signed(message), why);
    }
    // Within what clocks may differ by.
    let late = Message { valid_for: -59, confirmed_for: -59, valid_from: 59, ..m() };
    accepted(&signed(late), &settings());
    // An assertion that is right in a response that is not signed and has no destination.
    let bare = Message { destination: None, response_issuer: None, ..m() };
    accepted(&bare.with_signed_assertion(style), &settings());
    let error = m().response("", "").replace(":Success", ":Requester");
    refused(&error, Refusal::ProviderSaidNo);
}

#[test]
fn somebody_is_sent_without_being_asked_for_only_where_that_is_allowed() {
    let unasked = Message { in_response_to: None, ..message() };
    let xml = encoded(&unasked.with_signed_assertion(Style::usual()));
    assert_eq!(read_as(&xml, &settings(), None).0, Err(Refusal::UnsolicitedOff));
    let allowed = SamlSettings { allow_unsolicited: true, ..settings() };
    assert!(read_as(&xml, &allowed, None).0.is_ok());
    // The answer to somebody else's request is none of the sort.
    let asked = encoded(&message().with_signed_assertion(Style::usual()));
    assert_eq!(read_as(&asked, &allowed, None).0, Err(Refusal::NotAsked));
}

#[test]
fn a_confirmation_wants_a_proof_that_is_newer_than_its_request() {
    let (settings, names, keys) = (settings(), names(), service_keys());
    let xml = encoded(&message().with_signed_assertion(Style::usual()));
    let at = |since: i64| {
        let since = Timestamp::from_micros(now().as_micros() + since * 1_000_000);
        let context = Context {
            settings: &settings,
            service: &names,
            keys: &keys,
            asked: Some(ASKED),
            authenticated_since: Some(since),
            now: now(),
        };
        response(&xml, &context, &mut Trace::default()).map(|found| found.identity.authenticated)
    };
    assert!(at(0).is_ok(), "ten seconds ago, with clocks that may differ by sixty");
    assert_eq!(at(51), Err(Refusal::TooOld));
}

#[test]
fn what_was_looked_at_is_written_down_without_secrets() {
    let sealed = sealed(&message().signed_assertion(Style::usual()), AES256_GCM);
    let (_, trace) = read(&message().signed_around(Style::usual(), &sealed), &settings());
    let titles: Vec<&str> = trace.documents.iter().map(|document| &*document.title).collect();
    assert_eq!(titles, ["response", "assertion"]);
    for document in &trace.documents {
        let longest = document.text.split(['<', '>']).map(str::len).max().unwrap();
        assert!(longest < 300, "{}", document.text);
    }
    assert!(trace.documents[1].text.contains("kim-4711"));
    for step in &trace.steps {
        assert!(strongroom::authn::saml::checks::ALL.contains(&step.check.as_str()), "{step:?}");
    }
}

#[test]
fn a_value_has_its_name_and_the_friendly_one() {
    let friendly = attribute("urn:oid:0.9.2342.19200300.100.1.3", "kim@example.org")
        .replace(" NameFormat", " FriendlyName=\"mail\" NameFormat")
        + &attribute("groups", "one")
        + &attribute("groups", "two").replace(" NameFormat", " FriendlyName=\"mail\" NameFormat");
    let message = Message { attributes: friendly, ..message() };
    let (found, _) = read(&message.with_signed_assertion(Style::usual()), &settings());
    let found = found.unwrap().identity.attributes;
    assert_eq!(found["groups"], ["one", "two"]);
    assert_eq!(found["mail"], ["kim@example.org", "two"]);
    assert_eq!(found["urn:oid:0.9.2342.19200300.100.1.3"], ["kim@example.org"]);
    assert_eq!(PROVIDER, settings().entity_id);
}
