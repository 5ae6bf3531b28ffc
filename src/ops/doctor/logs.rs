//! The audit logs: are they verified, signed, and known outside of this machine?

use std::time::Duration;

use super::check::{Check, Finding, Room};
use super::facts::{Facts, span};
use crate::jobs::RunState;

/// The chain, the tree and every signature of all logs are checked each night. A log that is found
/// broken was changed behind the server's back, or its disk is failing.
pub const VERIFIED: Check = Check {
    name: "logs-verified",
    room: Room::Logs,
    title: "Verification of the audit logs",
    expected: "all logs were found whole within the last two days",
    mend: "a broken log: change nothing, copy the data directory away, then look at it with strongroom \
           audit verify. Not verified lately: strongroom job run audit.verify",
    run: verified,
    fix: None,
};

/// A checkpoint signs how far a log has come. Entries after the last one could be taken away unseen.
pub const CHECKPOINTS: Check = Check {
    name: "checkpoints",
    room: Room::Logs,
    title: "Signed checkpoints",
    expected: "made within the last two hours while the server runs",
    mend: "look at the job audit.checkpoint under Jobs for why it fails",
    run: checkpoints,
    fix: None,
};

/// Root on this machine can rewrite a log together with its checkpoints, unless somebody else has
/// them: a medium that is written once, another system, a witness.
pub const PUBLISHED: Check = Check {
    name: "checkpoints-published",
    room: Room::Logs,
    title: "Checkpoints outside of this machine",
    expected: "published to one place at least, without failures",
    mend: "set checkpoints.publish_directory, publish_syslog or publish_http (docs/operations.md)",
    run: published,
    fix: None,
};

const TWO_DAYS: Duration = Duration::from_secs(2 * 86_400);
const TWO_HOURS: Duration = Duration::from_secs(7_200);

fn verified(facts: &Facts) -> Finding {
    facts.with_job("audit.verify", |job| match (job.state, job.last_run) {
        (Some(RunState::Failed), _) => {
            Finding::fail(job.error.clone().unwrap_or_else(|| "it failed".into()))
        }
        (Some(RunState::Succeeded), Some(at)) if facts.age(at) <= TWO_DAYS => {
            Finding::ok(format!("whole {} ago", span(facts.age(at))))
        }
        (Some(RunState::Running), _) => Finding::none("it is under way"),
        (Some(_), Some(at)) => Finding::warn(format!("the last run began {}", at.display())),
        _ => Finding::warn("not verified yet"),
    })
}

fn checkpoints(facts: &Facts) -> Finding {
    facts.with_job("audit.checkpoint", |job| match (job.state, job.last_run) {
        (Some(RunState::Failed), _) => {
            Finding::fail(job.error.clone().unwrap_or_else(|| "it failed".into()))
        }
        (_, Some(at)) if facts.age(at) <= TWO_HOURS => {
            Finding::ok(format!("looked after {} ago", span(facts.age(at))))
        }
        (_, Some(at)) => Finding::warn(format!("not since {}", at.display())),
        (_, None) => Finding::none("the server has not run for long enough"),
    })
}

fn published(facts: &Facts) -> Finding {
    let settings = &facts.settings.checkpoints;
    let is_set = settings.publish_directory.is_some()
        || settings.publish_syslog.is_some()
        || settings.publish_http.is_some();
    if !is_set {
        return Finding::warn("published nowhere");
    }
    facts.with_job("audit.publish", |job| match (job.state, &job.error) {
        (Some(RunState::Failed), Some(error)) => Finding::fail(error.clone()),
        (Some(_), _) => Finding::ok(job.summary.clone().unwrap_or_else(|| "published".into())),
        (None, _) => Finding::none("nothing was published yet"),
    })
}
