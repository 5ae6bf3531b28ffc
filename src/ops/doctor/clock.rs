//! The clock: entries, schedules, sessions and certificates all go by it.

use std::path::Path;
use std::time::Duration;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, span};

/// Files that were written in the future say that the clock was set back: entries would seem to be
/// written before what caused them.
pub const FILES: Check = Check {
    name: "clock-against-files",
    room: Room::Machine,
    title: "The clock and the data files",
    expected: "no file was written later than now",
    mend: "set the clock right (timedatectl), and restart the server",
    run: files,
    fix: None,
};

/// Backups, restore tests and jobs that are dated after now say the same about a clock that was set
/// back while the server was stopped.
pub const CAREFUL: Check = Check {
    name: "clock-against-records",
    room: Room::Machine,
    title: "The clock and what is on record",
    expected: "nothing is on record that has not happened yet",
    mend: "set the clock right (timedatectl), and restart the server; times in the audit log never go \
           backwards, whatever the clock does",
    run: records,
    fix: None,
};

/// A clock that nobody keeps drifts by seconds a day; codes of authenticator apps stop working at
/// about a minute.
pub const SYNCHRONISED: Check = Check {
    name: "clock-synchronised",
    room: Room::Machine,
    title: "Who keeps the clock",
    expected: "a time service that has an answer",
    mend: "set up systemd-timesyncd or chrony with a time server of your own network",
    run: synchronised,
    fix: None,
};

const TOLERANCE: Duration = Duration::from_secs(120);

fn files(facts: &Facts) -> Finding {
    let limit = facts.now.plus(TOLERANCE);
    let latest = facts.files.files.iter().max_by_key(|seen| seen.changed);
    match latest {
        Some(seen) if seen.changed > limit => Finding::fail(format!(
            "{} was written {} from now",
            seen.path.display(),
            span(seen.changed.since(facts.now))
        )),
        _ => Finding::ok(format!("it is {} UTC", facts.now.display())),
    }
}

fn records(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let limit = facts.now.plus(TOLERANCE);
        let runs = records.jobs.iter().filter_map(|job| job.last_run);
        let tests = records.tests.iter().map(|test| test.started);
        let latest = runs.chain(tests).chain(records.last_backup).max();
        match latest {
            Some(at) if at > limit => Finding::fail(format!("on record at {}", at.display())),
            _ => Finding::ok("nothing"),
        }
    })
}

fn synchronised(_: &Facts) -> Finding {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Finding::ok("systemd-timesyncd has set it");
    }
    if Path::new("/run/chrony").is_dir() || Path::new("/run/chronyd.pid").exists() {
        return Finding::ok("chrony runs");
    }
    Finding::none("no time service that is known here; the host of a container may keep it")
}
