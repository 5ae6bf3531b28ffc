//! On the machine with the log.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{read_text, replace};
use crate::authz::permission::{AuditWitness, PlatformAuditWitness};
use crate::cli::args::Context;
use crate::cli::command::Operator;
use crate::cli::output::{Report, table};
use crate::cli::socket;
use crate::trail::witness::{self, NewWitness, Witness};

/// Which log is meant.
#[derive(clap::Args, Serialize, Deserialize)]
pub struct Log {
    /// This tenant's log
    #[arg(long, value_name = "SLUG", required_unless_present = "platform")]
    tenant: Option<String>,
    /// The platform's own log
    #[arg(long, conflicts_with = "tenant")]
    platform: bool,
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    log: Log,
    /// File to take to the witness
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The same as an image to photograph
    #[arg(long, value_name = "FILE.svg")]
    qr: Option<PathBuf>,
    /// Name or id of the witness, where there are several
    #[arg(long, value_name = "NAME")]
    witness: Option<String>,
    /// Prove growth from this size, instead of the last one that the witness signed
    #[arg(long, value_name = "SIZE")]
    from: Option<u64>,
}

#[derive(clap::Args)]
pub struct Import {
    #[command(flatten)]
    log: Log,
    /// What the witness signed
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
}

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Add {
    #[command(flatten)]
    log: Log,
    /// What people call it
    #[arg(long)]
    name: String,
    /// The line that keygen printed
    #[arg(long, value_name = "PUBLIC-KEY")]
    key: String,
}

#[derive(clap::Args, Serialize, Deserialize)]
pub struct List {
    #[command(flatten)]
    log: Log,
}

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Remove {
    #[command(flatten)]
    log: Log,
    /// Name or id of the witness
    #[arg(long)]
    name: String,
}

/// What reaches the server.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Export { log: Log, witness: Option<String>, from: Option<u64> },
    Import { log: Log, note: String },
    Add(Add),
    List(List),
    Remove(Remove),
}

pub async fn dispatch(context: &Context, command: Command) -> anyhow::Result<ExitCode> {
    socket::dispatch(context, wrap(command)).await
}

fn wrap(command: Command) -> crate::cli::Command {
    crate::cli::Command::Audit(crate::cli::audit::Command::Witness(command))
}

pub fn import(arguments: Import) -> anyhow::Result<Command> {
    Ok(Command::Import { note: read_text(&arguments.input)?, log: arguments.log })
}

pub async fn export(context: &Context, arguments: Export) -> anyhow::Result<ExitCode> {
    let Export { log, out, qr, witness, from } = arguments;
    let command = wrap(Command::Export { log, witness, from });
    let mut report = socket::deliver(context, command, None).await?;
    replace(&out, &report.text)?;
    if let Some(qr) = &qr {
        replace(qr, &witness::image(&report.text)?)?;
        report.json["qr"] = json!(qr);
    }
    report.json["file"] = json!(out);
    report.text = format!("Written to {}: take it to the witness.", out.display());
    socket::finish(context, report)
}

/// With the grant that goes with the log.
macro_rules! with_grant {
    ($operator:ident, $log:expr, |$tenants:ident, $grant:ident| $run:expr) => {{
        let $tenants = &$operator.tenants;
        match &$log.tenant {
            Some(name) => {
                let ($grant, _) = $operator.tenant::<AuditWitness>(name).await?;
                $run
            }
            None => {
                let $grant = $operator.platform::<PlatformAuditWitness>().await?;
                $run
            }
        }
    }};
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Export { log, witness, from } => {
            let request = with_grant!(operator, log, |tenants, grant| {
                witness::request(tenants, &grant, witness, from).await?
            });
            let json = json!({ "old": request.old, "request": request.to_string() });
            Ok(Report::done(json, request.to_string()))
        }
        Command::Import { log, note } => {
            let cosigned = with_grant!(operator, log, |tenants, grant| {
                witness::import(tenants, &grant, &note).await?
            });
            let names = cosigned.witnesses.join(", ");
            let text = format!("{} entries are witnessed by {names}.", cosigned.size);
            Ok(Report::done(json!(cosigned), text))
        }
        Command::Add(Add { log, name, key }) => {
            let new = NewWitness { name, key };
            let added = with_grant!(operator, log, |tenants, grant| {
                witness::add(tenants, &grant, new).await?
            });
            let text = format!("{} is a witness from now on.", added.name);
            Ok(Report::done(json!(added), text))
        }
        Command::Remove(Remove { log, name }) => {
            let removed = with_grant!(operator, log, |tenants, grant| {
                witness::remove(tenants, &grant, name).await?
            });
            let text = format!("{} is a witness no more; what it signed stays.", removed.name);
            Ok(Report::done(json!(removed), text))
        }
        Command::List(List { log }) => {
            let found = with_grant!(operator, log, |tenants, grant| {
                witness::witnesses(tenants, &grant).await?
            });
            let head = ["ID", "SIGNED UP TO", "ON", "REMOVED", "NAME"];
            let mut text = table(&head, &found.items.iter().map(row).collect::<Vec<_>>());
            for contradiction in &found.contradictions {
                text += &format!(
                    "ALARM: a checkpoint over {} entries contradicts this log, found {}\n",
                    contradiction.size, contradiction.found_at
                );
            }
            Ok(Report::done(json!(found), text))
        }
    }
}

fn row(witness: &Witness) -> Vec<String> {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    vec![
        witness.id.clone(),
        or_none(witness.size.map(|size| size.to_string())),
        or_none(witness.signed_at.map(|time| time.to_string())),
        or_none(witness.removed_at.map(|time| time.to_string())),
        witness.name.clone(),
    ]
}
