//! `strongroom audit witness …`: on the machine with the log (`log`), and on the witness's own,
//! which has no data directory (`own`).

mod log;
mod own;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use tempfile::NamedTempFile;

use crate::cli::args::Context;
use crate::cli::socket;

pub use log::{Command, execute};

#[derive(Subcommand)]
pub enum Verb {
    /// Make a witness's key, on the witness's machine; prints the public one
    Keygen(own::Keygen),
    /// Write what a witness is to sign: the latest checkpoint, and the proof that the log only grew
    Export(log::Export),
    /// Sign it, on the witness's machine, unless it contradicts what was signed before
    Cosign(own::Cosign),
    /// Store what a witness signed
    Import(log::Import),
    /// Name a witness of a log
    Add(log::Add),
    /// List a log's witnesses and what they signed
    List(log::List),
    /// Take no more signatures of a witness
    Remove(log::Remove),
}

pub async fn run(context: &Context, verb: Verb) -> anyhow::Result<ExitCode> {
    let report = match verb {
        Verb::Keygen(arguments) => own::keygen(arguments)?,
        Verb::Cosign(arguments) => own::cosign(arguments)?,
        Verb::Export(arguments) => return log::export(context, arguments).await,
        Verb::Import(arguments) => return log::dispatch(context, log::import(arguments)?).await,
        Verb::Add(arguments) => return log::dispatch(context, Command::Add(arguments)).await,
        Verb::List(arguments) => return log::dispatch(context, Command::List(arguments)).await,
        Verb::Remove(arguments) => return log::dispatch(context, Command::Remove(arguments)).await,
    };
    socket::finish(context, report)
}

/// Requests and notes are small; anything else is another file.
const FILE_MOST: u64 = 48 * 1024;

fn read_text(path: &Path) -> anyhow::Result<String> {
    let unreadable = || format!("{} cannot be read", path.display());
    let length = std::fs::metadata(path).with_context(unreadable)?.len();
    anyhow::ensure!(
        length <= FILE_MOST,
        "{} is too large to be what was asked for",
        path.display()
    );
    std::fs::read_to_string(path).with_context(unreadable)
}

/// Puts a file in place of the one that is there, as a whole and durably.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let unwritable = || format!("{} cannot be written", path.display());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory).with_context(unwritable)?;
    file.write_all(text.as_bytes()).with_context(unwritable)?;
    file.as_file().sync_all().with_context(unwritable)?;
    file.persist(path).with_context(unwritable)?;
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .with_context(unwritable)
}
