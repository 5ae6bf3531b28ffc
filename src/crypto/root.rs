//! The root key source wraps the platform master key in `root.json`; nothing else is asked of it.

use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::passphrase::Derivation;
use super::wrap::{self, Label};
use super::{CryptoError, Key32, mac};
use crate::kernel::id::InstallationId;
use crate::kernel::{Runtime, Timestamp};

/// Where the root key is kept. A source offers wrap and unwrap and never gives the key away.
pub trait RootSource: Send + Sync {
    /// Names the key without revealing it.
    fn fingerprint(&self) -> String;
    fn wrap(&self, label: Label<'_>, key: &Key32, runtime: &Runtime) -> Vec<u8>;
    fn unwrap(&self, label: Label<'_>, wrapped: &[u8]) -> Result<Key32, CryptoError>;
}

/// A root key held in this process's memory: from the environment, a file, a credential, or made of a
/// passphrase.
pub struct LocalRoot(pub Key32);

impl RootSource for LocalRoot {
    fn fingerprint(&self) -> String {
        HEXLOWER.encode(&mac::hmac(&self.0, &[b"strongroom/root/fingerprint"])[..8])
    }

    fn wrap(&self, label: Label<'_>, key: &Key32, runtime: &Runtime) -> Vec<u8> {
        wrap::wrap(&self.0, label, key, runtime.random.as_ref())
    }

    fn unwrap(&self, label: Label<'_>, wrapped: &[u8]) -> Result<Key32, CryptoError> {
        wrap::unwrap(&self.0, label, wrapped)
    }
}

/// `root.json`. Several wrapped copies stand side by side while the root key is being rotated.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RootFile {
    version: u32,
    pub installation_id: InstallationId,
    created_at: Timestamp,
    master_key: Vec<WrappedMaster>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrappedMaster {
    root_key: String,
    wrapped: String,
    /// How the root key is made, when it is made of a passphrase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passphrase: Option<Derivation>,
}

impl RootFile {
    /// A new installation: a new id and a new random master key. `passphrase` says how the root key
    /// was made, if it was made of one.
    pub fn create(
        source: &dyn RootSource,
        passphrase: Option<Derivation>,
        runtime: &Runtime,
    ) -> (Self, Key32) {
        let installation_id: InstallationId = runtime.id();
        let master = Key32::generate(runtime.random.as_ref());
        let created_at = runtime.now();
        let mut file = Self { version: 1, installation_id, created_at, master_key: Vec::new() };
        file.add(source, passphrase, &master, runtime);
        (file, master)
    }

    /// From now on this root key opens it too.
    pub(super) fn add(
        &mut self,
        source: &dyn RootSource,
        passphrase: Option<Derivation>,
        master: &Key32,
        runtime: &Runtime,
    ) {
        let wrapped = source.wrap(label(&self.installation_id), master, runtime);
        self.master_key.push(WrappedMaster {
            root_key: source.fingerprint(),
            wrapped: HEXLOWER.encode(&wrapped),
            passphrase,
        });
    }

    /// From now on this root key alone opens it; the fingerprints of those that no longer do.
    /// Nothing changes unless it is among them.
    pub fn keep_only(&mut self, fingerprint: &str) -> Vec<String> {
        if !self.master_key.iter().any(|key| key.root_key == fingerprint) {
            return Vec::new();
        }
        let gone = self.master_key.extract_if(.., |key| key.root_key != fingerprint);
        gone.map(|key| key.root_key).collect()
    }

    /// Fingerprint of each root key that opens it, and whether that one is made of a passphrase.
    pub fn root_keys(&self) -> impl Iterator<Item = (&str, bool)> {
        self.master_key.iter().map(|key| (key.root_key.as_str(), key.passphrase.is_some()))
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// # Errors
    /// Says what to do when the file cannot be read or belongs to a newer release.
    pub fn read(path: &Path) -> Result<Self, CryptoError> {
        let bytes = std::fs::read(path).map_err(|error| {
            CryptoError::Root(format!("cannot read {}: {error}", path.display()))
        })?;
        let file: Self = serde_json::from_slice(&bytes).map_err(|error| {
            CryptoError::Root(format!(
                "{} is damaged ({error}); restore it from a backup of the key store",
                path.display()
            ))
        })?;
        if file.version != 1 {
            return Err(CryptoError::Root(format!(
                "{} has version {}, this release knows version 1; install the newer release",
                path.display(),
                file.version
            )));
        }
        Ok(file)
    }

    /// How root keys are made of passphrases; none when all are keys that are kept somewhere.
    pub fn passphrases(&self) -> impl Iterator<Item = &Derivation> {
        self.master_key.iter().filter_map(|key| key.passphrase.as_ref())
    }

    /// Whether some root key opens both.
    pub fn shares_a_root_key(&self, other: &Self) -> bool {
        let has = |one: &WrappedMaster| {
            other
                .master_key
                .iter()
                .any(|it| (&it.root_key, &it.wrapped) == (&one.root_key, &one.wrapped))
        };
        self.installation_id == other.installation_id && self.master_key.iter().any(has)
    }

    /// Whether this root key opens it.
    pub fn is_sealed_under(&self, source: &dyn RootSource) -> bool {
        let given = source.fingerprint();
        self.master_key.iter().any(|key| key.root_key == given)
    }

    /// # Errors
    /// Names the root key that the installation needs when another one was given.
    pub fn unwrap(&self, source: &dyn RootSource) -> Result<Key32, CryptoError> {
        let given = source.fingerprint();
        let known: Vec<_> = self.master_key.iter().map(|key| key.root_key.as_str()).collect();
        let Some(entry) = self.master_key.iter().find(|key| key.root_key == given) else {
            if self.passphrases().next().is_some() {
                return Err(CryptoError::Root(
                    "wrong root key: this data directory is sealed under a passphrase; say where it \
                     comes from with root_key.passphrase_from, and give no other root key"
                        .into(),
                ));
            }
            return Err(CryptoError::Root(format!(
                "wrong root key: this data directory is sealed under root key {}, the one given is \
                 {given}; give the key that the directory was made with (STRONGROOM_MASTER_KEY or \
                 STRONGROOM_MASTER_KEY_FILE)",
                known.join(" or ")
            )));
        };
        let wrapped =
            HEXLOWER.decode(entry.wrapped.as_bytes()).map_err(|_| CryptoError::Unreadable)?;
        source.unwrap(label(&self.installation_id), &wrapped)
    }
}

fn label(installation: &InstallationId) -> Label<'_> {
    Label { purpose: "platform-master", owner: installation.bytes(), key_id: &[0; 16], version: 1 }
}
