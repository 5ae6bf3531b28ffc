//! Password hashing: bcrypt (Provos & Mazières 1999), cost 12.
//!
//! bcrypt reads 72 bytes and stops at NUL, so the password goes through HMAC-SHA256 and base64
//! first: nothing of a long passphrase is ignored. The HMAC key is a constant that keeps these
//! hashes apart from other systems' plain SHA-256 digests (password shucking).

use std::sync::OnceLock;

use data_encoding::BASE64_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{CryptoError, Key32, mac};
use crate::kernel::{Random, limits};

pub const COST: u32 = 12;

/// # Errors
/// Says what a person can do about a password that is too short or too long.
pub fn check(password: &SecretString) -> Result<(), PasswordError> {
    let password = password.expose_secret();
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > limits::PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error(
        "a password has at least {} characters; a few random words are easiest to remember",
        limits::PASSWORD_CHARS_MIN
    )]
    TooShort,
    #[error("a password has at most {} bytes", limits::PASSWORD_BYTES_MAX)]
    TooLong,
}

/// Takes about 0.2 s of CPU by design: call it off the async threads.
pub fn hash(password: &SecretString, random: &dyn Random) -> Result<String, CryptoError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    bcrypt::hash_with_salt(digest(password).as_bytes(), COST, salt)
        .map(|parts| parts.to_string())
        .map_err(|_| CryptoError::Unreadable)
}

/// `None` stands for an unknown account and costs the same time as a known one.
pub fn verify(password: &SecretString, hash: Option<&str>) -> bool {
    let matches =
        bcrypt::verify(digest(password).as_bytes(), hash.unwrap_or(nobody())).unwrap_or(false);
    matches && hash.is_some()
}

/// A well-formed hash that stands in for accounts that do not exist.
fn nobody() -> &'static str {
    static NOBODY: OnceLock<String> = OnceLock::new();
    NOBODY.get_or_init(|| {
        bcrypt::hash_with_salt(b"nobody", COST, [0; 16])
            .map(|parts| parts.to_string())
            .unwrap_or_default()
    })
}

fn digest(password: &SecretString) -> Zeroizing<String> {
    let pepper = Key32::from_slice(b"strongroom/password/bcrypt/v1/32")
        .unwrap_or_else(|| unreachable!("the label has 32 bytes"));
    let digest = Zeroizing::new(mac::hmac(&pepper, &[password.expose_secret().as_bytes()]));
    Zeroizing::new(BASE64_NOPAD.encode(digest.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    #[test]
    fn what_comes_after_72_bytes_counts() {
        let long = "x".repeat(80);
        let hash = hash(&SecretString::from(format!("{long}a")), &SystemRandom).unwrap();
        assert!(verify(&SecretString::from(format!("{long}a")), Some(&hash)));
        assert!(!verify(&SecretString::from(format!("{long}b")), Some(&hash)));
        assert!(!verify(&SecretString::from(format!("{long}a")), None));
        assert!(hash.starts_with("$2b$12$"));
    }
}
