//! `strongroom audit …`, one file a verb.

mod bundle;
mod checkpoint;
mod export;
mod public_key;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::args::Context;
use super::command::Operator;
use super::output::Report;
use super::socket;

#[derive(Subcommand)]
pub enum Verb {
    /// Write entries to a file: all of them, or what a search finds
    Export(export::Arguments),
    /// Print the latest checkpoint: a signed note over the log's size and root
    Checkpoint(checkpoint::Arguments),
    /// Print the key that the checkpoints of this installation are checked with
    PublicKey(public_key::Arguments),
    /// Check every entry, link and tile; exit 1 on any break
    Verify(verify::Arguments),
}

/// What reaches the server.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Export(export::Wanted),
    Checkpoint(checkpoint::Arguments),
    PublicKey,
    Verify(verify::Arguments),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let command = match verb {
        Verb::Export(arguments) => return export::run(context, arguments).await,
        Verb::Checkpoint(arguments) => Command::Checkpoint(arguments),
        Verb::PublicKey(arguments) => return public_key::run(context, arguments).await,
        Verb::Verify(arguments) => {
            if let Some(report) = bundle::run(&arguments.offline, arguments.tenant.as_deref())? {
                return socket::finish(context, report);
            }
            Command::Verify(arguments)
        }
    };
    socket::dispatch(context, super::Command::Audit(command)).await
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Export(wanted) => export::execute(operator, wanted).await,
        Command::Checkpoint(arguments) => checkpoint::execute(operator, arguments).await,
        Command::PublicKey => Ok(public_key::execute(operator)),
        Command::Verify(arguments) => verify::execute(operator, arguments).await,
    }
}
