//! Settings as they are in force, for people; and what changed between two readings of them.

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

/// What a server takes over while it runs; everything else needs a restart.
const RELOADED: &[&str] = &["server.tls_certificate", "server.tls_key", "log.level"];
/// A section that is taken over, but for what is said once to the listener.
const RELOADED_SECTION: &str = "limits.";
const NEVER: &[&str] = &["limits.connections"];

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

    /// Keys of the settings that another reading has otherwise.
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let values = self.values().into_iter().zip(other.values());
        let differs = |(setting, (one, two)): (&super::table::Setting, (String, String))| {
            let same = self.origins.same(&other.origins, setting.key);
            // A secret has no value to compare, so one that comes or goes is a change.
            let same = same.unwrap_or(one == two && !setting.secret);
            (!same).then_some(setting.key)
        };
        SETTINGS.iter().zip(values).filter_map(differs).collect()
    }
}

/// Whether a running server takes over a change of this setting.
pub fn is_reloaded(key: &str) -> bool {
    let in_section = key.starts_with(RELOADED_SECTION) && !NEVER.contains(&key);
    in_section || RELOADED.contains(&key)
}
