//! What leaves this machine where it was set up, as far as the server has seen it work.

use super::check::{Check, Finding, Room};
use super::facts::Facts;
use crate::jobs::RunState;

/// Without mail nobody gets a link for a new password, and no alarm leaves the machine.
pub const MAIL: Check = Check {
    name: "mail",
    room: Room::Outside,
    title: "Mail",
    expected: "a mail server is set, and it took the last mail",
    mend: "set mail.smtp_host and mail.from (docs/mail.md), and try it with strongroom mail test",
    run: mail,
    fix: None,
};

/// When an identity provider changes its key or its metadata ends, its people stay outside.
pub const PROVIDERS: Check = Check {
    name: "identity-providers",
    room: Room::Outside,
    title: "Identity providers",
    expected: "their metadata and keys were looked at and are well",
    mend: "look at the job sso.watch under Jobs, and at the report of the tenant's provider",
    run: providers,
    fix: None,
};

/// A SIEM that gets nothing raises no alarm.
pub const STREAMS: Check = Check {
    name: "streams",
    room: Room::Outside,
    title: "Streams to other systems",
    expected: "none has failed for longer than streams.alarm_seconds",
    mend: "look at the stream under Audit log, Streams: it says since when and why; nothing is lost, \
           it goes on where it stopped",
    run: streams,
    fix: None,
};

fn mail(facts: &Facts) -> Finding {
    let Some(host) = &facts.settings.mail.smtp_host else {
        return Finding::warn("none is sent: mail.smtp_host is not set");
    };
    facts.with_records(|records| {
        let Some(state) = &records.mail else {
            return Finding::none("no server runs that would send it");
        };
        let waiting = format!("{} wait", state.waiting);
        match &state.last_error {
            Some((at, error)) if state.last_sent.is_none_or(|sent| sent < *at) => {
                Finding::fail(format!("{error} ({waiting})"))
            }
            _ => Finding::ok(format!("{}, {waiting}", host.as_str())),
        }
    })
}

fn providers(facts: &Facts) -> Finding {
    facts.with_job("sso.watch", |job| match (job.state, &job.error) {
        (Some(RunState::Failed), Some(error)) => Finding::fail(error.clone()),
        (Some(RunState::Succeeded), _) => {
            Finding::ok(job.summary.clone().unwrap_or_else(|| "looked at".into()))
        }
        _ => Finding::none("not looked at yet"),
    })
}

fn streams(facts: &Facts) -> Finding {
    facts.with_records(|records| match records.streams {
        None => Finding::none("no server runs that would send"),
        Some((0, _)) => Finding::none("none is set up"),
        Some((all, 0)) => Finding::ok(format!("{all}, none failing")),
        Some((all, failing)) => Finding::fail(format!("{failing} of {all} failing")),
    })
}
