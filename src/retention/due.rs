//! What is past its time.

use std::collections::BTreeMap;

use super::class::Class;
use super::clock::DAY;
use crate::kernel::Timestamp;

/// What of a class is due: whatever is from before `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    pub class: Class,
    pub days: u32,
    pub before: Timestamp,
}

/// Those of the classes that are kept for a time, in the order in which they are deleted.
pub fn cutoffs(policies: &BTreeMap<Class, Option<u32>>, now: Timestamp) -> Vec<Cutoff> {
    let cutoff = |class: &Class| {
        let days = policies.get(class).copied().flatten()?;
        Some(Cutoff { class: *class, days, before: now.minus(DAY * days) })
    };
    Class::DELETED.iter().filter_map(cutoff).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_due_before_its_days_have_passed(
            days in 1_u32..40_000,
            now in 0_i64..9_000_000_000_000_000,
            age in 0_i64..4_000_000_000_000_000,
        ) {
            let policies = BTreeMap::from([(Class::Messages, Some(days)), (Class::SignInRecords, None)]);
            let found = cutoffs(&policies, Timestamp::from_micros(now));
            prop_assert_eq!(found.len(), 1);
            let is_due = Timestamp::from_micros(now - age) < found[0].before;
            prop_assert_eq!(is_due, age > i64::from(days) * 86_400_000_000);
        }
    }
}
