//! Tokens signed here, and changed in every way that matters.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::algorithm::Algorithm;
use super::*;
use crate::authn::sso::{Outcome, Refusal, Trace};
use crate::kernel::Timestamp;

const IDP: &str = "https://idp.example.org";
const NOW: i64 = 1_800_000_000;

enum Signer {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair, &'static str, usize),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl Signer {
    fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn ec(how: &'static EcdsaSigningAlgorithm, curve: &'static str, size: usize) -> Self {
        Self::Ec(EcdsaKeyPair::generate(how).unwrap(), curve, size)
    }

    fn rsa(how: &'static dyn RsaEncoding) -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), how)
    }

    fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Ed(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": part(key.public_key().as_ref()) })
            }
            Self::Ec(key, curve, size) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = (part(&point[..*size]), part(&point[*size..]));
                json!({ "kty": "EC", "crv": curve, "kid": id, "x": x, "y": y })
            }
            Self::Rsa(key, _) => {
                let key = key.public_key();
                let n: aws_lc_rs::rsa::PublicKeyComponents<Vec<u8>> = key.into();
                json!({ "kty": "RSA", "kid": id, "use": "sig", "n": part(&n.n), "e": part(&n.e) })
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let signature = match self {
            Self::Ed(key) => key.sign(signed.as_bytes()).as_ref().to_vec(),
            Self::Ec(key, ..) => {
                key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            Self::Rsa(key, how) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*how, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", part(signature))
    }
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

fn keys(signer: &Signer) -> Keys {
    Keys::parse(json!({ "keys": [signer.jwk("k1")] }).to_string().as_bytes()).unwrap()
}

fn settings() -> OidcSettings {
    serde_json::from_value(json!({ "issuer": IDP, "clientId": "us" })).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((NOW + seconds) * 1_000_000)
}

fn claims(changes: &Value) -> Value {
    let claims = json!({
        "iss": IDP, "aud": "us", "sub": "kim", "nonce": "n1", "iat": NOW - 1, "exp": NOW + 60,
    });
    changed(claims, changes)
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn check(token: &str, keys: &Keys, anew: Option<Timestamp>) -> (Result<Claims, Refusal>, Trace) {
    let (settings, mut trace) = (settings(), Trace::default());
    let expected = Expectation {
        settings: &settings,
        nonce: "n1",
        code: "the code",
        access_token: Some("the access token"),
        anew_since: anew,
        now: at(0),
    };
    let result = id_token(token, keys, &expected, &mut trace);
    (result, trace)
}

/// The check that failed.
fn failed(trace: &Trace) -> Option<&str> {
    let failed = trace.steps.iter().find(|step| step.outcome == Outcome::Failed);
    failed.map(|step| step.check.as_str())
}

#[test]
fn every_allowed_algorithm_signs_and_no_other() {
    let p256 = || Signer::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", 32);
    let all = [
        ("EdDSA", Signer::ed()),
        ("ES256", p256()),
        ("ES384", Signer::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", 48)),
        ("ES512", Signer::ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521", 66)),
        ("RS256", Signer::rsa(&RSA_PKCS1_SHA256)),
        ("RS384", Signer::rsa(&RSA_PKCS1_SHA384)),
        ("RS512", Signer::rsa(&RSA_PKCS1_SHA512)),
        ("PS256", Signer::rsa(&RSA_PSS_SHA256)),
        ("PS384", Signer::rsa(&RSA_PSS_SHA384)),
        ("PS512", Signer::rsa(&RSA_PSS_SHA512)),
    ];
    for (name, signer) in &all {
        let token = signer.sign(&json!({ "alg": name, "kid": "k1" }), &claims(&json!({})));
        let (result, trace) = check(&token, &keys(signer), None);
        assert!(result.is_ok(), "{name}: {trace:?}");
        // The same key under another algorithm's name says nothing.
        for (other, _) in all.iter().filter(|(other, _)| other != name) {
            let token = signer.sign(&json!({ "alg": other, "kid": "k1" }), &claims(&json!({})));
            assert_eq!(
                check(&token, &keys(signer), None).0,
                Err(Refusal::SignatureWrong),
                "{name} {other}"
            );
        }
    }
    let signer = p256();
    for name in ["none", "HS256", "HS512", "ES256K", "RS1", ""] {
        let token = signer.sign(&json!({ "alg": name, "kid": "k1" }), &claims(&json!({})));
        let (result, trace) = check(&token, &keys(&signer), None);
        assert_eq!((result, failed(&trace)), (Err(Refusal::TokenWrong), Some(ALGORITHM)), "{name}");
    }
}

#[test]
fn only_the_providers_own_keys_sign_and_only_those_that_are_meant_to() {
    let (signer, other) = (Signer::ed(), Signer::ed());
    let token = signer.sign(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims(&json!({})));
    let verify = |set: Value| {
        let keys = Keys::parse(set.to_string().as_bytes()).unwrap();
        check(&token, &keys, None).0.map(|_| ())
    };
    let with = |changes: Value| json!({ "keys": [changed(signer.jwk("k1"), &changes)] });
    assert_eq!(verify(with(json!({}))), Ok(()));
    assert_eq!(
        verify(with(json!({ "alg": "EdDSA", "use": "sig", "key_ops": ["verify"] }))),
        Ok(())
    );
    let wrong = Err(Refusal::SignatureWrong);
    assert_eq!(verify(json!({ "keys": [other.jwk("k1")] })), wrong);
    assert_eq!(verify(with(json!({ "kid": "k2" }))), wrong);
    assert_eq!(verify(with(json!({ "use": "enc" }))), wrong);
    assert_eq!(verify(with(json!({ "key_ops": ["encrypt"] }))), wrong);
    assert_eq!(verify(with(json!({ "alg": "RS256" }))), wrong);
    assert_eq!(verify(json!({ "keys": [] })), wrong);
    // What cannot be used stands in nobody's way.
    let odd = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }, 7, other.jwk("k1"), signer.jwk("k1")] });
    assert_eq!(verify(odd), Ok(()));
}

#[test]
fn a_key_that_comes_along_in_the_token_is_not_looked_at() {
    let (signer, attacker) = (Signer::ed(), Signer::ed());
    let header = json!({
        "alg": "EdDSA", "kid": "k1", "jwk": attacker.jwk("k1"), "jku": "https://evil.example/jwks",
    });
    let token = attacker.sign(&header, &claims(&json!({})));
    assert_eq!(check(&token, &keys(&signer), None).0, Err(Refusal::SignatureWrong));
}

#[test]
fn every_claim_is_held_against_what_was_asked() {
    let signer = Signer::ed();
    let right = Algorithm::of("EdDSA").unwrap().half_hash("the access token");
    let fine = [
        json!({}),
        json!({ "aud": ["us"] }),
        json!({ "aud": ["us", "them"], "azp": "us" }),
        json!({ "exp": NOW - 59 }),
        json!({ "iat": NOW + 59 }),
        json!({ "at_hash": right }),
        json!({ "email_verified": "true" }),
    ];
    for changes in fine {
        let token = signer.sign(&json!({ "alg": "EdDSA" }), &claims(&changes));
        let (result, trace) = check(&token, &keys(&signer), None);
        assert!(result.is_ok(), "{changes}: {trace:?}");
    }
    let wrong = [
        (json!({ "iss": "https://idp.example.org/" }), Refusal::IssuerWrong, checks::ISSUER),
        (json!({ "iss": null }), Refusal::IssuerWrong, checks::ISSUER),
        (json!({ "aud": "them" }), Refusal::AudienceWrong, AUDIENCE),
        (json!({ "aud": ["them", "US"] }), Refusal::AudienceWrong, AUDIENCE),
        (json!({ "aud": null }), Refusal::AudienceWrong, AUDIENCE),
        (json!({ "aud": ["us", "them"] }), Refusal::AudienceWrong, AUTHORIZED_PARTY),
        (json!({ "azp": "them" }), Refusal::AudienceWrong, AUTHORIZED_PARTY),
        (json!({ "azp": 7 }), Refusal::AudienceWrong, AUTHORIZED_PARTY),
        (json!({ "exp": NOW - 60 }), Refusal::Expired, EXPIRY),
        (json!({ "exp": null }), Refusal::Expired, EXPIRY),
        (json!({ "exp": "never" }), Refusal::Expired, EXPIRY),
        (json!({ "iat": NOW + 61 }), Refusal::NotYetValid, ISSUED),
        (json!({ "iat": null }), Refusal::NotYetValid, ISSUED),
        (json!({ "nbf": NOW + 61 }), Refusal::NotYetValid, ISSUED),
        (json!({ "nonce": "n2" }), Refusal::NonceWrong, NONCE),
        (json!({ "nonce": null }), Refusal::NonceWrong, NONCE),
        (json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }), Refusal::HashWrong, ACCESS_TOKEN_HASH),
        (json!({ "at_hash": 7 }), Refusal::HashWrong, ACCESS_TOKEN_HASH),
        (json!({ "c_hash": right }), Refusal::HashWrong, CODE_HASH),
        (json!({ "sub": null }), Refusal::SubjectMissing, SUBJECT),
        (json!({ "sub": "" }), Refusal::SubjectMissing, SUBJECT),
        (json!({ "sub": "k".repeat(2000) }), Refusal::SubjectMissing, SUBJECT),
    ];
    for (changes, why, name) in wrong {
        let token = signer.sign(&json!({ "alg": "EdDSA" }), &claims(&changes));
        let (result, trace) = check(&token, &keys(&signer), None);
        assert_eq!((result, failed(&trace)), (Err(why), Some(name)), "{changes}");
        assert_eq!(trace.refusal, Some(why));
        assert!(trace.steps.iter().all(|step| CHECKS.contains(&step.check.as_str())));
    }
}

