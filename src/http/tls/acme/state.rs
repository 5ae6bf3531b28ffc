//! What came of the last try; kept, so that a restart is no way around a pause.

use serde::{Deserialize, Serialize};

use super::super::TlsError;
use super::{AcmeError, files};
use crate::config::Settings;
use crate::kernel::{Timestamp, limits};

const FILE: &str = "state.json";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// None before the first try.
    pub tried: Option<Timestamp>,
    /// Why the last try brought nothing.
    pub error: Option<String>,
    /// Tries since the last one that went well.
    pub failures: u32,
}

impl State {
    /// A file that is not there or not whole is no try.
    pub fn read(settings: &Settings) -> Self {
        let text = std::fs::read(files::path(settings, FILE)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn write(&self, settings: &Settings) -> Result<(), TlsError> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        files::put(settings, FILE, &json)
    }

    pub(super) fn after(&self, now: Timestamp, error: Option<&AcmeError>) -> Self {
        let failures = error.map_or(0, |_| self.failures.saturating_add(1));
        Self { tried: Some(now), error: error.map(ToString::to_string), failures }
    }

    /// Nothing is asked before; the pause doubles with each failure.
    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        let more = self.failures.checked_sub(1)?;
        let pause = limits::ACME_PAUSE.saturating_mul(1 << more.min(16));
        Some(self.tried?.plus(pause.min(limits::ACME_PAUSE_MOST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_with_each_failure_up_to_an_hour_and_ends_with_a_success() {
        let now = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let (mut state, mut pauses) = (State::default(), Vec::new());
        for _ in 0..40 {
            state = state.after(now, Some(&AcmeError::Slow));
            pauses.push(state.rests_until().unwrap().since(now).as_secs() / 60);
        }
        assert_eq!(pauses[..5], [4, 8, 16, 32, 60]);
        assert_eq!(pauses[39], 60);
        assert_eq!(state.after(now, None).rests_until(), None);
        assert_eq!(State::default().rests_until(), None);
    }
}
