//! Password hashing: bcrypt (Provos & Mazières 1999), at the cost that is set.
//!
//! A password is normalised to NFC first (NIST SP 800-63B-4, 3.1.1.2; RFC 8265): the same letters
//! typed on another system are other bytes. bcrypt reads 72 bytes and stops at NUL, so what it gets
//! is HMAC-SHA256 in base64: nothing of a long passphrase is ignored. The HMAC key is a constant
//! that keeps these hashes apart from other systems' plain SHA-256 digests (password shucking).

mod common;
mod strength;

pub use strength::{Context, PasswordError, Weakness, check};

use std::borrow::Cow;

use data_encoding::BASE64_NOPAD;
use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{CryptoError, Key32, mac};
use crate::kernel::Random;

/// Takes about 0.2 s of CPU at cost 12, by design, and twice that with each step: call it off the
/// async threads.
pub fn hash(
    password: &SecretString,
    cost: u32,
    random: &dyn Random,
) -> Result<String, CryptoError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    bcrypt::hash_with_salt(digest(password).as_bytes(), cost, salt)
        .map(|parts| parts.to_string())
        .map_err(|_| CryptoError::Unreadable)
}

/// Whether it is the password of this hash. `None` stands for an unknown account.
///
/// Takes as long for an unknown account, one that has no password yet, and one whose hash is of a
/// time when `cost` was lower: by time nobody learns who is there.
pub fn verify(password: &SecretString, hash: Option<&str>, cost: u32) -> bool {
    let digest = digest(password);
    let known = hash.and_then(|hash| cost_of(hash).map(|found| (hash, found)));
    let spend = |cost| bcrypt::hash_with_salt(digest.as_bytes(), cost, [0; 16]).is_ok();
    let Some((hash, found)) = known else {
        spend(cost);
        return false;
    };
    let matches = bcrypt::verify(digest.as_bytes(), hash).unwrap_or(false);
    // 2^found rounds were done; these are the 2^cost - 2^found that are missing.
    for missing in found..cost {
        spend(missing);
    }
    matches
}

/// Whether a hash was made when the cost was lower.
pub fn is_outdated(hash: &str, cost: u32) -> bool {
    cost_of(hash).is_some_and(|found| found < cost)
}

fn cost_of(hash: &str) -> Option<u32> {
    hash.parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost())
}

/// As it is hashed, counted and rated.
pub(super) fn normalized(password: &SecretString) -> Zeroizing<String> {
    const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
    match NFC.normalize(password.expose_secret()) {
        Cow::Borrowed(text) => Zeroizing::new(text.to_owned()),
        Cow::Owned(text) => Zeroizing::new(text),
    }
}

fn digest(password: &SecretString) -> Zeroizing<String> {
    let pepper = Key32::from_slice(b"strongroom/password/bcrypt/v1/32")
        .unwrap_or_else(|| unreachable!("the label has 32 bytes"));
    let digest = Zeroizing::new(mac::hmac(&pepper, &[normalized(password).as_bytes()]));
    Zeroizing::new(BASE64_NOPAD.encode(digest.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    /// bcrypt's own lowest: these tests are not about time.
    const QUICK: u32 = 4;

    fn made(password: &str) -> String {
        hash(&SecretString::from(password), QUICK, &SystemRandom).unwrap()
    }

    fn fits(password: &str, hash: Option<&str>) -> bool {
        verify(&SecretString::from(password), hash, QUICK)
    }

    #[test]
    fn what_comes_after_72_bytes_counts() {
        let long = "x".repeat(80);
        let hash = made(&format!("{long}a"));
        assert!(fits(&format!("{long}a"), Some(&hash)));
        assert!(!fits(&format!("{long}b"), Some(&hash)));
        assert!(!fits(&format!("{long}a"), None));
        assert!(hash.starts_with("$2b$04$"));
    }

    #[test]
    fn the_same_letters_typed_on_another_system_are_the_same_password() {
        let (composed, decomposed) =
            ("Zürich-Café-Ångström", "Zu\u{308}rich-Cafe\u{301}-A\u{30a}ngstro\u{308}m");
        assert!(fits(decomposed, Some(&made(composed))));
        assert!(!fits("Zurich-Cafe-Angstrom", Some(&made(composed))));
        // Case and compatibility forms are the person's choice.
        assert!(!fits("zürich-café-ångström", Some(&made(composed))));
        assert!(!fits("ﬁne", Some(&made("fine"))));
    }

    #[test]
    fn a_hash_of_a_lower_cost_still_works_and_is_due_for_another() {
        let (old, password) = (made("harbour lantern"), SecretString::from("harbour lantern"));
        assert!(verify(&password, Some(&old), QUICK + 1));
        assert!(is_outdated(&old, QUICK + 1) && !is_outdated(&old, QUICK));
        assert!(!is_outdated("!", QUICK + 1));
    }

    #[test]
    fn no_password_fits_an_account_that_has_none() {
        assert!(!fits("!", Some("!")) && !fits("", Some("")) && !fits("nobody", None));
    }
}