#[test]
fn somebody_who_confirms_has_signed_in_since_they_were_asked() {
    let signer = Signer::ed();
    let confirmed = |changes: Value| {
        let token = signer.sign(&json!({ "alg": "EdDSA" }), &claims(&changes));
        check(&token, &keys(&signer), Some(at(-5))).0.map(|_| ())
    };
    assert_eq!(confirmed(json!({ "auth_time": NOW - 3 })), Ok(()));
    assert_eq!(confirmed(json!({ "auth_time": NOW - 3600 })), Err(Refusal::TooOld));
    assert_eq!(confirmed(json!({})), Err(Refusal::TooOld));
}

#[test]
fn nothing_that_is_worth_something_is_in_the_report() {
    let signer = Signer::ed();
    let token = signer.sign(&json!({ "alg": "EdDSA" }), &claims(&json!({})));
    let (_, mut trace) = check(&token, &keys(&signer), None);
    let signature = token.rsplit('.').next().unwrap().to_owned();
    trace.document(TOKENS_DOCUMENT, tokens(
        json!({ "access_token": "opaque-1", "refresh_token": "opaque-2", "id_token": token, "x": ["opaque-3"] })
            .to_string()
            .as_bytes(),
    ));
    trace.document(TOKENS_DOCUMENT, tokens(b"opaque-4, which is no JSON"));
    let answer = AuthorizationResponse::parse("code=opaque-5&state=opaque-6").unwrap();
    answer.code(&description(&json!({})).unwrap(), &settings(), &mut trace).unwrap();
    let report = serde_json::to_string(&trace).unwrap();
    assert!(!report.contains("opaque") && !report.contains(&signature), "{report}");
    assert!(
        DOCUMENTS.len() == 6
            && trace.documents.iter().all(|one| DOCUMENTS.contains(&one.title.as_str()))
    );
}

