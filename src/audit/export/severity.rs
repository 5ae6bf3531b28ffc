//! How much an entry should alarm whoever watches: one scale for all formats.

use crate::audit::catalogue::{self as c, Action};
use crate::audit::event::Outcome;
use crate::audit::view::EntryView;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// Evidence that the log itself is in doubt or gone.
const CRITICAL: [Action; 2] = [c::CHECKPOINT_CONTRADICTED, c::AUDIT_SHREDDED];
/// What cannot be undone, opens the installation anew, or leaves the log in the dark.
const HIGH: [Action; 9] = [
    c::CLOCK_JUMP,
    c::KEY_DESTROYED,
    c::TENANT_SUSPENDED,
    c::ACCOUNT_CLOSED,
    c::PLATFORM_ADMIN_RESET,
    c::ENTRY_UNREADABLE,
    c::GDPR_CHECK_DISABLED,
    c::TWO_FACTOR_DISABLED,
    c::STREAM_GAP,
];

impl Severity {
    pub fn of(entry: &EntryView) -> Self {
        let by_outcome = match entry.outcome {
            Outcome::Success => Self::Informational,
            Outcome::Failure => Self::Low,
            Outcome::Denied | Outcome::Error => Self::Medium,
        };
        // What an application reports says nothing about this appliance.
        if entry.reported_by.is_some() {
            return by_outcome;
        }
        let named = |actions: &[Action]| actions.iter().any(|action| action.name == entry.action);
        if named(&CRITICAL) {
            Self::Critical
        } else if named(&HIGH) {
            Self::High
        } else {
            by_outcome
        }
    }

    /// CEF's scale from 0 to 10: to 3 low, to 6 medium, to 8 high.
    pub const fn cef(self) -> u8 {
        match self {
            Self::Informational => 1,
            Self::Low => 3,
            Self::Medium => 5,
            Self::High => 8,
            Self::Critical => 10,
        }
    }

    /// OCSF's `severity_id` and its caption.
    pub const fn ocsf(self) -> (u8, &'static str) {
        match self {
            Self::Informational => (1, "Informational"),
            Self::Low => (2, "Low"),
            Self::Medium => (3, "Medium"),
            Self::High => (4, "High"),
            Self::Critical => (5, "Critical"),
        }
    }
}
