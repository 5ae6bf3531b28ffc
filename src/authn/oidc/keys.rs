//! A provider's keys (JWKS, RFC 7517), and what they sign.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::algorithm::PublicKey;
use super::jws::Jws;
use crate::kernel::limits;

/// Those of a key set that may sign and can be used; others are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    key: PublicKey,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    Algorithm,
    /// The provider has no such key, as far as is known.
    Unknown,
    Signature,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Nothing for what is no key set.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(json).ok()?;
        let keys =
            set.keys.into_iter().filter_map(|key| Key::of(serde_json::from_value(key).ok()?));
        Some(Self(keys.take(limits::OIDC_KEYS).collect()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them has signed it: the one that it names, if it names one.
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), KeyError> {
        let algorithm = jws.algorithm().ok_or(KeyError::Algorithm)?;
        let fits = |key: &&Key| {
            jws.key_id().is_none_or(|id| key.id.as_deref() == Some(id))
                && key.algorithm.as_deref().is_none_or(|only| only == algorithm.name)
                && algorithm.takes(&key.key)
        };
        let mut candidates = self.0.iter().filter(fits).peekable();
        if candidates.peek().is_none() {
            return Err(KeyError::Unknown);
        }
        let signed = jws.signed.as_bytes();
        match candidates.any(|key| algorithm.verifies(&key.key, signed, &jws.signature)) {
            true => Ok(()),
            false => Err(KeyError::Signature),
        }
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
            && jwk.key_ops.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        let part = |part: &Option<String>| BASE64URL_NOPAD.decode(part.as_ref()?.as_bytes()).ok();
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => PublicKey::Rsa { modulus: part(&jwk.n)?, exponent: part(&jwk.e)? },
            ("EC", Some(curve)) => {
                let (x, y) = (part(&jwk.x)?, part(&jwk.y)?);
                PublicKey::Ec { curve: curve.to_owned(), point: [&[4][..], &x, &y].concat() }
            }
            ("OKP", Some("Ed25519")) => PublicKey::Ed25519(part(&jwk.x)?),
            _ => return None,
        };
        signs.then_some(Self { id: jwk.kid, algorithm: jwk.alg, key })
    }
}
