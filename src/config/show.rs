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
}
