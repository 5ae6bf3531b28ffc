//! `strongroom tenant export`: everything of a closed tenant in one archive.
//!
//! The file belongs to whoever types the command, and is encrypted here, before it is written: the
//! server only sends what goes into it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::Context;
use super::audit::Beside;
use super::command::Operator;
use super::output::Report;
use super::{closing, socket, tenant};
use crate::authz::permission::ConversationExport;
use crate::backup::Recipients;
use crate::config::Recipient;

#[derive(clap::Args)]
pub struct Arguments {
    slug: String,
    /// The file to write: a tar, encrypted when there are recipients
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encrypt it to this public key of age (age1…); may be repeated
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Wanted {
    slug: String,
}

pub async fn run(context: &Context, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { slug, out, recipient, force } = arguments;
    let parse = |key: &String| {
        let parsed: Result<Recipient, _> = key.parse();
        parsed.map_err(|_| anyhow::anyhow!("{key} is no public key of age (age1…)"))
    };
    let recipients = recipient.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    let mut file = Beside::create(&out, force)?;
    let wanted = closing::Command::Export(Wanted { slug });
    let command = super::Command::Tenant(tenant::Command::Closing(wanted));
    let mut report = if recipients.is_empty() {
        let writer = &mut file.writer as &mut (dyn Write + Send);
        socket::deliver(context, command, Some(writer)).await?
    } else {
        let mut sealed = Recipients::new(&recipients)?.encrypt(&mut file.writer)?;
        let writer = &mut sealed as &mut (dyn Write + Send);
        let report = socket::deliver(context, command, Some(writer)).await?;
        sealed.finish().with_context(|| format!("{} cannot be written", out.display()))?;
        report
    };
    file.keep()?;
    report.json["file"] = json!(out);
    report.json["encrypted"] = json!(!recipients.is_empty());
    report.text = format!("{}: {}", out.display(), report.text);
    if recipients.is_empty() {
        report.text += "\nIt is not encrypted: everything can be read by whoever has it.";
    }
    socket::finish(context, report)
}

pub async fn execute(operator: &Operator, wanted: Wanted) -> anyhow::Result<Report> {
    let (grant, tenant) = operator.tenant::<ConversationExport>(&wanted.slug).await?;
    let mut export = crate::closing::export(&operator.tenants, &grant, &tenant).await?;
    while let Some(bytes) = export.next().await? {
        for piece in bytes.chunks(256 * 1024) {
            operator.feedback.data(piece).await?;
        }
        operator.feedback.progress(format!("{} conversations", export.done()));
    }
    let (done, unreadable) = (export.done(), export.unreadable());
    let mut text = format!("{done} conversations");
    for one in unreadable {
        text += &format!("\nThe log {} is missing in it: {}.", one.log_id, one.reason);
    }
    let json = json!({ "conversations": done, "unreadable": unreadable });
    Ok(Report { ok: unreadable.is_empty(), ..Report::done(json, text) })
}
