//! Access tokens (JWT, RFC 7519) and the refresh tokens that they are renewed with. A session of an
//! application is what both stand for: it ends, and they are worth nothing.

mod claims;
#[cfg(test)]
mod claims_tests;
mod issue;
mod keys;
mod refresh;
mod rotation;
mod standing;
mod verify;

pub use issue::TokenPair;
pub use keys::{JWKS_MAX_AGE, Jwk, Jwks};
pub use rotation::{Rotated, RotationError, When, rotate, rotate_when_due, sweep};

use keys::TokenKeys;
use verify::Cache;

use crate::kernel::id::InstallationId;

/// Makes and checks access tokens.
pub struct Tokens {
    /// Who made them: not an address, which may change.
    issuer: String,
    keys: TokenKeys,
    cache: Cache,
}

impl Tokens {
    pub fn new(installation: InstallationId) -> Self {
        let issuer = format!("urn:strongroom:{installation}");
        Self { issuer, keys: TokenKeys::default(), cache: Cache::default() }
    }
}
