//! Finding the root key, and on an empty directory making one.

use std::path::Path;

use data_encoding::HEXLOWER;

use super::BootError;
use crate::config::{PassphraseFrom, RootKey, RootKeyConfig};
use crate::crypto::passphrase::{self, Derivation};
use crate::crypto::root::{LocalRoot, RootFile};
use crate::crypto::{CryptoError, Key32};
use crate::kernel::Runtime;
use crate::store::files;

/// The root key that is made when none is configured. It lies beside the data, so whoever takes
/// the disk has both: good enough to begin with, and said so at every start.
pub const EMBEDDED: &str = "root.key";

pub struct FoundRoot {
    pub source: LocalRoot,
    /// The key lies in the data directory.
    pub embedded: bool,
    /// How it was made of a passphrase.
    pub passphrase: Option<Derivation>,
}

/// The root key of `file`; of a new installation, when there is none.
pub fn find(
    config: &RootKey,
    directory: &Path,
    file: Option<&RootFile>,
    runtime: &Runtime,
) -> Result<FoundRoot, BootError> {
    let source = config.source();
    source.refuse_beside(directory)?;
    if let RootKeyConfig::Passphrase(from) = &source {
        return from_passphrase(from, file, runtime);
    }
    if let Some(key) = source.load()? {
        let key = Key32::from_slice(key.expose_secret()).ok_or(BootError::RootKeyMissing)?;
        return Ok(FoundRoot { source: LocalRoot(key), embedded: false, passphrase: None });
    }
    let path = directory.join(EMBEDDED);
    if !path.exists() {
        if file.is_some() {
            return Err(BootError::RootKeyMissing);
        }
        let key = Key32::generate(runtime.random.as_ref());
        let text = zeroize::Zeroizing::new(HEXLOWER.encode(key.expose()) + "\n");
        files::replace(&path, text.as_bytes())?;
    }
    let key = RootKeyConfig::File(path).load()?.ok_or(BootError::RootKeyMissing)?;
    let key = Key32::from_slice(key.expose_secret()).ok_or(BootError::RootKeyMissing)?;
    Ok(FoundRoot { source: LocalRoot(key), embedded: true, passphrase: None })
}

fn from_passphrase(
    from: &PassphraseFrom,
    file: Option<&RootFile>,
    runtime: &Runtime,
) -> Result<FoundRoot, BootError> {
    let refused = |what: &str| BootError::Crypto(CryptoError::Root(what.into()));
    let Some(file) = file else {
        let (source, derivation) = new_passphrase(from, runtime)?;
        return Ok(FoundRoot { source, embedded: false, passphrase: Some(derivation) });
    };
    if file.passphrases().next().is_none() {
        return Err(refused(
            "wrong root key: this data directory is sealed under a key, not under a passphrase; \
             unset root_key.passphrase_from and give that key",
        ));
    }
    let passphrase = from.read(false)?;
    // Two, while one is replaced.
    for derivation in file.passphrases() {
        let source = LocalRoot(derivation.derive(&passphrase)?);
        if file.is_sealed_under(&source) {
            let passphrase = Some(derivation.clone());
            return Ok(FoundRoot { source, embedded: false, passphrase });
        }
    }
    Err(refused("wrong passphrase for the root key: nothing was changed, start again"))
}

/// A root key of a new passphrase, and how it was made. What was good enough once still opens what
/// it sealed; a new one has to be better.
pub fn new_passphrase(
    from: &PassphraseFrom,
    runtime: &Runtime,
) -> Result<(LocalRoot, Derivation), BootError> {
    let derivation = Derivation::generate(runtime.random.as_ref());
    let passphrase = from.read(true)?;
    passphrase::check(&passphrase)?;
    Ok((LocalRoot(derivation.derive(&passphrase)?), derivation))
}
