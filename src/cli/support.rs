//! `strongroom support bundle`: what somebody who helps from elsewhere needs to know.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::Context;
use super::command::Operator;
use super::output::Report;
use super::socket;
use crate::ops::doctor::Patient;
use crate::ops::support::{Part, gather, pack};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Write a file for whoever helps you: results of checks and jobs, settings, metrics, sizes
    ///
    /// It holds no secret, and no name of a person, a tenant or a host. What is in it is listed
    /// before it is made; `tar --zstd -xf` opens it.
    Bundle {
        /// The file, which must not be there yet
        #[arg(long, value_name = "FILE", default_value = "strongroom-support.tar.zst")]
        out: PathBuf,
        /// Write it without asking
        #[arg(long)]
        yes: bool,
        /// List what would be in it, and write nothing
        #[arg(long, conflicts_with = "yes")]
        list: bool,
    },
}

#[derive(Serialize, Deserialize)]
pub enum Command {
    Bundle,
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let Verb::Bundle { out, yes, list } = verb;
    let report = socket::deliver(context, super::Command::Support(Command::Bundle), None).await?;
    let parts: Vec<Part> = serde_json::from_value(report.json["parts"].clone())?;
    if list {
        listed(&parts, None).print(context.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !yes && !agreed(context, &parts, &out)? {
        return Ok(ExitCode::FAILURE);
    }
    write(&parts, &out).with_context(|| format!("{} cannot be written", out.display()))?;
    listed(&parts, Some(&out)).print(context.json)?;
    Ok(ExitCode::SUCCESS)
}

fn listed(parts: &[Part], out: Option<&Path>) -> Report {
    let line =
        |part: &Part| format!("  {:<14}{:>8} B  {}\n", part.name, part.text.len(), part.about);
    let mut text: String = parts.iter().map(line).collect();
    if let Some(out) = out {
        text += &format!("{} is made; read it before you send it.\n", out.display());
    }
    let of =
        |part: &Part| json!({ "name": part.name, "bytes": part.text.len(), "about": part.about });
    let parts: Vec<_> = parts.iter().map(of).collect();
    Report::done(json!({ "file": out, "parts": parts }), text)
}

fn agreed(context: &Context, parts: &[Part], out: &Path) -> anyhow::Result<bool> {
    if context.json || !std::io::stdin().is_terminal() {
        bail!("the bundle is made after asking on a terminal; say --yes to make it without");
    }
    let mut said = std::io::stderr().lock();
    write!(said, "It would hold:\n{}Write {}? [y/N] ", listed(parts, None).text, out.display())?;
    said.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// For its owner alone: who may read it is theirs to say.
fn write(parts: &[Part], out: &Path) -> std::io::Result<()> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(out)?;
    pack(parts, file)?.sync_all()
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command::Bundle = command;
    let patient = Patient {
        tenants: &operator.tenants,
        settings: &operator.settings,
        caller: &operator.caller,
        running: operator.streams.as_ref().map(|streams| (streams, &operator.mailer)),
    };
    let parts = gather(&patient, operator.time_zone).await?;
    Ok(Report::done(json!({ "parts": parts }), String::new()))
}
