//! From claims to an identity.

use std::collections::BTreeMap;

use serde_json::Value;

use super::jws::{self, Claims};
use crate::authn::sso::{Identity, ProviderSession};
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
pub fn identity(id_token: &str, claims: Claims, userinfo: Option<Claims>) -> Identity {
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
    Identity { subject, attributes: attributes(&all), contexts, authenticated, session }
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
fn attributes(claims: &Claims) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let of_person = claims.iter().filter(|(name, _)| !OF_THE_TOKEN.contains(&name.as_str()));
    for (name, value) in of_person {
        collect(claims, name, value, &mut found);
    }
    found
}

fn collect(claims: &Claims, name: &str, value: &Value, found: &mut BTreeMap<String, Vec<String>>) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null => return,
        Value::Array(values) => {
            return values.iter().for_each(|value| collect(claims, name, value, found));
        }
        Value::Object(inner) => {
            for (member, value) in inner {
                let name = format!("{name}.{member}");
                // A claim that has this very name is another one.
                if !claims.contains_key(&name) {
                    collect(claims, &name, value, found);
                }
            }
            return;
        }
    };
    found.entry(name.to_owned()).or_default().push(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
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
