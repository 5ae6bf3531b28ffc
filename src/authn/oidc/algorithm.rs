//! How tokens may be signed (RFC 7518, RFC 8037): with a key pair alone. A shared secret would be the
//! client's own, and "none" is nobody's word.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256, Sha384, Sha512};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub name: &'static str,
    how: How,
    hash: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Pkcs1,
    Pss,
    Ecdsa,
    Eddsa,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

const ALGORITHMS: [Algorithm; 10] = {
    const fn of(name: &'static str, how: How, hash: Hash) -> Algorithm {
        Algorithm { name, how, hash }
    }
    [
        of("RS256", How::Pkcs1, Hash::Sha256),
        of("RS384", How::Pkcs1, Hash::Sha384),
        of("RS512", How::Pkcs1, Hash::Sha512),
        of("PS256", How::Pss, Hash::Sha256),
        of("PS384", How::Pss, Hash::Sha384),
        of("PS512", How::Pss, Hash::Sha512),
        of("ES256", How::Ecdsa, Hash::Sha256),
        of("ES384", How::Ecdsa, Hash::Sha384),
        of("ES512", How::Ecdsa, Hash::Sha512),
        of("EdDSA", How::Eddsa, Hash::Sha512),
    ]
};

/// A public key as it stands in a key set, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// `crv`, and the point without compression.
    Ec {
        curve: String,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

impl Algorithm {
    /// Those that are allowed, and no other.
    pub fn of(name: &str) -> Option<Self> {
        ALGORITHMS.into_iter().find(|known| known.name == name)
    }

    /// Whether a key is of the kind, and the curve, that the algorithm takes.
    pub fn takes(self, key: &PublicKey) -> bool {
        match (self.how, key) {
            (How::Pkcs1 | How::Pss, PublicKey::Rsa { .. }) => true,
            (How::Ecdsa, PublicKey::Ec { curve, .. }) => curve == self.curve().0,
            (How::Eddsa, PublicKey::Ed25519(_)) => true,
            _ => false,
        }
    }

    /// RSA keys have 2048 to 8192 bits, or nothing that they sign counts.
    pub fn verifies(self, key: &PublicKey, signed: &[u8], signature: &[u8]) -> bool {
        match key {
            _ if !self.takes(key) => false,
            PublicKey::Rsa { modulus: n, exponent: e } => {
                RsaPublicKeyComponents { n, e }.verify(self.rsa(), signed, signature).is_ok()
            }
            PublicKey::Ec { point, .. } => {
                UnparsedPublicKey::new(self.curve().1, point).verify(signed, signature).is_ok()
            }
            PublicKey::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok()
            }
        }
    }

    /// What `at_hash` and `c_hash` say: the left half of the hash, in base64url (OpenID Connect Core,
    /// 3.1.3.6).
    pub fn half_hash(self, text: &str) -> String {
        let hash = match self.hash {
            Hash::Sha256 => Sha256::digest(text).to_vec(),
            Hash::Sha384 => Sha384::digest(text).to_vec(),
            Hash::Sha512 => Sha512::digest(text).to_vec(),
        };
        BASE64URL_NOPAD.encode(&hash[..hash.len() / 2])
    }

    fn rsa(self) -> &'static RsaParameters {
        match (self.how == How::Pss, self.hash) {
            (false, Hash::Sha256) => &RSA_PKCS1_2048_8192_SHA256,
            (false, Hash::Sha384) => &RSA_PKCS1_2048_8192_SHA384,
            (false, Hash::Sha512) => &RSA_PKCS1_2048_8192_SHA512,
            (true, Hash::Sha256) => &RSA_PSS_2048_8192_SHA256,
            (true, Hash::Sha384) => &RSA_PSS_2048_8192_SHA384,
            (true, Hash::Sha512) => &RSA_PSS_2048_8192_SHA512,
        }
    }

    fn curve(self) -> (&'static str, &'static EcdsaVerificationAlgorithm) {
        match self.hash {
            Hash::Sha256 => ("P-256", &ECDSA_P256_SHA256_FIXED),
            Hash::Sha384 => ("P-384", &ECDSA_P384_SHA384_FIXED),
            Hash::Sha512 => ("P-521", &ECDSA_P521_SHA512_FIXED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_shared_secret_nor_nothing_signs() {
        for name in ["none", "None", "", "HS256", "HS512", "rs256", "RS1", "ES256K", "RSA-OAEP"] {
            assert_eq!(Algorithm::of(name), None, "{name}");
        }
        for known in ALGORITHMS {
            assert_eq!(Algorithm::of(known.name), Some(known));
        }
    }

    #[test]
    fn the_hash_of_an_access_token_is_as_in_the_specification() {
        // OpenID Connect Core 1.0, A.3.
        let half = Algorithm::of("RS256")
            .unwrap()
            .half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert_eq!(half, "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
