//! A clock that lives through the demo's past. Wall and monotonic clock move together, so the log
//! sees time pass and not somebody setting the clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::kernel::{Clock, Timestamp};

pub struct HistoryClock {
    start: Timestamp,
    passed: AtomicI64,
    /// Microseconds by which every look at the clock moves it on.
    step: AtomicI64,
}

/// A look at the clock takes this long at the most: far less than what passes for a jump.
const STEP_MOST: Duration = Duration::from_secs(20);

impl HistoryClock {
    pub fn new(start: Timestamp) -> Self {
        Self { start, passed: AtomicI64::new(0), step: AtomicI64::new(1) }
    }

    /// Goes on to `time`; never back.
    pub fn go_to(&self, time: Timestamp) {
        let passed = time.as_micros() - self.start.as_micros();
        self.passed.fetch_max(passed, Ordering::SeqCst);
    }

    /// Spreads what happens next over `span`, given how often it will look at the clock.
    pub fn pace(&self, span: Duration, looks: usize) {
        let looks = u32::try_from(looks).unwrap_or(u32::MAX).max(1);
        let step = (span / looks).min(STEP_MOST).max(Duration::from_micros(1));
        self.step.store(i64::try_from(step.as_micros()).unwrap_or(1), Ordering::SeqCst);
    }
}

impl Clock for HistoryClock {
    fn now(&self) -> Timestamp {
        let step = self.step.load(Ordering::SeqCst);
        let passed = self.passed.fetch_add(step, Ordering::SeqCst);
        Timestamp::from_micros(self.start.as_micros() + passed)
    }

    fn monotonic(&self) -> Duration {
        let passed = self.passed.load(Ordering::SeqCst);
        Duration::from_micros(u64::try_from(passed).unwrap_or(0))
    }
}
