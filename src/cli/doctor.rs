//! `strongroom doctor`: is this installation as it should be?

use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::process::ExitCode;

use anyhow::bail;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::Context;
use super::command::Operator;
use super::output::{Report, causes, printable};
use super::socket;
use crate::config::Settings;
use crate::kernel::Runtime;
use crate::ops::doctor::{
    CHECKS, Outcome, Patient, Room, State, Wanted, examine, find, look_from_outside, worst,
};
use crate::web::messages::Messages;

#[derive(clap::Args)]
pub struct Arguments {
    /// Names of the checks to run; all of them without any
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Connect to the mail server and the backup targets that are set up
    #[arg(long)]
    network: bool,
    /// Mend what can be mended without harm: permissions, and files that a killed process left
    #[arg(long)]
    fix: bool,
    /// Mend without asking
    #[arg(long, requires = "fix")]
    yes: bool,
    /// List the checks and run none
    #[arg(long, conflicts_with_all = ["network", "fix", "names"])]
    list: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Command {
    names: Vec<String>,
    network: bool,
    fix: bool,
}

pub async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.list {
        list().print(context.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = arguments.names.iter().find(|name| find(name).is_none()) {
        bail!("there is no check {unknown}; see: strongroom doctor --list");
    }
    let settings = context.settings(None)?;
    let wanted = Wanted { network: arguments.network, names: arguments.names, ..Wanted::default() };
    let mut outcomes = look(context, &settings, &wanted).await?;
    if arguments.fix {
        let fixable: Vec<_> = outcomes.iter().filter(|outcome| outcome.fixable).collect();
        if !fixable.is_empty() && (arguments.yes || agreed(context, &settings, &fixable)?) {
            outcomes = look(context, &settings, &Wanted { fix: true, ..wanted }).await?;
        }
    }
    let code = match worst(&outcomes) {
        State::NotApplicable | State::Ok => 0,
        State::Warn => 1,
        State::Fail => 2,
    };
    report(&outcomes).print(context.json)?;
    Ok(ExitCode::from(code))
}

fn list() -> Report {
    let row = |check: &crate::ops::doctor::Check| format!("{:<24}{}\n", check.name, check.title);
    let names: Vec<_> =
        CHECKS.iter().map(|check| json!({ "name": check.name, "title": check.title })).collect();
    Report::done(json!({ "checks": names }), CHECKS.iter().map(row).collect::<String>())
}

/// From inside where that is possible; else what can be seen from outside, which is when a doctor
/// is needed most.
async fn look(
    context: &Context,
    settings: &Settings,
    wanted: &Wanted,
) -> anyhow::Result<Vec<Outcome>> {
    let Wanted { names, network, fix, .. } = wanted.clone();
    let outside = |why: String| look_from_outside(settings, Runtime::system().now(), why, wanted);
    if let Some(why) = stranger(settings) {
        if fix {
            bail!("nothing was mended: {why}");
        }
        return Ok(outside(why));
    }
    let command = super::Command::Doctor(Command { names, network, fix });
    match socket::deliver(context, command, None).await {
        Ok(report) => Ok(serde_json::from_value(report.json["checks"].clone())?),
        Err(error) => Ok(outside(causes(&error))),
    }
}

/// Why this user keeps away from the directory: what another one makes there, root included, the
/// server could not open; and the directory's owner could lead root's hand elsewhere.
fn stranger(settings: &Settings) -> Option<String> {
    let directory = &settings.store.data_dir;
    let owner = std::fs::metadata(directory).ok()?.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return None;
    }
    let answers = || std::os::unix::net::UnixStream::connect(directory.join(socket::FILE)).is_ok();
    if rustix::process::geteuid().is_root() && answers() {
        return None;
    }
    Some(format!(
        "{} belongs to user {owner}; run it as that user: sudo -u '#{owner}' strongroom doctor",
        directory.display()
    ))
}

fn agreed(context: &Context, settings: &Settings, fixable: &[&Outcome]) -> anyhow::Result<bool> {
    if context.json || !std::io::stdin().is_terminal() {
        bail!("--fix asks on a terminal; say --yes to mend without asking");
    }
    let mut out = std::io::stderr().lock();
    writeln!(out, "In {} this would be mended:", settings.store.data_dir.display())?;
    for outcome in fixable {
        writeln!(out, "  {}: {}", outcome.name, printable(&outcome.found))?;
    }
    write!(out, "Mend it? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command { names, network, fix } = command;
    let patient = Patient {
        tenants: &operator.tenants,
        settings: &operator.settings,
        caller: &operator.caller,
        running: operator.streams.as_ref().map(|streams| (streams, &operator.mailer)),
    };
    Ok(report(&examine(&patient, &Wanted { network, fix, names, ..Wanted::default() }).await?))
}

fn report(outcomes: &[Outcome]) -> Report {
    let count = |state| outcomes.iter().filter(|outcome| outcome.state == state).count();
    let json = json!({
        "result": worst(outcomes).name(),
        "counts": {
            "ok": count(State::Ok),
            "warn": count(State::Warn),
            "fail": count(State::Fail),
            "not-applicable": count(State::NotApplicable),
        },
        "checks": outcomes,
    });
    let mut text = String::new();
    for room in Room::ALL {
        let mut inside = outcomes.iter().filter(|outcome| outcome.room == room).peekable();
        if inside.peek().is_none() {
            continue;
        }
        text += &Messages::english().label("doctor-room-", room.name());
        text.push('\n');
        text.extend(inside.map(line));
    }
    text += &format!(
        "\n{} to mend, {} to look at, {} fine, {} that do not apply\n",
        count(State::Fail),
        count(State::Warn),
        count(State::Ok),
        count(State::NotApplicable)
    );
    Report { json, text, ok: worst(outcomes) < State::Fail }
}

fn line(outcome: &Outcome) -> String {
    let mark = match outcome.state {
        State::Ok => "ok  ",
        State::Warn => "WARN",
        State::Fail => "FAIL",
        State::NotApplicable => " -  ",
    };
    let mut text = format!("  {mark}  {:<24}{}\n", outcome.name, outcome.found);
    if let Some(fixed) = &outcome.fixed {
        text += &format!("        mended:   {fixed}\n");
    }
    if let Some(mend) = &outcome.mend {
        text += &format!("        expected: {}\n        to do:    {mend}\n", outcome.expected);
        if outcome.fixable {
            text += &format!("        or:       strongroom doctor --fix {}\n", outcome.name);
        }
        text += &format!("        more:     {}\n", outcome.page);
    }
    text
}
