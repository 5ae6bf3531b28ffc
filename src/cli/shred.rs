//! `strongroom tenant shred-audit`

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::approval;
use super::command::Operator;
use super::output::Report;
use crate::authz::permission::AuditShred;
use crate::trail::{self, TrailError};

#[derive(Serialize, Deserialize)]
pub struct Command {
    slug: String,
    confirm: String,
    reason: Option<String>,
}

/// Asks for the short name once more where somebody can answer.
pub fn command(
    slug: String,
    confirm: Option<String>,
    reason: Option<String>,
) -> anyhow::Result<Command> {
    let confirm = match confirm {
        Some(confirm) => confirm,
        None if std::io::stdin().is_terminal() => ask(&slug)?,
        None => bail!("this cannot be undone: repeat the short name with --confirm {slug}"),
    };
    if confirm.trim() != slug {
        bail!("nothing was destroyed: \"{}\" is not \"{slug}\"", confirm.trim());
    }
    Ok(Command { slug, confirm, reason })
}

fn ask(slug: &str) -> anyhow::Result<String> {
    eprint!(
        "What the audit log of {slug} says will be destroyed: nobody can read it again, unless a\n\
         copy of its key store was kept. That nothing was changed or left out stays provable.\n\
         Type {slug} to go on: "
    );
    std::io::stderr().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).context("nothing could be read")?;
    Ok(typed)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command { slug, confirm, reason } = command;
    let (grant, tenant) = operator.tenant::<AuditShred>(&slug).await?;
    let done = match trail::shred(&operator.tenants, &grant, &tenant, &confirm).await {
        Err(TrailError::Approval(error)) => {
            return approval::answer(operator, &slug, *error, reason.as_deref()).await;
        }
        result => result?,
    };
    let text = format!(
        "What the audit log of {slug} said is destroyed. The certificate, for your files:\n\n{}",
        done.certificate
    );
    Ok(Report::done(
        json!({
            "id": done.id,
            "tenant": tenant.slug.as_str(),
            "keys": done.keys,
            "destroyedAt": done.finished,
            "certificate": done.certificate,
        }),
        text,
    ))
}
