//! How long to wait after a failure.

use std::time::Duration;

use crate::kernel::{Runtime, limits};

const FIRST: Duration = Duration::from_millis(500);

/// Doubles with each failure, up to a minute; between half of that and all of it, so that streams
/// to one receiver that comes back do not all come at once.
pub fn delay(failures: u32, runtime: &Runtime) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let whole = whole.min(limits::STREAM_BACKOFF);
    let share = u32::from(u16::from_be_bytes(runtime.bytes()));
    whole / 2 + (whole / 2).mul_f64(f64::from(share) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_differ() {
        let runtime = Runtime::system();
        for (failures, most) in [(1, 500), (2, 1000), (5, 8000), (9, 60_000), (4_000_000, 60_000)] {
            let waits: Vec<_> = (0..50).map(|_| delay(failures, &runtime).as_millis()).collect();
            assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)), "{waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]));
        }
    }
}
