//! `strongroom audit public-key`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::Command;
use crate::cli::args::Context;
use crate::cli::command::Operator;
use crate::cli::output::Report;
use crate::cli::socket;
use crate::trail;

#[derive(clap::Args)]
pub struct Arguments {
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let command = crate::cli::Command::Audit(Command::PublicKey);
    let mut report = socket::deliver(context, command, None).await?;
    if let Some(path) = arguments.out {
        let unwritable = || format!("{} cannot be written", path.display());
        let mut file = std::fs::File::create(&path).with_context(unwritable)?;
        writeln!(file, "{}", report.text)
            .and_then(|()| file.sync_all())
            .with_context(unwritable)?;
        report.json["file"] = path.display().to_string().into();
        report.text = format!("The public key is in {}.", path.display());
    }
    socket::finish(context, report)
}

pub fn execute(operator: &Operator) -> Report {
    let key = trail::public_key(&operator.tenants).to_string();
    Report::done(json!({ "publicKey": key }), key)
}
