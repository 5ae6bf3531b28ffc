//! Entries that are gone before they were sent.

use super::report;
use crate::audit::event::Outcome;
use crate::audit::{Event, catalogue};
use crate::kernel::id::StreamId;

/// Numbers of entries that retention removed, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: u64,
    pub through: u64,
}

impl Gap {
    /// Between what was sent and the first entry that is still there.
    pub fn between(sent: u64, first: u64) -> Option<Self> {
        (first > sent + 1).then_some(Self { from: sent + 1, through: first - 1 })
    }

    pub fn entries(self) -> u64 {
        self.through - self.from + 1
    }

    pub fn event(self, stream: StreamId) -> Event {
        let mut event = report::about(catalogue::STREAM_GAP, stream);
        event.outcome = Outcome::Error;
        for (name, value) in
            [("from", self.from), ("through", self.through), ("entries", self.entries())]
        {
            event.custom_fields.insert(name.into(), value.into());
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted_to_the_entry() {
        assert_eq!(Gap::between(4, 5), None);
        assert_eq!(Gap::between(0, 1), None);
        let gap = Gap::between(4, 1000).unwrap();
        assert_eq!((gap.from, gap.through, gap.entries()), (5, 999, 995));
    }
}
