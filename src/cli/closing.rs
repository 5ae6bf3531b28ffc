//! `strongroom tenant close`, `tenant reopen`, `tenant list --closed`

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::command::Operator;
use super::output::{Report, table};
use super::tenant_export;
use crate::authz::permission::{TenantClose, TenantRead};
use crate::closing::{self, Closing, ClosingState};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Close { slug: String, confirm: String, reason: String },
    Reopen { slug: String },
    List,
    Export(tenant_export::Wanted),
}

/// Asks for the short name once more where somebody can answer.
pub fn close(slug: String, confirm: Option<String>, reason: String) -> anyhow::Result<Command> {
    let confirm = match confirm {
        Some(confirm) => confirm,
        None if std::io::stdin().is_terminal() => ask(&slug)?,
        None => bail!("repeat the short name with --confirm {slug}"),
    };
    if confirm.trim() != slug {
        bail!("nothing was closed: \"{}\" is not \"{slug}\"", confirm.trim());
    }
    Ok(Command::Close { slug, confirm, reason })
}

fn ask(slug: &str) -> anyhow::Result<String> {
    eprint!(
        "Nobody can get into {slug} from now on, and after the time of grace everything in it is\n\
         destroyed for good. Type {slug} to go on: "
    );
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("nothing could be read")?;
    Ok(typed)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    match command {
        Command::Close { slug, confirm, reason } => {
            let grant = operator.platform::<TenantClose>().await?;
            let grace = operator.grace;
            let done = closing::close(tenants, &grant, &slug, &confirm, &reason, grace).await?;
            let mut text = match grace.is_zero() {
                true => format!(
                    "Tenant {slug} is closed. There is no time of grace: everything in it is \
                     destroyed within ten minutes."
                ),
                false => format!(
                    "Tenant {slug} is closed. Everything in it is destroyed after {} UTC.\n\
                     Until then, to take its data out (encrypted to a public key of age):\n  \
                     strongroom tenant export {slug} --out FILE --recipient age1…\n\
                     and to take the closing back:\n  strongroom tenant reopen {slug}",
                    done.due_at.display()
                ),
            };
            if done.held {
                text +=
                    "\nA legal hold in it is in force: until it is lifted, nothing is destroyed.";
            }
            Ok(Report::done(serde_json::to_value(&done)?, text))
        }
        Command::Reopen { slug } => {
            let grant = operator.platform::<TenantClose>().await?;
            let done = closing::reopen(tenants, &grant, &slug).await?;
            let text = format!("Tenant {slug} is as it was before it was closed.");
            Ok(Report::done(serde_json::to_value(&done)?, text))
        }
        Command::Export(wanted) => tenant_export::execute(operator, wanted).await,
        Command::List => {
            let grant = operator.platform::<TenantRead>().await?;
            let all = closing::list(tenants, &grant).await?;
            let rows: Vec<_> = all.iter().map(row).collect();
            let heads = ["SLUG", "STATE", "CLOSED", "END", "KEYS IN BACKUPS UNTIL"];
            Ok(Report::done(json!({ "items": all }), table(&heads, &rows)))
        }
    }
}

fn row(closing: &Closing) -> Vec<String> {
    let end = match closing.state {
        ClosingState::Closed => Some(closing.due_at),
        ClosingState::Reopened => closing.reopened_at,
        ClosingState::Destroying | ClosingState::Destroyed => closing.destroyed_at,
    };
    let time = |time: Option<crate::kernel::Timestamp>| time.map(|time| time.display());
    vec![
        closing.slug.clone(),
        if closing.held && closing.state == ClosingState::Closed {
            "held"
        } else {
            closing.state.name()
        }
        .to_owned(),
        closing.closed_at.display(),
        time(end).unwrap_or_default(),
        time(closing.keys_in_backups_until).unwrap_or_default(),
    ]
}
