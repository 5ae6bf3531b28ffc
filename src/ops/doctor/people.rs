//! Who runs the platform.

use super::check::{Check, Finding, Room};
use super::facts::{Facts, Records, some};
use crate::admins::Admin;
use crate::users::{MemberState, SecondFactor};

/// Until somebody has, whoever gets hold of a setup link becomes the first administrator.
pub const SET_UP: Check = Check {
    name: "set-up",
    room: Room::People,
    title: "Setup",
    expected: "done: there is an administrator",
    mend: "open the link that the first start printed, or make another: strongroom admin setup-link",
    run: set_up,
    fix: None,
};

/// One alone cannot be helped when they lose their second factor; many are many ways in.
pub const ADMINISTRATORS: Check = Check {
    name: "administrators",
    room: Room::People,
    title: "Number of platform administrators",
    expected: "two to five who are active",
    mend: "add a second administrator in the console, or disable those who do not need it",
    run: administrators,
    fix: None,
};

/// A password alone is phished, guessed and used elsewhere.
pub const FACTORS: Check = Check {
    name: "administrator-factors",
    room: Room::People,
    title: "Second factors of administrators",
    expected: "everybody who is active has one",
    mend: "have them sign in and set one up, or disable them",
    run: factors,
    fix: None,
};

fn active(records: &Records) -> impl Iterator<Item = &Admin> {
    records.admins.iter().filter(|admin| admin.state == MemberState::Active)
}

fn set_up(facts: &Facts) -> Finding {
    facts.with_records(|records| match active(records).count() {
        0 => Finding::warn("nobody signs in to the platform yet"),
        _ => Finding::ok("done"),
    })
}

fn administrators(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let count = active(records).filter(|admin| admin.role == "platform-admin").count();
        let said = format!("{count} active");
        match count {
            0 => Finding::none("not set up yet"),
            2..=5 => Finding::ok(said),
            _ => Finding::warn(said),
        }
    })
}

fn factors(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let without: Vec<_> = active(records)
            .filter(|admin| admin.second_factor != SecondFactor::On)
            .map(|admin| admin.email.clone().unwrap_or_else(|| admin.id.to_string()))
            .collect();
        match (without.is_empty(), active(records).count()) {
            (_, 0) => Finding::none("not set up yet"),
            (true, count) => Finding::ok(format!("all {count} have one")),
            (false, _) => Finding::fail(format!("without: {}", some(&without))),
        }
    })
}
