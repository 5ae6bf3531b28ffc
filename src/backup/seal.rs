//! Encryption of what leaves the machine: `age` (age-encryption.org/v1) to X25519 recipients.

use std::io::{Read, Write};
use std::path::Path;

use age::Encryptor;
use age::stream::{StreamReader, StreamWriter};
use age::x25519;

use crate::config;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(
        "no recipient of backups is configured: set backup.recipients to one or more age1… keys"
    )]
    NoRecipient,
    #[error("cannot read the private key in {file}: {reason}")]
    Identity { file: String, reason: String },
    #[error("none of the private keys given opens this archive")]
    WrongKey,
    #[error("the archive is damaged or was changed: {0}")]
    Damaged(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Who can read what is encrypted.
#[derive(Clone, Debug)]
pub struct Recipients(Vec<config::Recipient>);

impl Recipients {
    /// # Errors
    /// [`SealError::NoRecipient`]
    pub fn new(recipients: &[config::Recipient]) -> Result<Self, SealError> {
        match recipients {
            [] => Err(SealError::NoRecipient),
            some => Ok(Self(some.to_vec())),
        }
    }

    /// Their public keys, for manifests.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|one| one.key().to_string()).collect()
    }

    /// What is written to the answer comes out at `out` encrypted; the caller calls `finish`.
    pub fn encrypt<W: Write>(&self, out: W) -> Result<StreamWriter<W>, SealError> {
        let keys = self.0.iter().map(|one| one.key() as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(keys)
            .map_err(|error| SealError::Damaged(error.to_string()))?;
        Ok(encryptor.wrap_output(out)?)
    }
}

/// Private keys, given for one run.
pub struct Identities(Vec<x25519::Identity>);

impl Identities {
    /// Reads an `age-keygen` file.
    ///
    /// # Errors
    /// [`SealError::Identity`]
    pub fn read(path: &Path) -> Result<Self, SealError> {
        let refused =
            |reason: String| SealError::Identity { file: path.display().to_string(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let text = zeroize::Zeroizing::new(text);
        Self::parse(&text).map_err(|error| match error {
            SealError::Identity { reason, .. } => refused(reason),
            other => other,
        })
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// [`SealError::Identity`]
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let refused =
            |reason: String| SealError::Identity { file: "what was given".into(), reason };
        let lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Result<Vec<x25519::Identity>, _> = lines.map(str::parse).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self(keys)),
            Ok(_) => Err(refused("there is none in it".into())),
            Err(_) => Err(refused("a line of it is no private key of age".into())),
        }
    }

    #[cfg(test)]
    pub fn generate() -> Self {
        Self(vec![x25519::Identity::generate()])
    }

    #[cfg(test)]
    pub fn clone_for_tests(&self) -> Self {
        Self(self.0.clone())
    }

    #[cfg(test)]
    pub fn to_recipients(&self) -> Recipients {
        Recipients(self.recipients().iter().map(|key| key.parse().unwrap()).collect())
    }

    /// The public halves.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|key| key.to_public().to_string()).collect()
    }

    /// Decrypts a stream; damage shows while it is read, at the latest at its end.
    pub fn decrypt<R: Read>(&self, input: R) -> Result<StreamReader<R>, SealError> {
        let decryptor = age::Decryptor::new(input).map_err(refused)?;
        decryptor.decrypt(self.0.iter().map(|key| key as &dyn age::Identity)).map_err(refused)
    }
}

fn refused(error: age::DecryptError) -> SealError {
    match error {
        age::DecryptError::NoMatchingKeys => SealError::WrongKey,
        age::DecryptError::Io(error) => SealError::Io(error),
        other => SealError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(identities: &Identities) -> Recipients {
        identities.to_recipients()
    }

    #[test]
    fn any_of_several_keys_opens_it_and_no_other_does() {
        let (one, two, other) =
            (Identities::generate(), Identities::generate(), Identities::generate());
        let both = Recipients([recipients(&one).0, recipients(&two).0].concat());
        let mut out = both.encrypt(Vec::new()).unwrap();
        out.write_all(b"a secret").unwrap();
        let sealed = out.finish().unwrap();
        for identities in [&one, &two] {
            let mut plain = Vec::new();
            identities.decrypt(sealed.as_slice()).unwrap().read_to_end(&mut plain).unwrap();
            assert_eq!(plain, b"a secret");
        }
        assert!(matches!(other.decrypt(sealed.as_slice()), Err(SealError::WrongKey)));
        assert!(matches!(Recipients::new(&[]), Err(SealError::NoRecipient)));
    }

    #[test]
    fn what_was_cut_off_or_changed_is_refused() {
        let identities = Identities::generate();
        let mut out = recipients(&identities).encrypt(Vec::new()).unwrap();
        out.write_all(&[7; 200_000]).unwrap();
        let sealed = out.finish().unwrap();
        for at in [0, 100, sealed.len() / 2, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            for bytes in [&sealed[..at], &changed] {
                let read = identities
                    .decrypt(bytes)
                    .and_then(|mut plain| Ok(plain.read_to_end(&mut Vec::new())?));
                assert!(read.is_err(), "{at}");
            }
        }
    }
}
