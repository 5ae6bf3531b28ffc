//! Signed JSON as tokens have it: a JWS in compact form (RFC 7515), with claims (RFC 7519).

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use crate::kernel::Timestamp;

pub type Claims = Map<String, Value>;

/// Taken apart, and nothing of it believed yet.
pub struct Jws<'a> {
    header: Claims,
    /// Not to be used before the signature was.
    pub claims: Claims,
    /// What the signature is over.
    pub signed: &'a str,
    pub signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Three parts of strict base64url, the first two JSON objects. One with `crit` is none: it asks
    /// for something to be understood that is not (RFC 7515, 4.1.11).
    pub fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let object = |text: &str| serde_json::from_slice::<Claims>(&part(text)?).ok();
        let (header, claims) = (object(header)?, object(claims)?);
        let signature = part(signature)?;
        (!header.contains_key("crit")).then_some(Self { header, claims, signed, signature })
    }

    /// As the header names it, known or not.
    pub fn algorithm_name(&self) -> &str {
        self.text("alg").unwrap_or_default()
    }

    pub fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::of(self.algorithm_name())
    }

    pub fn key_id(&self) -> Option<&str> {
        self.text("kid")
    }

    pub fn media_type(&self) -> Option<&str> {
        self.text("typ")
    }

    /// Header and claims for people to read, without the signature that makes it worth something.
    pub fn display(&self) -> String {
        pretty(&serde_json::json!({ "header": self.header, "claims": self.claims }))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }
}

pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A claim that is a text.
pub fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// A claim that is one text or a list of them.
pub fn texts<'a>(claims: &'a Claims, name: &str) -> Vec<&'a str> {
    match claims.get(name) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A claim that is a time: seconds since 1970, perhaps with a fraction (RFC 7519, 2).
pub fn time(claims: &Claims, name: &str) -> Option<Timestamp> {
    let seconds = claims.get(name)?.as_f64()?;
    // Until the year 5138: what is beyond is no time.
    let fits = (0.0..=1e11).contains(&seconds);
    #[expect(clippy::cast_possible_truncation, reason = "its range was looked at")]
    fits.then(|| Timestamp::from_micros((seconds * 1e6) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(header: &str, claims: &str) -> String {
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn only_three_strict_parts_are_a_token() {
        let fine = compact(r#"{"alg":"RS256"}"#, r#"{"sub":"kim"}"#);
        assert_eq!(Jws::parse(&fine).unwrap().claims["sub"], "kim");
        for bad in [
            format!("{fine}="),
            format!("{fine}.e30"),
            format!(" {fine}"),
            fine.replace('.', ""),
            compact("[]", "{}"),
            compact("{}", r#""kim""#),
            compact(r#"{"alg":"RS256","crit":["x"]}"#, "{}"),
            String::new(),
            "..".to_owned(),
        ] {
            assert!(Jws::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_time_is_a_number_of_seconds_that_can_be() {
        let claims = |text: &str| serde_json::from_str::<Claims>(text).unwrap();
        let read = |text: &str| time(&claims(text), "exp").map(Timestamp::as_micros);
        assert_eq!(read(r#"{"exp":1}"#), Some(1_000_000));
        assert_eq!(read(r#"{"exp":1.5}"#), Some(1_500_000));
        for bad in [r#"{"exp":-1}"#, r#"{"exp":1e300}"#, r#"{"exp":"1"}"#, r#"{"exp":null}"#, "{}"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in "[A-Za-z0-9_.={}\"-]{0,80}") {
            if let Some(jws) = Jws::parse(&text) {
                let _ = (jws.algorithm(), jws.key_id(), jws.display());
            }
        }
    }
}
