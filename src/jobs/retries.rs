//! Trying again what failed at its time: a backup that found its target away at night should not wait
//! for the next night.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kernel::Timestamp;

/// After each failure, as long as the next time has not come.
const AFTER: [Duration; 3] =
    [Duration::from_secs(15 * 60), Duration::from_secs(3600), Duration::from_secs(3 * 3600)];

/// Jobs whose last run failed, by name.
#[derive(Default)]
pub(super) struct Retries(Mutex<HashMap<&'static str, Retry>>);

struct Retry {
    /// Nothing while it is being tried.
    at: Option<Timestamp>,
    /// How often it has failed since its time.
    failed: usize,
}

impl Retries {
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Retry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn failed(&self, job: &'static str, now: Timestamp) {
        let mut all = self.lock();
        let failed = all.get(job).map_or(0, |retry| retry.failed);
        let at = AFTER.get(failed).map(|wait| now.plus(*wait));
        all.insert(job, Retry { at, failed: failed + 1 });
    }

    /// It went well, or its next time has come.
    pub fn forget(&self, job: &str) {
        self.lock().remove(job);
    }

    /// Whether it is time to try it again; said once.
    pub fn take_due(&self, job: &str, now: Timestamp) -> bool {
        let mut all = self.lock();
        let due = all.get_mut(job).and_then(|retry| retry.at.take_if(|at| *at <= now));
        due.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_tried_three_times_more_and_then_waits_for_its_next_time() {
        let at = |minutes: u64| Timestamp::from_micros(0).plus(Duration::from_secs(minutes * 60));
        let (retries, mut tried) = (Retries::default(), Vec::new());
        retries.failed("backup.daily", at(0));
        for minute in 0..24 * 60 {
            if retries.take_due("backup.daily", at(minute)) {
                tried.push(minute);
                assert!(!retries.take_due("backup.daily", at(minute)), "once");
                retries.failed("backup.daily", at(minute));
            }
        }
        assert_eq!(tried, [15, 75, 255]);
        retries.forget("backup.daily");
        retries.failed("backup.daily", at(0));
        assert!(retries.take_due("backup.daily", at(15)), "it counts anew");
        assert!(!retries.take_due("audit.verify", at(15)));
    }
}
