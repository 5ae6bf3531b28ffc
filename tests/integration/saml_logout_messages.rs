//! Logouts of a provider, and its answers to ours, by both bindings.

use strongroom::authn::saml::{
    Carried, Context, LogoutRequest, LogoutResponse, SamlSettings, logout_request as read_request,
    logout_response as read_response, unverified_issuer,
};
use strongroom::authn::sso::{Refusal, Trace};

use crate::saml_attacks::{names, now};
use crate::saml_messages::{
    NEXT, PERSISTENT, PROVIDER, RSA_SHA256, SERVICE, SIGNER, STRANGER, Style, encoded, encrypt,
    logout_request, logout_response, redirect, service_keys, settings, sign, status, template,
};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

fn with<T>(
    settings: &SamlSettings,
    asked: Option<&str>,
    read: impl FnOnce(&Context<'_>, &mut Trace) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let (service, keys) = (names(), service_keys());
    let context = Context {
        settings,
        service: &service,
        keys: &keys,
        asked,
        authenticated_since: None,
        now: now(),
    };
    let mut trace = Trace::default();
    let found = read(&context, &mut trace);
    assert_eq!(found.as_ref().err().copied(), trace.refusal, "{:#?}", trace.steps);
    found
}

fn request(message: Carried<'_>) -> Result<LogoutRequest, Refusal> {
    with(&settings(), None, |context, trace| read_request(message, context, trace))
}

fn answer(message: Carried<'_>) -> Result<LogoutResponse, Refusal> {
    with(&settings(), Some("_asked-1"), |context, trace| read_response(message, context, trace))
}

fn signed(xml: &str, kind: &str, style: Style<'_>) -> String {
    sign(xml, &format!("/*[local-name()='{kind}']/*[local-name()='Signature']"), style)
}

fn posted(style: Style<'_>) -> String {
    let signature = template("_logout-1", style);
    let xml = logout_request(&names(), "kim-4711", Some("_session-1"), now(), &signature);
    signed(&xml, "LogoutRequest", style)
}

fn plain() -> String {
    logout_request(&names(), "kim-4711", Some("_session-1"), now(), "")
}

#[test]
fn a_provider_signs_somebody_out_by_either_binding() {
    let query = redirect("SAMLRequest", &plain(), Some("r&1"), RSA_SHA256, &SIGNER);
    let by_form = encoded(&posted(Style::usual()));
    let ways = [(Carried::Post(&by_form), None), (Carried::Redirect(&query), Some("r&1"))];
    for (message, state) in ways {
        let found = request(message).unwrap();
        let kim = format!("kim-4711 ({PERSISTENT})");
        assert_eq!((&*found.id, &*found.subject), ("_logout-1", &*kim));
        assert_eq!(found.sessions, ["_session-1"]);
        assert_eq!(found.relay_state.as_deref(), state);
        let until = now().plus(std::time::Duration::from_secs(360));
        assert_eq!(found.messages, [("_logout-1".to_owned(), until)]);
        assert_eq!(unverified_issuer(message).as_deref(), Ok(PROVIDER));
    }
}

#[test]
fn whom_a_logout_means_may_be_encrypted() {
    let name =
        "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">kim-4711</saml:NameID>";
    let cipher = crate::saml_messages::AES128_GCM;
    let sealed = encrypt(name, "EncryptedID", cipher, crate::saml_messages::OAEP, &SERVICE);
    let xml = plain();
    let (start, rest) = xml.split_once("<saml:NameID").unwrap();
    let end = rest.split_once("</saml:NameID>").unwrap().1;
    let xml = format!("{start}{sealed}{end}");
    let query = redirect("SAMLRequest", &xml, None, RSA_SHA256, &SIGNER);
    let found = request(Carried::Redirect(&query)).unwrap().subject;
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    assert_eq!(found, format!("kim-4711 ({unspecified})"), "another than the persistent one");
}

#[test]
fn a_logout_that_is_not_the_providers_is_refused() {
    let unsigned = encoded(&plain());
    assert_eq!(request(Carried::Post(&unsigned)), Err(Refusal::Unsigned));
    let stranger = encoded(&posted(Style::of(&STRANGER)));
    assert_eq!(request(Carried::Post(&stranger)), Err(Refusal::SignatureWrong));
    let changed = encoded(&posted(Style::usual()).replace("kim-4711", "kim-4712"));
    assert_eq!(request(Carried::Post(&changed)), Err(Refusal::SignatureWrong));
    // The right message in the extensions of a forged one.
    let inner = posted(Style::usual());
    let forged = plain()
        .replace("_logout-1", "_forged")
        .replace("<saml:NameID", &format!("{inner}<saml:NameID"));
    assert_eq!(request(Carried::Post(&encoded(&forged))), Err(Refusal::SignatureForm));
}

#[test]
fn a_query_counts_only_with_a_signature_over_its_very_octets() {
    let query = redirect("SAMLRequest", &plain(), Some("r-1"), RSA_SHA256, &SIGNER);
    let refused =
        |query: &str, why| assert_eq!(request(Carried::Redirect(query)), Err(why), "{query}");
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    refused(signed, Refusal::Unsigned);
    refused(&format!("{signed}&Signature=AAAA"), Refusal::SignatureWrong);
    refused(&query.replace("RelayState=r-1", "RelayState=r-2"), Refusal::SignatureWrong);
    refused(&query.replace("&RelayState=r-1", ""), Refusal::SignatureWrong);
    refused(&format!("{query}&SAMLRequest=abc"), Refusal::Malformed);
    refused(&format!("{query}&SAMLResponse=abc"), Refusal::Malformed);
    refused(&query.replace("SAMLRequest=", "SAMLResponse="), Refusal::SignatureWrong);
    // Written otherwise, the same text has other octets: some providers do not encode as we would.
    let lower = query.replace("%2B", "%2b").replace("%3A", "%3a");
    assert_ne!(lower, query);
    refused(&lower, Refusal::SignatureWrong);
    let again = format!("unrelated=1&{query}&more=2");
    assert!(request(Carried::Redirect(&again)).is_ok(), "{signature}");
    let next = redirect("SAMLRequest", &plain(), None, RSA_SHA256, &NEXT);
    refused(&next, Refusal::SignatureWrong);
    let sha1 = query
        .replace("xmldsig-more%23rsa-sha256", "xmldsig%23rsa-sha1")
        .replace("2001%2F04", "2000%2F09");
    refused(&sha1, Refusal::Sha1);
    let hmac = query.replace("rsa-sha256", "hmac-sha256");
    refused(&hmac, Refusal::SignatureForm);
}

#[test]
fn a_bomb_is_refused_before_it_has_the_memory_it_wants() {
    let bomb = "x".repeat(64 * 1024 * 1024);
    let query = redirect("SAMLRequest", &bomb, None, RSA_SHA256, &SIGNER);
    assert!(query.len() < 200_000);
    assert_eq!(request(Carried::Redirect(&query)), Err(Refusal::TooLarge));
    let posted = encoded(&plain());
    assert_eq!(
        request(Carried::Redirect(&format!("SAMLRequest={posted}"))),
        Err(Refusal::Malformed)
    );
}

#[test]
fn a_logout_for_somebody_else_or_another_time_is_refused() {
    let refused = |xml: &str, why| {
        let query = redirect("SAMLRequest", xml, None, RSA_SHA256, &SIGNER);
        assert_eq!(request(Carried::Redirect(&query)), Err(why), "{xml}");
    };
    let xml = plain();
    refused(&xml.replace(PROVIDER, "https://other.example/"), Refusal::IssuerWrong);
    refused(&xml.replace("/saml/logout", "/other/logout"), Refusal::DestinationWrong);
    refused(&xml.replace(" Destination=", " Elsewhere="), Refusal::DestinationWrong);
    refused(&xml.replace("kim-4711", ""), Refusal::SubjectMissing);
    refused(&xml.replace("12:00:00", "11:53:59"), Refusal::Expired);
    refused(&xml.replace("12:00:00", "12:01:01"), Refusal::NotYetValid);
    let ends = xml.replace(" Destination", " NotOnOrAfter=\"2026-11-22T11:58:00Z\" Destination");
    refused(&ends, Refusal::Expired);
    refused(&xml.replace("LogoutRequest", "LogoutResponse"), Refusal::Malformed);
}

#[test]
fn an_answer_to_our_logout_says_whether_it_was_complete() {
    let by_form = |status: &str| {
        let style = Style::usual();
        let signature = template("_answer-1", style);
        let xml = logout_response(&names(), "_asked-1", status, now(), &signature);
        encoded(&signed(&xml, "LogoutResponse", style))
    };
    let done = by_form(&status(SUCCESS));
    let found = answer(Carried::Post(&done)).unwrap();
    assert!(found.complete);
    assert_eq!(found.in_response_to, "_asked-1");
    let partly = status(SUCCESS).replace(
        "\"/>",
        "\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"/></samlp:StatusCode>",
    );
    assert!(!answer(Carried::Post(&by_form(&partly))).unwrap().complete);
    let failed = by_form(&status("urn:oasis:names:tc:SAML:2.0:status:Responder"));
    assert!(!answer(Carried::Post(&failed)).unwrap().complete);
    let other = logout_response(&names(), "_other", &status(SUCCESS), now(), "");
    let other = redirect("SAMLResponse", &other, None, RSA_SHA256, &SIGNER);
    assert_eq!(answer(Carried::Redirect(&other)), Err(Refusal::NotAsked));
}
