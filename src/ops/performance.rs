//! How long requests took, route by route, over the last quarter of an hour and the last day. Kept
//! in memory alone: it begins anew with the process. `/metrics` is for longer.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// Classes of durations. Each is a fifth longer than the one before: that is how far a percentile
/// may be too high.
const CLASSES: usize = 72;
/// Upper bounds in microseconds, of all classes but the last: 100 µs to about 18 s.
static BOUNDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let bound = |class: i32| (100.0 * 2_f64.powf(f64::from(class) / 4.0)).round() as u64;
    (0..CLASSES as i32 - 1).map(bound).collect()
});

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    #[default]
    Quarter,
    Day,
}

impl Span {
    /// How long a slot is, and how many make the span.
    const fn slots(self) -> (u64, usize) {
        match self {
            Self::Quarter => (60, 15),
            Self::Day => (3600, 24),
        }
    }
}

/// Requests to one route, or to all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub requests: u64,
    /// Answered 4xx: what was asked was wrong, unknown or not allowed.
    pub refused: u64,
    /// Answered 5xx: it is this side's fault.
    pub failed: u64,
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `GET /api/v1/…`
    pub route: &'static str,
    pub figures: Figures,
}

#[derive(Clone)]
struct Slot {
    /// Which minute or hour of the process it holds.
    number: u64,
    counts: [u32; CLASSES],
    refused: u32,
    failed: u32,
}

impl Slot {
    const EMPTY: Self = Self { number: 0, counts: [0; CLASSES], refused: 0, failed: 0 };
}

struct Rings {
    minutes: Vec<Slot>,
    hours: Vec<Slot>,
}

/// One for a process. At most 12 KiB for each route that was asked.
#[derive(Default)]
pub struct Performance(Mutex<HashMap<&'static str, Rings>>);

impl Performance {
    /// A request that ended at `now`, on the clock that nobody sets.
    pub fn record(&self, route: &'static str, status: u16, took: Duration, now: Duration) {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = routes.entry(route).or_insert_with(|| Rings {
            minutes: vec![Slot::EMPTY; Span::Quarter.slots().1],
            hours: vec![Slot::EMPTY; Span::Day.slots().1],
        });
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|bound| *bound < micros);
        for (span, ring) in [(Span::Quarter, &mut rings.minutes), (Span::Day, &mut rings.hours)] {
            let (seconds, most) = span.slots();
            let number = now.as_secs() / seconds;
            let slot = &mut ring[(number % most as u64) as usize];
            if slot.number != number {
                *slot = Slot { number, ..Slot::EMPTY };
            }
            slot.counts[class] = slot.counts[class].saturating_add(1);
            match status {
                400..=499 => slot.refused = slot.refused.saturating_add(1),
                500.. => slot.failed = slot.failed.saturating_add(1),
                _ => {}
            }
        }
    }

    /// All routes together, and each that was asked within the span, the slowest (p95) first.
    pub fn figures(&self, span: Span, now: Duration) -> (Figures, Vec<Line>) {
        let (seconds, most) = span.slots();
        let number = now.as_secs() / seconds;
        let mut all = Sum::default();
        let mut lines = Vec::new();
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (route, rings) in routes.iter() {
            let ring = match span {
                Span::Quarter => &rings.minutes,
                Span::Day => &rings.hours,
            };
            let mut sum = Sum::default();
            for slot in ring {
                if slot.number + (most as u64) > number {
                    sum.add(slot);
                    all.add(slot);
                }
            }
            let figures = sum.figures();
            if figures.requests > 0 {
                lines.push(Line { route, figures });
            }
        }
        drop(routes);
        lines.sort_by_key(|line| (std::cmp::Reverse(line.figures.p95), line.route));
        (all.figures(), lines)
    }
}

struct Sum {
    counts: [u64; CLASSES],
    refused: u64,
    failed: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { counts: [0; CLASSES], refused: 0, failed: 0 }
    }
}

impl Sum {
    fn add(&mut self, slot: &Slot) {
        for (sum, count) in self.counts.iter_mut().zip(slot.counts) {
            *sum += u64::from(count);
        }
        self.refused += u64::from(slot.refused);
        self.failed += u64::from(slot.failed);
    }

    fn figures(&self) -> Figures {
        let requests = self.counts.iter().sum();
        let at = |percent: u64| self.percentile(requests, percent);
        Figures {
            requests,
            refused: self.refused,
            failed: self.failed,
            p50: at(50),
            p95: at(95),
            p99: at(99),
        }
    }

    /// The upper bound of the class that the request in this place falls into.
    fn percentile(&self, requests: u64, percent: u64) -> Duration {
        let place = (requests * percent).div_ceil(100);
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= place {
                let last = BOUNDS.last().copied().unwrap_or_default();
                return Duration::from_micros(BOUNDS.get(class).copied().unwrap_or(last));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_slowest_routes_come_first_and_refusals_are_no_failures() {
        let kept = Performance::default();
        for n in 1..=100 {
            kept.record("GET /quick", 200, Duration::from_millis(1), MINUTE);
            let status = if n > 98 { 500 } else { 404 };
            kept.record("GET /slow", status, Duration::from_millis(n), MINUTE);
        }
        let (all, lines) = kept.figures(Span::Quarter, MINUTE);
        let routes: Vec<_> = lines.iter().map(|line| line.route).collect();
        assert_eq!(routes, ["GET /slow", "GET /quick"]);
        assert_eq!((lines[0].figures.refused, lines[0].figures.failed), (98, 2));
        assert_eq!((all.requests, all.refused, all.failed), (200, 98, 2));
    }

    #[test]
    fn what_is_older_than_a_quarter_of_an_hour_is_in_the_day_alone() {
        let kept = Performance::default();
        kept.record("GET /", 200, Duration::from_millis(1), MINUTE);
        let requests = |span, now| kept.figures(span, now).0.requests;
        assert_eq!(requests(Span::Quarter, 15 * MINUTE), 1);
        assert_eq!(requests(Span::Quarter, 16 * MINUTE), 0);
        assert_eq!(requests(Span::Day, 16 * MINUTE), 1);
        assert_eq!(requests(Span::Day, 24 * 60 * MINUTE), 0);
        // The place of the first one is taken again.
        kept.record("GET /", 200, Duration::from_millis(1), 16 * MINUTE);
        assert_eq!(requests(Span::Quarter, 16 * MINUTE), 1);
        assert_eq!(requests(Span::Day, 16 * MINUTE), 2);
    }

    proptest! {
        #[test]
        fn a_percentile_is_never_too_low_and_a_fifth_too_high_at_the_most(
            mut micros in prop::collection::vec(100_u64..18_000_000, 1..200)
        ) {
            let kept = Performance::default();
            for took in &micros {
                kept.record("GET /", 200, Duration::from_micros(*took), MINUTE);
            }
            micros.sort_unstable();
            let (all, _) = kept.figures(Span::Quarter, MINUTE);
            for (percent, found) in [(50, all.p50), (95, all.p95), (99, all.p99)] {
                let exact = micros[(micros.len() * percent).div_ceil(100) - 1] as f64;
                let found = found.as_micros() as f64;
                prop_assert!(found >= exact - 1.0 && found <= exact * 1.2 + 1.0);
            }
        }
    }
}
