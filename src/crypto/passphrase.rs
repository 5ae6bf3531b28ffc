//! A root key out of a passphrase: Argon2id (RFC 9106).
//!
//! Salt and cost stand beside the wrapped master key in `root.json`, which goes into backups: with
//! the passphrase alone, a restore after a fire finds everything else there.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use data_encoding::HEXLOWER;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};
use zxcvbn::zxcvbn;

use super::password::normalized;
use super::{CryptoError, Key32};
use crate::kernel::{Random, limits};

/// How the root key is made of the passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Derivation {
    algorithm: Name,
    /// 16 random bytes, in hex.
    salt: String,
    memory_kib: u32,
    passes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Name {
    #[serde(rename = "argon2id")]
    Argon2id,
}

impl Derivation {
    pub fn generate(random: &dyn Random) -> Self {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        Self {
            algorithm: Name::Argon2id,
            salt: HEXLOWER.encode(&salt),
            memory_kib: limits::PASSPHRASE_MEMORY_KIB,
            passes: limits::PASSPHRASE_PASSES,
        }
    }

    /// The root key. Takes about a second and as much memory as [`limits::PASSPHRASE_MEMORY_KIB`].
    ///
    /// # Errors
    /// A cost that this release would not have chosen: whoever can write to `root.json` must not be
    /// able to have a cheaper one used, nor one that the machine dies of.
    pub fn derive(&self, passphrase: &SecretString) -> Result<Key32, CryptoError> {
        let refused = |what: &str| {
            CryptoError::Root(format!(
                "root.json: {what}; restore it from a backup of the key store"
            ))
        };
        let memory = limits::PASSPHRASE_MEMORY_KIB..=limits::PASSPHRASE_MEMORY_KIB * 16;
        let passes = limits::PASSPHRASE_PASSES..=limits::PASSPHRASE_PASSES * 16;
        if !memory.contains(&self.memory_kib) || !passes.contains(&self.passes) {
            return Err(refused("the cost of its passphrase is out of bounds"));
        }
        let salt = HEXLOWER.decode(self.salt.as_bytes()).ok().filter(|salt| salt.len() == 16);
        let salt = salt.ok_or_else(|| refused("the salt of its passphrase is damaged"))?;
        let failed = |_| refused("the key cannot be made of its passphrase");
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(failed)?;
        let mut blocks = vec![Block::default(); params.block_count()];
        let mut key = Zeroizing::new([0; 32]);
        let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                normalized(passphrase).as_bytes(),
                &salt,
                key.as_mut(),
                &mut blocks,
            );
        blocks.iter_mut().for_each(Zeroize::zeroize);
        made.map_err(failed)?;
        Key32::from_slice(key.as_ref()).ok_or(CryptoError::Unreadable)
    }
}

/// What is asked of a new passphrase. Whoever has `root.json` can try passphrases without anybody
/// noticing, for as long as they like.
///
/// # Errors
/// Says how to make a better one; never what was given.
pub fn check(passphrase: &SecretString) -> Result<(), CryptoError> {
    let text = normalized(passphrase);
    let rated: String = text.chars().take(limits::PASSPHRASE_RATED).collect();
    let guesses = zxcvbn(&Zeroizing::new(rated), &["strongroom"]).guesses_log10();
    if guesses < limits::PASSPHRASE_GUESSES_LOG10 {
        return Err(CryptoError::Root(
            "the passphrase for the root key can be guessed: take six words or more that were \
             drawn by dice or by a password manager"
                .into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::SystemRandom;

    const WORDS: &str = "harbour lantern orchid pebble walnut drizzle";

    #[test]
    fn the_same_passphrase_and_salt_make_the_same_key_and_nothing_else_does() {
        let derivation = Derivation::generate(&SystemRandom);
        let key = derivation.derive(&WORDS.into()).unwrap();
        assert_eq!(derivation.derive(&WORDS.into()).unwrap(), key);
        assert_ne!(derivation.derive(&"another one".into()).unwrap(), key);
        assert_ne!(Derivation::generate(&SystemRandom).derive(&WORDS.into()).unwrap(), key);
    }

    #[test]
    fn a_cost_that_somebody_lowered_or_raised_is_refused() {
        let good = Derivation::generate(&SystemRandom);
        for bad in [
            Derivation { memory_kib: 8, ..good.clone() },
            Derivation { memory_kib: u32::MAX, ..good.clone() },
            Derivation { passes: 1, ..good.clone() },
            Derivation { passes: 1_000_000, ..good.clone() },
            Derivation { salt: "ab".into(), ..good },
        ] {
            assert!(bad.derive(&WORDS.into()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_passphrase_that_can_be_guessed_is_refused_and_not_repeated() {
        for weak in ["", "strongroom", "correct horse", "Passw0rd!Passw0rd!Passw0rd!", "aaaaaaaaaa"]
        {
            let said = check(&weak.into()).unwrap_err().to_string();
            assert!(weak.is_empty() || !said.contains(weak), "{said}");
        }
        check(&WORDS.into()).unwrap();
    }
}
