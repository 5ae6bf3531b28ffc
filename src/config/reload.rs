//! What changed between two readings of the settings, and what of it a running server takes over.

use super::table::{Limits, SETTINGS, Setting, Settings};

/// Taken over one by one; everything else needs a restart.
const ONE_BY_ONE: &[&str] = &["server.tls_certificate", "server.tls_key", "log.level"];
/// A section that is taken over, but for what was said once to the listener.
const SECTION: &str = "limits.";
const NOT_OF_IT: &[&str] = &["limits.connections"];

/// Whether a running server takes over a change of this setting.
pub fn is_reloaded(key: &str) -> bool {
    let in_section = key.starts_with(SECTION) && !NOT_OF_IT.contains(&key);
    in_section || ONE_BY_ONE.contains(&key)
}

impl Settings {
    /// Keys of the settings that another reading has otherwise.
    pub fn changed(&self, other: &Self) -> Vec<&'static str> {
        let values = self.values().into_iter().zip(other.values());
        let differs = |(setting, (one, two)): (&Setting, (String, String))| {
            let same = self.origins.same(&other.origins, setting.key);
            // A secret has no value to compare, so one that comes or goes is a change.
            let same = same.unwrap_or(one == two && !setting.secret);
            (!same).then_some(setting.key)
        };
        SETTINGS.iter().zip(values).filter_map(differs).collect()
    }

    /// These, with what a running server takes over of another reading.
    #[must_use]
    pub fn with_reloaded(&self, next: &Self) -> Self {
        let mut settings = self.clone();
        settings.limits = Limits { connections: self.limits.connections, ..next.limits.clone() };
        settings.log.level = next.log.level.clone();
        settings.server.tls_certificate.clone_from(&next.server.tls_certificate);
        settings.server.tls_key.clone_from(&next.server.tls_key);
        for setting in SETTINGS.iter().filter(|setting| is_reloaded(setting.key)) {
            settings.origins.take(setting.key, &next.origins);
        }
        settings
    }
}
