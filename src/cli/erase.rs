//! `strongroom erase`

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::approval;
use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::SubjectErase;
use crate::kernel::Timestamp;
use crate::privacy::{self, Erasure, Preview, PrivacyError, Wanted, Who};

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("who").required(true)))]
pub struct Arguments {
    #[arg(long, value_name = "SLUG")]
    tenant: String,
    /// The id of the person's key, as --preview shows it
    #[arg(long, value_name = "ID", group = "who")]
    subject: Option<String>,
    /// The application's own reference for the person
    #[arg(long, value_name = "REF", group = "who")]
    reference: Option<String>,
    /// A member's id
    #[arg(long, value_name = "ID", group = "who")]
    member: Option<String>,
    /// An e-mail address, of a person or of a member
    #[arg(long, value_name = "EMAIL", group = "who")]
    email: Option<String>,
    /// Only show who fits and what would be erased
    #[arg(long)]
    preview: bool,
    /// The person's reference or e-mail address once more, or the word erase; asked for on a terminal
    #[arg(long, value_name = "TEXT")]
    confirm: Option<String>,
    /// Why, without naming the person: it stays in the log
    #[arg(long, value_name = "TEXT", required_unless_present = "preview")]
    reason: Option<String>,
    /// The number under which the request is known elsewhere
    #[arg(long, value_name = "NUMBER")]
    request: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Preview { tenant: String, who: Who },
    Erase { tenant: String, who: Who, confirm: String, reason: String, request: Option<String> },
}

pub fn command(arguments: Arguments) -> anyhow::Result<Command> {
    let Arguments { tenant, subject, reference, member, email, .. } = &arguments;
    let who = match (subject, reference, member, email) {
        (Some(id), ..) => Who::Subject(id.parse().context("--subject takes the id of a key")?),
        (_, Some(reference), ..) => Who::Reference(reference.clone()),
        (_, _, Some(id), _) => Who::Member(id.parse().context("--member takes a member's id")?),
        (_, _, _, Some(email)) => Who::Email(email.clone()),
        _ => bail!("say whom: --subject, --reference, --member or --email"),
    };
    let tenant = tenant.clone();
    if arguments.preview {
        return Ok(Command::Preview { tenant, who });
    }
    let confirm = match arguments.confirm {
        Some(confirm) => confirm,
        None if std::io::stdin().is_terminal() => ask()?,
        None => {
            bail!("this cannot be undone: add --confirm with the person's reference or address")
        }
    };
    let (reason, request) = (arguments.reason.unwrap_or_default(), arguments.request);
    Ok(Command::Erase { tenant, who, confirm, reason, request })
}

fn ask() -> anyhow::Result<String> {
    eprint!(
        "Everything that is stored about this person becomes unreadable, for good.\n\
         Type their reference or e-mail address, or the word erase, to go on: "
    );
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("nothing could be read")?;
    Ok(typed)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    match command {
        Command::Preview { tenant, who } => preview(operator, &tenant, who).await,
        Command::Erase { tenant, who, confirm, reason, request } => {
            let wanted = Wanted { who, confirm, reason: reason.clone(), request };
            erase(operator, &tenant, wanted, &reason).await
        }
    }
}

async fn preview(operator: &Operator, slug: &str, who: Who) -> anyhow::Result<Report> {
    let (grant, _) = operator.tenant::<SubjectErase>(slug).await?;
    let found = privacy::preview(&operator.tenants, &grant, who).await?.value;
    let row = |preview: &Preview| {
        vec![
            preview.subject.to_string(),
            preview.kind.name().to_owned(),
            preview.name.clone().unwrap_or_default(),
            preview.counts.conversations.to_string(),
            preview.counts.messages.to_string(),
            preview.counts.entries.map_or("?".to_owned(), |count| count.to_string()),
            if preview.held { "yes" } else { "no" }.to_owned(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let heads = ["SUBJECT", "KIND", "NAME", "CONVERSATIONS", "MESSAGES", "ENTRIES", "HELD"];
    let text = match rows.is_empty() {
        true => "Nobody fits.".to_owned(),
        false => table(&heads, &rows),
    };
    Ok(Report::done(json!({ "items": found }), text))
}

async fn erase(
    operator: &Operator,
    slug: &str,
    wanted: Wanted,
    reason: &str,
) -> anyhow::Result<Report> {
    let (grant, tenant) = operator.tenant::<SubjectErase>(slug).await?;
    let ageing = operator.ageing;
    let done = privacy::erase(&operator.tenants, &grant, &tenant, wanted, ageing, None).await;
    match done {
        Ok(erasure) => Ok(report(&erasure)),
        Err(PrivacyError::Approval(error)) => {
            approval::answer(operator, slug, *error, Some(reason)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn report(erasure: &Erasure) -> Report {
    let until = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let mut text =
        "The person is erased: nothing that is stored about them can be read.".to_owned();
    if let Some(time) = until(erasure.keys_in_backups_until) {
        text += &format!("\nBackups of the key are gone by {time}.");
    }
    text += "\nThe certificate, for your files:\n\n";
    text += erasure.certificate.as_deref().unwrap_or_default();
    Report::done(serde_json::to_value(erasure).unwrap_or_default(), text)
}
