//! Finding the root key, and on an empty directory making one.

use std::path::Path;

use data_encoding::HEXLOWER;

use super::BootError;
use crate::config::{RootKey, RootKeyConfig};
use crate::crypto::Key32;
use crate::crypto::root::LocalRoot;
use crate::kernel::Runtime;
use crate::store::files;

/// The root key that is made when none is configured. It lies beside the data, so whoever takes
/// the disk has both: good enough to begin with, and said so at every start.
pub const EMBEDDED: &str = "root.key";

pub struct FoundRoot {
    pub source: LocalRoot,
    /// The key lies in the data directory.
    pub embedded: bool,
}

pub fn find(
    config: &RootKey,
    directory: &Path,
    new: bool,
    runtime: &Runtime,
) -> Result<FoundRoot, BootError> {
    if let Some(key) = config.source().load()? {
        let key = Key32::from_slice(key.expose_secret()).ok_or(BootError::RootKeyMissing)?;
        return Ok(FoundRoot { source: LocalRoot(key), embedded: false });
    }
    let path = directory.join(EMBEDDED);
    if !path.exists() {
        if !new {
            return Err(BootError::RootKeyMissing);
        }
        let key = Key32::generate(runtime.random.as_ref());
        let text = zeroize::Zeroizing::new(HEXLOWER.encode(key.expose()) + "\n");
        files::replace(&path, text.as_bytes())?;
    }
    let key = RootKeyConfig::File(path).load()?.ok_or(BootError::RootKeyMissing)?;
    let key = Key32::from_slice(key.expose_secret()).ok_or(BootError::RootKeyMissing)?;
    Ok(FoundRoot { source: LocalRoot(key), embedded: true })
}
