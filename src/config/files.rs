//! Files that settings name. A server opens them one after the other as it starts; here all are
//! looked at.

use std::path::Path;

use super::error::ConfigError;
use super::origins::Origins;
use super::secret::{RootKeyConfig, open_secret};
use super::table::Settings;

const ROOT_KEYS: [&str; 4] =
    ["root_key.file", "root_key.credential", "root_key.passphrase_from", "root_key.key"];

impl Settings {
    /// What is wrong with files of secrets and of authorities; with each, where it is named. No
    /// passphrase is asked for.
    pub fn file_problems(&self) -> Vec<ConfigError> {
        let key = ROOT_KEYS.into_iter().find(|key| self.origins.of(key).is_some());
        let key = key.unwrap_or("root_key.file");
        let root_key = self.root_key_problems().into_iter().map(|error| (key, error));
        let identity = self.backup.recovery_identity_file.iter();
        let identity = identity.filter_map(|path| open_secret(path).err());
        let identity = identity.map(|error| ("backup.recovery_identity_file", error));
        let token = self.server.metrics_token_file.iter();
        let token = token.filter_map(|path| open_secret(path).err());
        let identity = identity.chain(token.map(|error| ("server.metrics_token_file", error)));
        let authorities = self.checkpoints.publish_ca.iter().filter_map(|path| readable(path));
        let authorities = authorities.map(|error| ("checkpoints.publish_ca", error));
        let all = root_key.chain(identity).chain(authorities).chain(self.acme_files());
        all.map(|(key, error)| error.about(key, &self.origins)).collect()
    }

    fn root_key_problems(&self) -> Vec<ConfigError> {
        let source = self.root_key.source();
        let unread = match &source {
            RootKeyConfig::Passphrase(from) => from.file().and_then(|file| open_secret(file).err()),
            other => other.load().err(),
        };
        let beside = source.refuse_beside(&self.store.data_dir).err();
        unread.into_iter().chain(beside).collect()
    }
}

pub(super) fn readable(path: &Path) -> Option<ConfigError> {
    let read = std::fs::read(path);
    read.err().map(|source| ConfigError::Read { path: path.into(), source })
}

impl ConfigError {
    /// The same, with the place of the setting that names the file.
    pub(super) fn about(self, key: &'static str, origins: &Origins) -> Self {
        match origins.of(key) {
            Some(origin) => {
                Self::Value { origin: origin.clone(), key: key.into(), reason: self.to_string() }
            }
            None => self,
        }
    }
}
