//! From file, environment and flags to checked `Settings`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::error::{ConfigError, Origin};
use super::secret::open_secret;
use super::table::{SETTINGS, Setting, Settings};
use super::types::OptionalListen;
use super::value::{Fault, Raw, Value};
use crate::kernel::limits;

/// Read when neither `--config` nor `STRONGROOM_CONFIG` names another, if it exists.
pub const DEFAULT_FILE: &str = "/etc/strongroom/strongroom.toml";
const PREFIX: &str = "STRONGROOM_";
/// Names the file, so it is no setting.
const FILE_VARIABLE: &str = "STRONGROOM_CONFIG";
const ROOT_KEY: &str = "root_key";
/// The systemd credential that is the root key.
pub const ROOT_KEY_CREDENTIAL: &str = "strongroom-root-key";

/// Where settings come from; the process's own by [`Sources::process`].
#[derive(Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Read if it exists and no other file is named.
    pub default_file: Option<PathBuf>,
    /// Environment variables; those of other programs are ignored.
    pub env: Vec<(String, String)>,
    /// Where systemd puts the credentials of this service.
    pub credentials: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

impl Sources {
    /// This process's environment and the usual file. A value that is not UTF-8 arrives with
    /// replacement characters, which no setting accepts.
    pub fn process() -> Self {
        let env = std::env::vars_os()
            .map(|(name, value)| (lossy(&name), lossy(&value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { default_file: Some(DEFAULT_FILE.into()), env, credentials, ..Self::default() }
    }

    fn config_file(&self) -> Option<PathBuf> {
        let named = || self.env.iter().find(|(name, _)| name == FILE_VARIABLE);
        self.file
            .clone()
            .or_else(|| named().map(|(_, path)| path.into()))
            .or_else(|| self.default_file.clone().filter(|path| path.exists()))
    }
}

fn lossy(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

impl Settings {
    /// Reads and checks every setting: flags over environment over file over defaults.
    ///
    /// Errors: a file that cannot be read; an unknown key or variable; a value of another type or
    /// out of range; a root key given twice; a secret that others may read.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut given = Given::default();
        if let Some(path) = sources.config_file() {
            given.add_file(&path)?;
        }
        given.add_environment(sources.env)?;
        given.add_credential(sources.credentials.as_deref())?;
        let mut settings = Self::read(&mut given)?;
        if let Some(path) = sources.data_dir {
            settings.store.data_dir = path;
        }
        if let Some(address) = sources.listen {
            settings.server.listen = address;
        }
        settings.check_together()?;
        Ok(settings)
    }

    fn check_together(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        if server.tls_certificate.is_some() != server.tls_key.is_some() {
            return Err(ConfigError::Together(
                "server.tls_certificate and server.tls_key go together: set both or neither",
            ));
        }
        if self.closing.grace_days + self.backup.key_days > limits::CLOSING_DAYS {
            return Err(ConfigError::Together(
                "closing.grace_days and backup.key_days are more than 30 days together, by which \
                 everything of a closed tenant has to be destroyed: lower one of them",
            ));
        }
        if server.http_redirect_listen == OptionalListen::On(server.listen)
            && server.listen.port() != 0
        {
            return Err(ConfigError::Together(
                "server.listen and server.http_redirect_listen are the same address: \
                 choose another port, or \"off\" for the redirect",
            ));
        }
        self.mail.check()
    }
}

/// What the sources say, by key; a later source replaces an earlier one.
#[derive(Default)]
pub(super) struct Given {
    values: BTreeMap<&'static str, (Raw, Origin)>,
    root_key: Option<Origin>,
}

impl Given {
    /// The value of `key`, within the ranges if any.
    pub fn take<T: Value>(
        &mut self,
        key: &str,
        ranges: &[RangeInclusive<u64>],
        default: impl FnOnce() -> T,
    ) -> Result<T, ConfigError> {
        let Some((raw, origin)) = self.values.remove(key) else { return Ok(default()) };
        let key = key.to_owned();
        let within = |value: &T| {
            let number = value.number();
            number.is_none_or(|number| ranges.iter().all(|range| range.contains(&number)))
        };
        match T::read(&raw) {
            Ok(value) if within(&value) => Ok(value),
            Err(Fault::Because(reason)) => Err(ConfigError::Value { origin, key, reason }),
            Ok(_) | Err(Fault::Unexpected) => {
                let bounds = ranges
                    .first()
                    .map(|range| format!(" from {} to {}", range.start(), range.end()));
                let expected = format!("{}{}", T::EXPECTED, bounds.unwrap_or_default());
                let found = if T::SECRET { "something else".into() } else { raw.shown() };
                Err(ConfigError::Type { origin, key, expected, found })
            }
        }
    }

    fn add(&mut self, setting: &Setting, raw: Raw, origin: Origin) -> Result<(), ConfigError> {
        if setting.section == ROOT_KEY {
            if let Some(first) = self.root_key.take() {
                return Err(ConfigError::Twice { what: "the root key", first, second: origin });
            }
            self.root_key = Some(origin.clone());
        }
        if let (Some((_, first @ Origin::Env(_))), Origin::Env(_)) =
            (self.values.get(setting.key), &origin)
        {
            let first = first.clone();
            return Err(ConfigError::Twice { what: setting.key, first, second: origin });
        }
        self.values.insert(setting.key, (raw, origin));
        Ok(())
    }

    fn add_environment(&mut self, env: Vec<(String, String)>) -> Result<(), ConfigError> {
        for (name, value) in env {
            if !name.starts_with(PREFIX) || name == FILE_VARIABLE {
                continue;
            }
            let raw = Raw::Env(Zeroizing::new(value));
            let named =
                |setting: &&Setting| setting.alias == Some(name.as_str()) || setting.env() == name;
            match SETTINGS.iter().find(named) {
                Some(setting) => self.add(setting, raw, Origin::Env(name))?,
                None => refuse_unknown_variable(name)?,
            }
        }
        Ok(())
    }

    /// The root key, when systemd hands it over under its name. A setting may name the same file.
    fn add_credential(&mut self, directory: Option<&Path>) -> Result<(), ConfigError> {
        let Some(path) = directory.map(|directory| directory.join(ROOT_KEY_CREDENTIAL)) else {
            return Ok(());
        };
        let named = self.values.get("root_key.file").and_then(|(raw, _)| raw.text());
        let is_named = named.is_some_and(|named| Path::new(named.trim()) == path);
        if is_named || matches!(path.try_exists(), Ok(false)) {
            return Ok(());
        }
        let setting = SETTINGS.iter().find(|setting| setting.key == "root_key.credential");
        let Some(setting) = setting else { return Ok(()) };
        let raw = Raw::Text(Zeroizing::new(path.to_string_lossy().into_owned()));
        self.add(setting, raw, Origin::Credential(path))
    }

    fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|source| ConfigError::Read { path: path.into(), source })?;
        let document = DeTable::parse(&text).map_err(|error| ConfigError::Syntax {
            path: path.into(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let at = |start| Origin::File { path: path.into(), line: line_of(&text, start) };
        for (name, table) in document.get_ref() {
            let origin = at(name.span().start);
            let section = name.get_ref().as_ref();
            if !SETTINGS.iter().any(|setting| setting.section == section) {
                return Err(unknown_section(section, origin));
            }
            let DeValue::Table(table) = table.get_ref() else {
                return Err(ConfigError::Type {
                    origin,
                    key: section.into(),
                    expected: format!("a table: write [{section}] and its settings below"),
                    found: Raw::from_toml(table.get_ref()).shown(),
                });
            };
            for (name, value) in table {
                let origin = at(name.span().start);
                let setting = find_in(section, name.get_ref(), &origin)?;
                if setting.secret {
                    open_secret(path)?;
                }
                self.add(setting, Raw::from_toml(value.get_ref()), origin)?;
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn find_in(section: &str, name: &str, origin: &Origin) -> Result<&'static Setting, ConfigError> {
    let known = |setting: &&Setting| setting.section == section && setting.name == name;
    SETTINGS.iter().find(known).ok_or_else(|| {
        // Perhaps it is right and stands in the wrong section.
        let elsewhere = SETTINGS.iter().find(|setting| setting.name == name);
        let inside = SETTINGS.iter().filter(|setting| setting.section == section);
        ConfigError::Unknown {
            origin: origin.clone(),
            what: "setting",
            name: format!("{section}.{name}"),
            near: elsewhere
                .map(|setting| setting.key.to_owned())
                .or_else(|| nearest(name, inside.map(|setting| setting.name.to_owned()))),
        }
    })
}

fn unknown_section(name: &str, origin: Origin) -> ConfigError {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    let sections = SETTINGS.iter().map(|setting| setting.section.to_owned());
    ConfigError::Unknown {
        origin,
        what: "section",
        name: name.to_owned(),
        near: setting.map(|setting| setting.key.to_owned()).or_else(|| nearest(name, sections)),
    }
}

/// A name without `__` may belong to something else that runs beside us, unless it is nearly ours:
/// a misspelt `STRONGROOM_MASTER_KEY` must not pass for "no key".
fn refuse_unknown_variable(name: String) -> Result<(), ConfigError> {
    let aliases = SETTINGS.iter().filter_map(|setting| setting.alias.map(str::to_owned));
    let names = SETTINGS.iter().map(Setting::env).chain(aliases).chain([FILE_VARIABLE.into()]);
    let near = nearest(&name, names);
    if near.is_none() && !name.contains("__") {
        return Ok(());
    }
    Err(ConfigError::Unknown { origin: Origin::Env(name.clone()), what: "variable", name, near })
}

/// The candidate that is at most two typing mistakes away.
fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, &candidate), candidate))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, candidate)| candidate)
}
