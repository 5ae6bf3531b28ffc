//! What may sign and digest: everything else is refused by name.

use bergshamra::core::algorithm as uri;

const SIGNATURES: &[&str] = &[
    uri::RSA_SHA256,
    uri::RSA_SHA384,
    uri::RSA_SHA512,
    uri::RSA_PSS_SHA256,
    uri::RSA_PSS_SHA384,
    uri::RSA_PSS_SHA512,
    uri::ECDSA_SHA256,
    uri::ECDSA_SHA384,
    uri::ECDSA_SHA512,
];
const DIGESTS: &[&str] = &[uri::SHA256, uri::SHA384, uri::SHA512];

/// Broken; some providers have nothing else.
const SHA1_SIGNATURES: &[&str] = &[uri::RSA_SHA1];
const SHA1_DIGESTS: &[&str] = &[uri::SHA1];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Good,
    Sha1,
    Unknown,
}

pub(super) fn signature(name: &str) -> Strength {
    strength(name, SIGNATURES, SHA1_SIGNATURES)
}

pub(super) fn digest(name: &str) -> Strength {
    strength(name, DIGESTS, SHA1_DIGESTS)
}

fn strength(name: &str, good: &[&str], sha1: &[&str]) -> Strength {
    if good.contains(&name) {
        Strength::Good
    } else if sha1.contains(&name) {
        Strength::Sha1
    } else {
        Strength::Unknown
    }
}