fn description(changes: &Value) -> Result<Description, Refusal> {
    let document = json!({
        "issuer": IDP,
        "authorization_endpoint": "https://idp.example.org/auth?x=1",
        "token_endpoint": "https://idp.example.org/token",
        "jwks_uri": "https://idp.example.org/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public", "of_another_kind"],
        "id_token_signing_alg_values_supported": ["RS256", "of_another_kind"],
        "display_values_supported": ["hologram"],
    });
    let document = changed(document, changes).to_string();
    Description::read(document.as_bytes(), &settings(), &mut Trace::default())
}

#[test]
fn a_description_is_of_its_issuer_to_the_letter_and_leads_over_tls_alone() {
    assert!(description(&json!({})).is_ok());
    for bad in [
        json!({ "issuer": "https://idp.example.org/" }),
        json!({ "issuer": "https://evil.example" }),
        json!({ "issuer": null }),
        json!({ "token_endpoint": null }),
        json!({ "token_endpoint": "http://idp.example.org/token" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
        json!({ "jwks_uri": "http://idp.example.org/jwks" }),
        json!({ "jwks_uri": "https://user:secret@idp.example.org/jwks" }),
        json!({ "userinfo_endpoint": "file:///etc/passwd" }),
        json!({ "end_session_endpoint": "http://idp.example.org/out" }),
    ] {
        assert_eq!(description(&bad).map(|_| ()), Err(Refusal::DiscoveryWrong), "{bad}");
    }
}

#[test]
fn an_answer_names_the_provider_that_was_asked() {
    let heard = |query: &str, changes: &Value| {
        let description = description(changes).unwrap();
        let response = AuthorizationResponse::parse(query).ok_or(Refusal::Malformed)?;
        response.code(&description, &settings(), &mut Trace::default()).map(str::to_owned)
    };
    let (silent, named) =
        (json!({}), json!({ "authorization_response_iss_parameter_supported": true }));
    let own = "iss=https%3A%2F%2Fidp.example.org";
    assert_eq!(heard("code=c", &silent).as_deref(), Ok("c"));
    assert_eq!(heard(&format!("code=c&{own}"), &named).as_deref(), Ok("c"));
    assert_eq!(heard("code=c", &named), Err(Refusal::IssuerWrong));
    assert_eq!(heard("code=c&iss=https%3A%2F%2Fevil.example", &silent), Err(Refusal::IssuerWrong));
    assert_eq!(heard("error=access_denied", &silent), Err(Refusal::ProviderSaidNo));
    assert_eq!(heard("error=access_denied&code=c", &silent), Err(Refusal::ProviderSaidNo));
    for bad in ["", "code=", "code=a&code=b", "state=x"] {
        assert_eq!(heard(bad, &silent), Err(Refusal::Malformed), "{bad}");
    }
}

#[test]
fn the_question_has_a_challenge_a_nonce_and_no_secret() {
    let settings = OidcSettings { acr_values: vec!["mfa".into()], ..settings() };
    let (description, secret) =
        (description(&json!({})).unwrap(), Some("secret".to_owned().into()));
    let callback = "https://us.example/t/acme/oidc/callback/p".to_owned();
    let client = client(&description, &settings, secret.as_ref(), callback).unwrap();
    let verifier = "v".repeat(43);
    let asked = |anew| Question { state: "s1", nonce: "n1", verifier: &verifier, anew };
    let url = authorization_url(&client, &settings, &asked(false));
    for part in [
        "https://idp.example.org/auth?x=1&",
        "response_type=code&",
        "client_id=us&",
        "state=s1",
        "nonce=n1",
        "code_challenge_method=S256",
        "scope=openid+email+profile",
        "acr_values=mfa",
        "redirect_uri=https%3A%2F%2Fus.example%2Ft%2Facme%2Foidc%2Fcallback%2Fp",
    ] {
        assert!(url.contains(part), "{part}: {url}");
    }
    assert!(
        !url.contains(&verifier) && !url.contains("secret") && !url.contains("prompt"),
        "{url}"
    );
    let url = authorization_url(&client, &settings, &asked(true));
    assert!(url.contains("prompt=login") && url.contains("max_age=0"), "{url}");
}

#[test]
fn userinfo_is_about_the_same_person_and_signed_if_it_says_so() {
    let signer = Signer::ed();
    let ask = |content_type: &str, body: &str| {
        let mut trace = Trace::default();
        userinfo(content_type, body.as_bytes(), &keys(&signer), &settings(), "kim", &mut trace)
            .map(|claims| claims["sub"].clone())
    };
    assert_eq!(ask("application/json", r#"{"sub":"kim"}"#), Ok("kim".into()));
    assert_eq!(ask("application/json", r#"{"sub":"Kim"}"#), Err(Refusal::UserinfoWrong));
    assert_eq!(ask("application/json", "{}"), Err(Refusal::UserinfoWrong));
    assert_eq!(ask("text/html", "<html>"), Err(Refusal::UserinfoWrong));
    let header = json!({ "alg": "EdDSA", "kid": "k1" });
    let signed = signer.sign(&header, &json!({ "iss": IDP, "aud": "us", "sub": "kim" }));
    assert_eq!(ask("application/JWT; charset=utf-8", &signed), Ok("kim".into()));
    let foreign = signer.sign(&header, &json!({ "iss": IDP, "aud": "them", "sub": "kim" }));
    assert_eq!(ask("application/jwt", &foreign), Err(Refusal::AudienceWrong));
    let forged = Signer::ed().sign(&header, &json!({ "iss": IDP, "aud": "us", "sub": "kim" }));
    assert_eq!(ask("application/jwt", &forged), Err(Refusal::SignatureWrong));
}

#[test]
fn a_logout_token_is_one_and_nothing_else_is() {
    let signer = Signer::ed();
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let ask = |header: &Value, changes: &Value| {
        let usual = json!({ "nonce": null, "jti": "j1", "sid": "s1", "events": event });
        let token = signer.sign(header, &changed(claims(&usual), changes));
        logout_token(&token, &keys(&signer), &settings(), at(0), &mut Trace::default())
    };
    let header = json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" });
    let ended = ask(&header, &json!({})).unwrap();
    assert_eq!((ended.subject.as_deref(), ended.session.as_deref()), (Some("kim"), Some("s1")));
    assert_eq!(ended.message, ("j1".to_owned(), at(120)));
    assert!(ask(&json!({ "alg": "EdDSA" }), &json!({ "sub": null })).is_ok());
    for (changes, why) in [
        (json!({ "nonce": "n1" }), Refusal::TokenWrong),
        (json!({ "events": null }), Refusal::TokenWrong),
        (json!({ "events": { "other": {} } }), Refusal::TokenWrong),
        (json!({ "jti": null }), Refusal::TokenWrong),
        (json!({ "sub": null, "sid": null }), Refusal::SubjectMissing),
        (json!({ "aud": "them" }), Refusal::AudienceWrong),
        (json!({ "iss": "https://evil.example" }), Refusal::IssuerWrong),
        (json!({ "exp": NOW - 60 }), Refusal::Expired),
        (json!({ "iat": NOW + 600 }), Refusal::NotYetValid),
    ] {
        assert_eq!(ask(&header, &changes), Err(why), "{changes}");
    }
    let typed = json!({ "alg": "EdDSA", "kid": "k1", "typ": "at+jwt" });
    assert_eq!(ask(&typed, &json!({})), Err(Refusal::TokenWrong));
    assert_eq!(ask(&json!({ "alg": "none" }), &json!({})), Err(Refusal::TokenWrong));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn a_token_with_anything_changed_in_it_is_refused(place in 0usize..1000, letter in "[A-Za-z0-9_.=-]") {
        let signer = Signer::ed();
        let token = signer.sign(&json!({ "alg": "EdDSA", "kid": "k1" }), &claims(&json!({})));
        let place = place % token.len();
        let changed = format!("{}{letter}{}", &token[..place], &token[place + 1..]);
        proptest::prop_assume!(changed != token);
        proptest::prop_assert!(check(&changed, &keys(&signer), None).0.is_err());
    }

    #[test]
    fn no_text_passes_for_a_logout_token_or_a_key_set(text in "\\PC{0,200}") {
        let signer = Signer::ed();
        let mut trace = Trace::default();
        let heard = logout_token(&text, &keys(&signer), &settings(), at(0), &mut trace);
        proptest::prop_assert!(heard.is_err());
        proptest::prop_assert!(logout_addresses(&text).is_none());
        let _ = (Keys::parse(text.as_bytes()), tokens(text.as_bytes()), AuthorizationResponse::parse(&text));
    }
}
