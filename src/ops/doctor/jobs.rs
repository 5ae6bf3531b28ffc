//! What the appliance does by itself.

use std::time::Duration;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, Records, some};
use crate::jobs::{JobStatus, Rhythm, RunState};

/// Backups, retention, erasures and verification are jobs: one that fails does not happen.
pub const FAILED: Check = Check {
    name: "jobs-failed",
    room: Room::Work,
    title: "Jobs that failed",
    expected: "the latest run of every job went well",
    mend: "look under Jobs for what the run said, mend that, and start the job again",
    run: failed,
    fix: None,
};

/// A job that does not run at all says nothing by itself.
pub const OVERDUE: Check = Check {
    name: "jobs-overdue",
    room: Room::Work,
    title: "Jobs that are overdue",
    expected: "every job began when its time had come",
    mend: "restart the server; if that does not help, look in the operating log for the scheduler",
    run: overdue,
    fix: None,
};

/// Somebody had a reason to switch it off, and may have forgotten.
pub const OFF: Check = Check {
    name: "jobs-off",
    room: Room::Work,
    title: "Jobs that are switched off",
    expected: "none",
    mend: "switch them on under Jobs, or with strongroom job schedule NAME --default",
    run: off,
    fix: None,
};

/// After an upgrade every tenant's file is brought up to date, at the latest by a job.
pub const SCHEMA: Check = Check {
    name: "schema",
    room: Room::Work,
    title: "Schema of the databases",
    expected: "the platform's is current, and every tenant's was brought up to date",
    mend: "strongroom job run tenants.migrate, and look at what it says about the tenant that fails",
    run: schema,
    fix: None,
};

const SLACK: Duration = Duration::from_secs(900);

fn names(records: &Records, is_meant: impl Fn(&JobStatus) -> bool) -> Vec<String> {
    let jobs = records.jobs.iter().filter(|job| is_meant(job));
    jobs.map(|job| job.name.to_owned()).collect()
}

fn failed(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let failed = names(records, |job| {
            matches!(job.state, Some(RunState::Failed | RunState::Interrupted))
        });
        match failed.is_empty() {
            true => Finding::ok(format!("{} jobs", records.jobs.len())),
            false => Finding::fail(some(&failed)),
        }
    })
}

fn overdue(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        if records.streams.is_none() {
            return Finding::none("no server runs");
        }
        let late = names(records, |job| {
            let is_waiting = job.enabled && job.state != Some(RunState::Running);
            let age = job.last_run.map(|at| facts.age(at));
            let period = Rhythm::of(&job.schedule).map(period);
            is_waiting && age.zip(period).is_some_and(|(age, period)| age > period * 2 + SLACK)
        });
        match late.is_empty() {
            true => Finding::ok("none"),
            false => Finding::fail(some(&late)),
        }
    })
}

fn period(rhythm: Rhythm) -> Duration {
    let seconds = match rhythm {
        Rhythm::Seconds(count) => u64::from(count),
        Rhythm::Minutes(count) => u64::from(count) * 60,
        Rhythm::Hourly(_) => 3_600,
        Rhythm::Daily { .. } => 86_400,
        Rhythm::Weekly { .. } => 7 * 86_400,
    };
    Duration::from_secs(seconds)
}

fn off(facts: &Facts) -> Finding {
    facts.with_records(|records| {
        let off = names(records, |job| !job.enabled);
        if off.is_empty() { Finding::ok("none") } else { Finding::warn(some(&off)) }
    })
}

fn schema(facts: &Facts) -> Finding {
    facts.with_job("tenants.migrate", |job| match (job.state, &job.error) {
        (Some(RunState::Failed), Some(error)) => Finding::fail(error.clone()),
        (Some(RunState::Succeeded), _) => {
            Finding::ok(job.summary.clone().unwrap_or_else(|| "all are current".into()))
        }
        _ => Finding::none(
            "the server has not looked yet; a tenant's file is also when it is opened",
        ),
    })
}
