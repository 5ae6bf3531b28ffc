//! From claims to an identity.

use serde_json::Value;

use super::checks;
use super::jws::{self, Claims};
use crate::authn::sso::{Attributes, Identity, ProviderSession, Refusal, Trace};
use crate::kernel::limits;

/// Claims about the token, not about the person.
const OF_THE_TOKEN: [&str; 13] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "azp",
    "auth_time",
];

/// Who somebody is by an ID token that was checked, and by what userinfo has said of the same
/// person. The ID token goes first: it is signed.
///
/// # Errors
/// [`Refusal::TooLarge`] for more claims than anybody has.
pub fn identity(
    id_token: &str,
    claims: Claims,
    userinfo: Option<Claims>,
    trace: &mut Trace,
) -> Result<Identity, Refusal> {
    let own = |name: &str| jws::text(&claims, name).map(str::to_owned);
    let contexts = [jws::texts(&claims, "acr"), jws::texts(&claims, "amr")].concat();
    let contexts = contexts.into_iter().map(str::to_owned).collect();
    let subject = own("sub").unwrap_or_default();
    let session = ProviderSession {
        index: own("sid"),
        id_token: (id_token.len() <= limits::OIDC_HINT_BYTES).then(|| id_token.to_owned()),
        ..ProviderSession::default()
    };
    let authenticated = jws::time(&claims, "auth_time");
    let all = merged(claims, userinfo.unwrap_or_default());
    let attributes =
        attributes(&all).map_err(|why| trace.refused(checks::CLAIMS, why, None, None))?.all();
    trace.passed(checks::CLAIMS, attributes.len().to_string());
    Ok(Identity { subject, attributes, contexts, authenticated, session })
}

/// An address and whether it is verified belong together: they are taken from one place.
fn merged(claims: Claims, mut userinfo: Claims) -> Claims {
    if claims.contains_key("email") && claims.get("email") != userinfo.get("email") {
        userinfo.remove("email_verified");
    }
    userinfo.extend(claims);
    userinfo
}

/// Every value as text under the name of its claim; what is in an object has the object's name and a
/// dot before its own.
fn attributes(claims: &Claims) -> Result<Attributes, Refusal> {
    let mut found = Attributes::default();
    let of_person = claims.iter().filter(|(name, _)| !OF_THE_TOKEN.contains(&name.as_str()));
    for (name, value) in of_person {
        collect(claims, name, value, &mut found)?;
    }
    Ok(found)
}

