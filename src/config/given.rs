//! What the sources say, before it is settings; and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::conflict;
use super::error::{ConfigError, Origin};
use super::load::{FILE_VARIABLE, PREFIX, ROOT_KEY_CREDENTIAL};
use super::origins::Origins;
use super::secret::open_secret;
use super::table::{SETTINGS, Setting, Settings};
use super::value::{Fault, Raw, Value};

const ROOT_KEY: &str = "root_key";

/// What the sources say, by key; a later source replaces an earlier one.
#[derive(Default)]
pub(super) struct Given {
    values: BTreeMap<&'static str, Raw>,
    origins: Origins,
    root_key: Option<Origin>,
    problems: Vec<ConfigError>,
    /// Settings whose value is not known, because what was given is wrong.
    broken: BTreeSet<&'static str>,
}

impl Given {
    /// The value of `key`, within the ranges if any; the default when there is none or a wrong one.
    pub fn take<T: Value>(
        &mut self,
        key: &'static str,
        ranges: &[RangeInclusive<u64>],
        default: impl FnOnce() -> T,
    ) -> T {
        let (Some(raw), Some(origin)) = (self.values.remove(key), self.origins.of(key)) else {
            return default();
        };
        let origin = origin.clone();
        let within = |value: &T| {
            let number = value.number();
            number.is_none_or(|number| ranges.iter().all(|range| range.contains(&number)))
        };
        let problem = match T::read(&raw) {
            Ok(value) if within(&value) => return value,
            Err(Fault::Because(reason)) => ConfigError::Value { origin, key: key.into(), reason },
            Ok(_) | Err(Fault::Unexpected) => {
                let bounds = ranges
                    .first()
                    .map(|range| format!(" from {} to {}", range.start(), range.end()));
                let expected = format!("{}{}", T::EXPECTED, bounds.unwrap_or_default());
                let found = if T::SECRET { "something else".into() } else { raw.shown() };
                ConfigError::Type { origin, key: key.into(), expected, found }
            }
        };
        self.broken.insert(key);
        self.problems.push(problem);
        default()
    }

    /// A flag has the last word.
    pub fn replace(&mut self, key: &'static str, by: Origin) {
        self.origins.set(key, by, None);
    }

    /// Refuses what does not go together. What is wrong by itself was said already.
    pub fn refuse_conflicts(&mut self, settings: &Settings) {
        for conflict in conflict::all(settings) {
            if conflict.keys.iter().any(|key| self.broken.contains(key)) {
                continue;
            }
            let places = conflict.keys.iter().filter_map(|key| self.origins.of(key)).cloned();
            let (places, reason) = (places.collect(), conflict.reason);
            self.problems.push(ConfigError::Together { places, reason });
        }
        for (key, error) in settings.mail.files().into_iter().flatten() {
            self.problems.push(error.about(key, &self.origins));
        }
    }

    /// Where all of it stands, and all that is wrong.
    pub fn end(self) -> (Origins, Vec<ConfigError>) {
        (self.origins, self.problems)
    }

    fn add(&mut self, setting: &Setting, raw: Raw, origin: Origin) {
        let twice = |what, first: &Origin| ConfigError::Twice {
            what,
            first: first.clone(),
            second: origin.clone(),
        };
        if setting.section == ROOT_KEY {
            if let Some(first) = &self.root_key {
                self.problems.push(twice("the root key", first));
                return;
            }
            self.root_key = Some(origin.clone());
        }
        let both_variables =
            |first: &Origin| matches!((first, &origin), (Origin::Env(_), Origin::Env(_)));
        // Of two secrets, one is old: somebody still believes in it.
        if let Some(first) = self.origins.of(setting.key)
            && (setting.secret || both_variables(first))
        {
            self.problems.push(twice(setting.key, first));
            return;
        }
        self.origins.set(setting.key, origin, Some(raw.digest()));
        self.values.insert(setting.key, raw);
    }

    pub fn add_environment(&mut self, env: Vec<(String, String)>) {
        for (name, value) in env {
            if !name.starts_with(PREFIX) || name == FILE_VARIABLE {
                continue;
            }
            let raw = Raw::Env(Zeroizing::new(value));
            let named =
                |setting: &&Setting| setting.alias == Some(name.as_str()) || setting.env() == name;
            match SETTINGS.iter().find(named) {
                Some(setting) => self.add(setting, raw, Origin::Env(name)),
                None => self.problems.extend(unknown_variable(name)),
            }
        }
    }

    /// The root key, when systemd hands it over under its name. A setting may name the same file.
    pub fn add_credential(&mut self, directory: Option<&Path>) {
        let Some(path) = directory.map(|directory| directory.join(ROOT_KEY_CREDENTIAL)) else {
            return;
        };
        let named = self.values.get("root_key.file").and_then(Raw::text);
        let is_named = named.is_some_and(|named| Path::new(named.trim()) == path);
        if is_named || matches!(path.try_exists(), Ok(false)) {
            return;
        }
        let setting = SETTINGS.iter().find(|setting| setting.key == "root_key.credential");
        let Some(setting) = setting else { return };
        let raw = Raw::Text(Zeroizing::new(path.to_string_lossy().into_owned()));
        self.add(setting, raw, Origin::Credential(path));
    }

    /// False when it could not be read as a whole, so that nobody knows what it says.
    pub fn add_file(&mut self, path: &Path) -> bool {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(source) => {
                self.problems.push(ConfigError::Read { path: path.into(), source });
                return false;
            }
        };
        let at = |start| Origin::File { path: path.into(), line: line_of(&text, start) };
        let (document, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            let syntax = |error: toml::de::Error| ConfigError::Syntax {
                origin: at(error.span().map_or(0, |span| span.start)),
                message: error.message().to_owned(),
            };
            self.problems.extend(errors.into_iter().map(syntax));
            return false;
        }
        let mut holds_secret = false;
        for (name, table) in document.get_ref() {
            let origin = at(name.span().start);
            let section = name.get_ref().as_ref();
            if !SETTINGS.iter().any(|setting| setting.section == section) {
                self.problems.push(unknown_section(section, origin));
                continue;
            }
            let DeValue::Table(table) = table.get_ref() else {
                self.problems.push(ConfigError::Type {
                    origin,
                    key: section.into(),
                    expected: format!("a table: write [{section}] and its settings below"),
                    found: Raw::from_toml(table.get_ref()).shown(),
                });
                continue;
            };
            for (name, value) in table {
                let origin = at(name.span().start);
                match find_in(section, name.get_ref(), &origin) {
                    Ok(setting) => {
                        holds_secret |= setting.secret;
                        self.add(setting, Raw::from_toml(value.get_ref()), origin);
                    }
                    Err(error) => self.problems.push(error),
                }
            }
        }
        if holds_secret {
            self.problems.extend(open_secret(path).err());
        }
        true
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
fn unknown_variable(name: String) -> Option<ConfigError> {
    let aliases = SETTINGS.iter().filter_map(|setting| setting.alias.map(str::to_owned));
    let names = SETTINGS.iter().map(Setting::env).chain(aliases).chain([FILE_VARIABLE.into()]);
    let near = nearest(&name, names);
    if near.is_none() && !name.contains("__") {
        return None;
    }
    Some(ConfigError::Unknown { origin: Origin::Env(name.clone()), what: "variable", name, near })
}

/// The candidate that is at most two typing mistakes away.
fn nearest(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, &candidate), candidate))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, candidate)| candidate)
}
