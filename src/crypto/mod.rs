//! Root key sources, the key hierarchy, envelopes and keyed hashes.
//!
//! Primitives come from libraries (`aes-gcm`, `aws-lc-rs`, `hkdf`, `hmac`, `sha2`, `bcrypt`,
//! `argon2`); this room says which key protects what, and binds every ciphertext to the place that
//! it belongs to.

mod audit_keys;
pub mod classification;
pub mod envelope;
pub mod key;
pub mod keyring;
pub mod mac;
pub mod passphrase;
pub mod password;
pub mod root;
pub mod signing;
pub mod token;
pub mod wrap;

pub use classification::Field;
pub use key::Key32;
pub use keyring::{KeyShelf, TenantKeys};

use crate::kernel::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// Wrong key, wrong place, or damaged bytes: authenticated encryption does not say which.
    #[error("stored data could not be decrypted: it is damaged or belongs elsewhere")]
    Unreadable,
    /// The key was destroyed, so what it sealed is gone for good.
    #[error("the key to this data has been destroyed")]
    KeyDestroyed,
    #[error("key store: {0}")]
    Shelf(String),
    #[error("{0}")]
    Root(String),
}

impl CryptoError {
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }
}