fn collect(
    claims: &Claims,
    name: &str,
    value: &Value,
    found: &mut Attributes,
) -> Result<(), Refusal> {
    match value {
        Value::String(text) => found.add(name, text.clone()),
        Value::Number(number) => found.add(name, number.to_string()),
        Value::Bool(truth) => found.add(name, truth.to_string()),
        Value::Null => Ok(()),
        Value::Array(values) => {
            values.iter().try_for_each(|value| collect(claims, name, value, found))
        }
        Value::Object(inner) => inner.iter().try_for_each(|(member, value)| {
            // Before it is made: what is in there has a longer one still.
            if name.len() + member.len() >= limits::SSO_ATTRIBUTE_NAME_BYTES {
                return Ok(());
            }
            let name = format!("{name}.{member}");
            // A claim that has this very name is another one.
            match claims.contains_key(&name) {
                true => Ok(()),
                false => collect(claims, &name, value, found),
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
    }

    fn identity(id_token: &str, claims: Claims, userinfo: Option<Claims>) -> Identity {
        super::identity(id_token, claims, userinfo, &mut Trace::default()).unwrap()
    }

    #[test]
    fn every_value_is_a_text_and_what_is_nested_has_a_dot() {
        let who = identity(
            "token",
            claims(
                r#"{"sub":"kim","iss":"x","email":"kim@example.org","email_verified":true,"level":3,
                    "groups":["a","b",null],"realm_access":{"roles":["admin"]},"acr":"mfa",
                    "amr":["pwd","otp"],"sid":"s1","auth_time":7}"#,
            ),
            None,
        );
        let has = |name: &str| who.attributes.get(name).cloned().unwrap_or_default();
        assert_eq!(has("email_verified"), ["true"]);
        assert_eq!(has("level"), ["3"]);
        assert_eq!(has("groups"), ["a", "b"]);
        assert_eq!(has("realm_access.roles"), ["admin"]);
        assert_eq!(has("iss"), [""; 0]);
        assert_eq!(who.contexts, ["mfa", "pwd", "otp"]);
        assert_eq!((who.subject.as_str(), who.session.index.as_deref()), ("kim", Some("s1")));
        assert_eq!(who.authenticated.unwrap().as_micros(), 7_000_000);
    }

    #[test]
    fn an_address_is_not_verified_by_what_is_said_about_another() {
        let signed = claims(r#"{"sub":"kim","email":"owner@example.org"}"#);
        let said = claims(r#"{"sub":"kim","email":"kim@evil.example","email_verified":true}"#);
        let who = identity("token", signed, Some(said));
        assert_eq!(who.attributes["email"], ["owner@example.org"]);
        assert!(!who.attributes.contains_key("email_verified"));
    }

    #[test]
    fn a_nested_claim_does_not_pass_for_one_with_its_name() {
        let both = claims(r#"{"sub":"kim","a.b":"own","a":{"b":"nested"}}"#);
        assert_eq!(identity("token", both, None).attributes["a.b"], ["own"]);
    }

    #[test]
    fn a_long_name_is_not_repeated_for_everything_that_is_in_it() {
        let members: Vec<String> = (0..20_000).map(|n| format!("\"{n}\":1")).collect();
        let (long, members) = ("n".repeat(100_000), members.join(","));
        let text = format!(r#"{{"sub":"kim","email":"e","{long}":{{{members}}},"{long}x":"y"}}"#);
        let who = identity("token", claims(&text), None);
        assert_eq!(who.attributes.keys().collect::<Vec<_>>(), ["email", "sub"]);
        // In pieces, too.
        let mut deep = Value::from(1);
        for _ in 0..50 {
            deep = serde_json::json!({ "0123456789": deep, "n".repeat(200): [1] });
        }
        let text = serde_json::json!({ "sub": "kim", "deep": deep }).to_string();
        let who = identity("token", claims(&text), None);
        assert!(who.attributes.keys().all(|name| name.len() <= 256));
    }

    #[test]
    fn more_claims_than_anybody_has_are_refused_and_none_is_left_out() {
        let refused = |text: &str| {
            let mut trace = Trace::default();
            let found = super::identity("token", claims(text), None, &mut trace);
            assert_eq!(found.as_ref().err().copied(), trace.refusal);
            found.err()
        };
        let many = |number: usize| {
            let all: Vec<String> = (1..number).map(|n| format!("\"c{n}\":1")).collect();
            format!(r#"{{"sub":"kim","all":{{{}}}}}"#, all.join(","))
        };
        assert_eq!(refused(&many(1000)), None);
        assert_eq!(refused(&many(1001)), Some(Refusal::TooLarge));
        let long = |length: usize| format!(r#"{{"sub":"kim","long":"{}"}}"#, "x".repeat(length));
        assert_eq!(refused(&long(256 * 1024)), None);
        assert_eq!(refused(&long(600 * 1024)), Some(Refusal::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_claimed_is_read(names in proptest::collection::vec("[a-z.]{1,6}", 0..8), depth in 0usize..60) {
            let mut value = Value::from(1);
            for name in names.iter().cycle().take(if names.is_empty() { 0 } else { depth }) {
                value = serde_json::json!({ name.as_str(): [value, name] });
            }
            let mut claims = Claims::new();
            claims.insert("sub".to_owned(), "kim".into());
            claims.insert("deep".to_owned(), value);
            proptest::prop_assert_eq!(identity("token", claims, None).subject, "kim");
        }
    }
}
