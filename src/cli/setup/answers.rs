//! What setup wants to know, however it was said, and the configuration that it makes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::config::{ConfigError, Examined, Settings, Sources};

/// The five answers; also the format of `--answers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Directory of all data.
    pub data_dir: PathBuf,
    pub root_key: RootKey,
    #[serde(default)]
    pub server: Server,
    pub administrator: Administrator,
    #[serde(default)]
    pub backup: Backup,
}

/// Where the root key comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase", deny_unknown_fields)]
pub enum RootKey {
    /// `strongroom-root-key`, encrypted to this machine, handed over by systemd.
    #[default]
    Credential,
    /// Made when it is not there.
    File { file: PathBuf },
    /// Asked for at every start, or the first line of a file.
    Passphrase { file: Option<PathBuf> },
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen: Option<String>,
    pub external_url: Option<String>,
    /// Both or neither: a self-signed certificate without.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Who gets a one-time link.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    pub email: String,
    pub name: Option<String>,
}

/// No backups when empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    pub recipients: Vec<String>,
    pub targets: Vec<String>,
}

impl Answers {
    /// # Errors
    /// A file that cannot be read or understood, with its line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("{} does not have the answers", path.display()))
    }

    /// The settings that they come to, as keys and TOML.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![("store.data_dir", quoted(&self.data_dir.to_string_lossy()))];
        let mut add = |key, value: Option<&str>| {
            settings.extend(value.map(|value| (key, quoted(value))));
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match &self.root_key {
            RootKey::Credential => {}
            RootKey::File { file } => add("root_key.file", Some(&file.to_string_lossy())),
            RootKey::Passphrase { file } => {
                let from = path(file).unwrap_or_else(|| "terminal".to_owned());
                add("root_key.passphrase_from", Some(&from));
            }
        }
        add("server.listen", self.server.listen.as_deref());
        add("server.external_url", self.server.external_url.as_deref());
        add("server.tls_certificate", path(&self.server.certificate).as_deref());
        add("server.tls_key", path(&self.server.key).as_deref());
        for (key, all) in [
            ("backup.recipients", &self.backup.recipients),
            ("backup.targets", &self.backup.targets),
        ] {
            if !all.is_empty() {
                let items: Vec<_> = all.iter().map(|one| quoted(one)).collect();
                settings.push((key, format!("[{}]", items.join(", "))));
            }
        }
        settings
    }

    /// What a server would make of them, and what it would refuse.
    pub fn examine(&self) -> anyhow::Result<(Settings, Vec<String>)> {
        let file = tempfile::NamedTempFile::new().context("no room for a temporary file")?;
        std::fs::write(file.path(), Settings::file_with(&self.settings()))?;
        let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
        let Examined { settings, problems } = Settings::examine(sources);
        // It is not written yet, so its lines help nobody.
        let without_place = |problem: &ConfigError| {
            let place = problem.origin().map(|origin| format!("{origin}: ")).unwrap_or_default();
            let said = problem.to_string();
            said.strip_prefix(&place).unwrap_or(&said).to_owned()
        };
        Ok((settings, problems.iter().map(without_place).collect()))
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What somebody answers stands in the file as they said it, and is nothing else there.
        #[test]
        fn an_answer_never_becomes_another_setting(text in "[ -~\n\t]{1,60}") {
            let answers = Answers { data_dir: PathBuf::from(&text), ..Answers::default() };
            let (settings, said) = answers.examine().unwrap();
            prop_assert_eq!(&settings.store.data_dir, &PathBuf::from(&text));
            prop_assert!(said.is_empty(), "{:?}", said);
            prop_assert_eq!(settings.shown().iter().filter(|one| one.origin.is_some()).count(), 1);
        }
    }

    #[test]
    fn answers_in_a_file_are_read_as_they_are_documented_and_a_misspelt_one_is_refused() {
        let docs = include_str!("../../../docs/install.md");
        let (_, rest) = docs.split_once("```toml\ndata_dir").unwrap();
        let text = format!("data_dir{}", rest.split_once("```").unwrap().0);
        let answers: Answers = toml::from_str(&text).unwrap();
        assert!(matches!(answers.root_key, RootKey::File { .. }));
        assert_eq!(answers.backup.recipients.len(), 1);
        let wrong = text.replace("listen", "lissten");
        assert!(toml::from_str::<Answers>(&wrong).is_err());
    }
}
