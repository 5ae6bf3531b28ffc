//! `strongroom audit …`, one file a verb.

mod bundle;
mod checkpoint;
mod export;
mod public_key;
mod reindex;
mod retention;
mod verify;
mod witness;

use std::process::ExitCode;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::args::Context;
use super::command::Operator;
use super::output::Report;
use super::socket;
pub(super) use bundle::read_key;
pub(super) use export::Beside;

#[derive(Subcommand)]
pub enum Verb {
    /// Write entries to a file: all of them, or what a search finds
    Export(export::Arguments),
    /// Print the latest checkpoint: a signed note over the log's size and root
    Checkpoint(checkpoint::Arguments),
    /// Print the key that the checkpoints of this installation are checked with
    PublicKey(public_key::Arguments),
    /// Show or change how long entries are kept
    Retention(retention::Arguments),
    /// Build the search index anew from the log
    Reindex(reindex::Arguments),
    /// Check every entry, link and tile; exit 1 on any break
    Verify(verify::Arguments),
    /// Have checkpoints signed by somebody outside, without network
    #[command(subcommand)]
    Witness(witness::Verb),
}

/// What reaches the server.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Export(export::Wanted),
    Checkpoint(checkpoint::Arguments),
    PublicKey,
    Retention(retention::Arguments),
    Reindex(reindex::Arguments),
    Verify(verify::Arguments),
    Witness(witness::Command),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let command = match verb {
        Verb::Export(arguments) => return export::run(context, arguments).await,
        Verb::Checkpoint(arguments) => Command::Checkpoint(arguments),
        Verb::PublicKey(arguments) => return public_key::run(context, arguments).await,
        Verb::Retention(arguments) => Command::Retention(arguments),
        Verb::Reindex(arguments) => Command::Reindex(arguments),
        Verb::Verify(arguments) => {
            if let Some(report) = bundle::run(&arguments.offline, arguments.tenant.as_deref())? {
                return socket::finish(context, report);
            }
            Command::Verify(arguments)
        }
        Verb::Witness(verb) => return witness::run(context, verb).await,
    };
    socket::dispatch(context, super::Command::Audit(command)).await
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Export(wanted) => export::execute(operator, wanted).await,
        Command::Checkpoint(arguments) => checkpoint::execute(operator, arguments).await,
        Command::PublicKey => Ok(public_key::execute(operator)),
        Command::Retention(arguments) => retention::execute(operator, arguments).await,
        Command::Reindex(arguments) => reindex::execute(operator, arguments).await,
        Command::Verify(arguments) => verify::execute(operator, arguments).await,
        Command::Witness(command) => witness::execute(operator, command).await,
    }
}
