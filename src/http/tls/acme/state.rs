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
    /// When a try began that is not ended: it goes on, or the server was killed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<Timestamp>,
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
        let error = error.map(ToString::to_string);
        Self { tried: Some(now), error, failures, under_way: None }
    }

    /// A try begins; one that did not end has failed.
    pub(super) fn begun(&self, now: Timestamp) -> Self {
        let before = match self.under_way {
            Some(at) => self.after(at, Some(&AcmeError::BrokenOff)),
            None => self.clone(),
        };
        Self { under_way: Some(now), ..before }
    }

    /// When the last try began.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.under_way.or(self.tried)
    }

    /// Nothing is asked before; the pause doubles with each failure. After the first kill in the
    /// middle of a try there is none.
    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        let more = self.failures.checked_sub(1)?;
        let pause = limits::ACME_PAUSE.saturating_mul(1 << more.min(16));
        Some(self.last()?.plus(pause.min(limits::ACME_PAUSE_MOST)))
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

    #[test]
    fn a_server_that_is_killed_in_each_try_does_not_ask_at_each_start() {
        let now = Timestamp::parse("2026-11-22T05:06:07Z").unwrap();
        let once = State::default().begun(now);
        assert_eq!((once.rests_until(), once.failures), (None, 0), "once is no reason to wait");
        let twice = once.begun(now);
        assert_eq!(
            (twice.rests_until().unwrap().since(now), twice.failures),
            (limits::ACME_PAUSE, 1)
        );
        assert!(twice.error.as_ref().unwrap().contains("broken off"), "{twice:?}");
        let ended = twice.after(now, None);
        assert_eq!((ended.under_way, ended.failures), (None, 0));
    }
}
