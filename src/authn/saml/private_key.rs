//! This service's own keys.

use std::fmt;

use bergshamra::keys::loader;
use bergshamra::{Key, SoftwareKey};

/// An RSA key of this service. Does not print; its bytes are wiped when the last copy goes.
#[derive(Clone)]
pub struct PrivateKey(Key);

/// The message names no part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key is no RSA key in PKCS#8: make a new one")]
pub struct KeyError;

impl PrivateKey {
    /// From PKCS#8 in PEM (RFC 7468), as `rcgen` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        loader::load_rsa_private_pem(pem.as_bytes()).map(Self).map_err(|_| KeyError)
    }

    /// As the signing library takes it.
    pub fn key(&self) -> &Key {
        &self.0
    }

    pub(super) fn software(&self) -> Option<SoftwareKey> {
        self.0.software_key().ok().flatten()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}
