//! Tenants in an unusual state.

use super::check::{Check, Finding, Room};
use super::facts::{Facts, some};
use crate::authz::TenantState;
use crate::closing::ClosingState;

/// A tenant is frozen or suspended for a while; its people wait.
pub const FROZEN: Check = Check {
    name: "tenants-frozen",
    room: Room::Work,
    title: "Frozen and suspended tenants",
    expected: "none",
    mend: "unfreeze or resume them under Tenants when the reason is gone",
    run: frozen,
    fix: None,
};

/// After its grace a closed tenant's keys are destroyed, and nothing brings its data back.
pub const CLOSING: Check = Check {
    name: "tenants-closing",
    room: Room::Work,
    title: "Tenants that are being closed",
    expected: "none, or those that somebody means to close",
    mend: "take a closing back under Tenants, while its grace lasts",
    run: closing,
    fix: None,
};

fn frozen(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let is_held = |state| matches!(state, TenantState::Frozen | TenantState::Suspended);
        let held: Vec<_> = records
            .tenants
            .iter()
            .filter(|tenant| is_held(tenant.state))
            .map(|tenant| format!("{} ({})", tenant.slug, tenant.state.name()))
            .collect();
        if held.is_empty() { Finding::ok("none") } else { Finding::warn(some(&held)) }
    })
}

fn closing(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let under_way = |state| matches!(state, ClosingState::Closed | ClosingState::Destroying);
        let closing: Vec<_> = records
            .closings
            .iter()
            .filter(|closing| under_way(closing.state))
            .map(|closing| match closing.held {
                true => format!("{} (kept by a legal hold)", closing.slug),
                false => format!("{} (until {})", closing.slug, closing.due_at.display()),
            })
            .collect();
        if closing.is_empty() { Finding::ok("none") } else { Finding::warn(some(&closing)) }
    })
}
