//! Settings as they are in force, for people.

use super::error::Origin;
use super::table::{SETTINGS, Settings};

/// A setting with its value.
#[derive(Clone, Debug)]
pub struct ShownSetting {
    /// `section.name`, as in the file.
    pub key: &'static str,
    /// In TOML's spelling; empty when unset, and never a secret.
    pub value: String,
    /// Where it was given; none for a default.
    pub origin: Option<Origin>,
    /// Where it was given as well, by sources that come earlier and do not count.
    pub hidden: Vec<Origin>,
}

/// A setting as somebody elsewhere may see it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct ToldSetting {
    pub key: &'static str,
    /// Kind of source: no path, and no name of a variable.
    pub from: &'static str,
    /// None when it is unset, and where it could name a host, a path or somebody.
    pub value: Option<String>,
}

/// A number that is registered in somebody's name.
const NAMES_ITS_OWNER: &str = "streams.enterprise_number";

const REDACTED: &str = "[redacted]";

impl Settings {
    /// Every setting as it is in force, in the table's order.
    pub fn shown(&self) -> Vec<ShownSetting> {
        let one = |(setting, value): (&super::table::Setting, String)| {
            let origin = self.origins.of(setting.key).cloned();
            let is_hidden = setting.secret && origin.is_some();
            ShownSetting {
                key: setting.key,
                value: if is_hidden { REDACTED.to_owned() } else { value },
                origin,
                hidden: self.origins.hidden(setting.key).to_vec(),
            }
        };
        SETTINGS.iter().zip(self.values()).map(one).collect()
    }

    /// The same for somebody elsewhere: numbers and words from a closed list, of all others only
    /// where they are given.
    pub fn told(&self) -> Vec<ToldSetting> {
        let one = |(setting, value): (&super::table::Setting, String)| {
            let may_be_told = setting.closed && !setting.secret && setting.key != NAMES_ITS_OWNER;
            let value = value.trim_matches('"');
            ToldSetting {
                key: setting.key,
                from: self.origins.of(setting.key).map_or("default", Origin::kind),
                value: (may_be_told && !value.is_empty()).then(|| value.to_owned()),
            }
        };
        SETTINGS.iter().zip(self.values()).map(one).collect()
    }
}
