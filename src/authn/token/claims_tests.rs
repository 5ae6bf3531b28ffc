//! What passes for an access token, and what does not.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::claims::{Claims, amr, kid};
use crate::authn::{Factor, Factors};
use crate::crypto::Key32;
use crate::crypto::signing::SigningKey;
use crate::kernel::id::{SessionId, TenantId, UserId};

const ISSUER: &str = "urn:strongroom:here";
const AUDIENCE: &str = "urn:strongroom:here:api";
const NOW: i64 = 1_795_323_967;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Key32::from_slice(&[seed; 32]).unwrap()).unwrap()
}

fn encoding(seed: u8) -> EncodingKey {
    EncodingKey::from_ed_der(&key(seed).pkcs8().unwrap())
}

fn good() -> Claims {
    Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: UserId::from_bytes([1; 16]),
        tid: TenantId::from_bytes([2; 16]),
        sid: SessionId::from_bytes([3; 16]),
        jti: uuid::Uuid::from_bytes([4; 16]),
        iat: NOW - 60,
        nbf: NOW - 60,
        exp: NOW + 840,
        amr: vec!["pwd".into()],
        auth_time: NOW - 60,
    }
}

fn signed(claims: &Claims) -> String {
    claims.sign("one", &encoding(1)).unwrap()
}

/// As a request is looked at: the header first, then everything.
fn read(token: &str) -> Option<Claims> {
    kid(token)?;
    let key = DecodingKey::from_ed_der(key(1).verifying_key().bytes());
    Claims::read(token, &key, ISSUER, AUDIENCE, NOW)
}

fn header(algorithm: Algorithm) -> Header {
    let mut header = Header::new(algorithm);
    (header.typ, header.kid) = (Some("at+jwt".into()), Some("one".into()));
    header
}

#[test]
fn what_was_signed_here_for_here_and_now_passes() {
    let token = signed(&good());
    assert_eq!(kid(&token).as_deref(), Some("one"));
    assert_eq!(read(&token), Some(good()));
}

#[test]
fn a_token_from_elsewhere_for_elsewhere_or_another_time_does_not() {
    let refused = |change: fn(&mut Claims)| {
        let mut claims = good();
        change(&mut claims);
        assert_eq!(read(&signed(&claims)), None, "{claims:?}");
    };
    refused(|claims| claims.exp = NOW);
    refused(|claims| claims.exp = NOW - 1);
    refused(|claims| claims.nbf = NOW + 1);
    refused(|claims| claims.iss = "urn:strongroom:there".into());
    refused(|claims| claims.iss = String::new());
    refused(|claims| claims.aud = "urn:strongroom:here".into());
    refused(|claims| claims.aud = "urn:strongroom:there:api".into());
}

#[test]
fn a_token_that_lacks_a_claim_does_not() {
    let whole = serde_json::to_value(good()).unwrap();
    for name in ["iss", "aud", "sub", "tid", "sid", "jti", "nbf", "exp"] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(name);
        let token = encode(&header(Algorithm::EdDSA), &part, &encoding(1)).unwrap();
        assert_eq!(read(&token), None, "without {name}");
    }
}

#[test]
fn no_other_algorithm_and_no_other_key_will_do() {
    let other = good().sign("one", &encoding(2)).unwrap();
    assert_eq!(read(&other), None, "another key under the same name");
    // The public key is public: as a secret for HMAC it would be everybody's.
    let public = key(1).verifying_key();
    let encoded = BASE64URL_NOPAD.encode(public.bytes());
    for secret in [public.bytes().as_slice(), encoded.as_bytes()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let hmac = EncodingKey::from_secret(secret);
            let token = encode(&header(algorithm), &good(), &hmac).unwrap();
            assert_eq!(read(&token), None, "{algorithm:?}");
        }
    }
    let [_, payload, signature] = parts(&signed(&good()));
    for algorithm in ["none", "None", "NONE", "HS256", "ES256", "RS256", ""] {
        let header = json!({ "typ": "at+jwt", "alg": algorithm, "kid": "one" });
        let header = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
        assert_eq!(read(&format!("{header}.{payload}.{signature}")), None, "{algorithm}");
        assert_eq!(read(&format!("{header}.{payload}.")), None, "{algorithm}");
    }
}

#[test]
fn what_was_signed_for_something_else_is_no_access_token() {
    for typ in [None, Some("JWT"), Some("dpop+jwt"), Some("AT+JWT ")] {
        let mut header = header(Algorithm::EdDSA);
        header.typ = typ.map(Into::into);
        let token = encode(&header, &good(), &encoding(1)).unwrap();
        assert_eq!(read(&token), None, "{typ:?}");
    }
    let mut critical = header(Algorithm::EdDSA);
    critical.crit = Some(vec!["exp".into()]);
    assert_eq!(read(&encode(&critical, &good(), &encoding(1)).unwrap()), None);
    let mut nameless = header(Algorithm::EdDSA);
    nameless.kid = None;
    assert_eq!(read(&encode(&nameless, &good(), &encoding(1)).unwrap()), None);
}

#[test]
fn a_token_says_how_somebody_proved_who_they_are() {
    let shown = |first, then: &[Factor]| {
        amr(&then.iter().fold(Factors::first(first), |all, factor| all.and(*factor)))
    };
    assert_eq!(shown(Factor::Password, &[]), ["pwd"]);
    assert_eq!(shown(Factor::Password, &[Factor::Authenticator]), ["pwd", "otp", "mfa"]);
    assert_eq!(shown(Factor::Passkey, &[]), ["user", "pop", "mfa"]);
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

proptest! {
    #[test]
    fn a_token_with_any_character_changed_is_refused(at in 0..10_000usize, to in "[A-Za-z0-9_-]") {
        let token = signed(&good());
        let at = at % token.len();
        let before = &token[at..=at];
        prop_assume!(before != to && before != ".");
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(read(&changed), None);
    }

    #[test]
    fn a_token_with_any_claim_changed_is_refused(at in 0..11usize, to in any::<u32>()) {
        let [header, payload, signature] = parts(&signed(&good()));
        let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap();
        let mut claims: Value = serde_json::from_slice(&payload).unwrap();
        let names: Vec<String> = claims.as_object().unwrap().keys().cloned().collect();
        let value = &mut claims[names[at % names.len()].as_str()];
        *value = match value {
            Value::Number(_) => to.into(),
            _ => format!("{to}").into(),
        };
        let payload = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        prop_assert_eq!(read(&format!("{header}.{payload}.{signature}")), None);
    }

    #[test]
    fn no_text_makes_it_panic_or_passes(text in r"[A-Za-z0-9_-]{0,80}(\.[A-Za-z0-9_-]{0,80}){0,3}|.*") {
        prop_assert_eq!(read(&text), None);
    }
}
