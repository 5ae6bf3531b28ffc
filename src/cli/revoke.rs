//! `strongroom revoke …`: takes everything away that lets somebody in.

use std::io::{IsTerminal, Write};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::Operator;
use super::output::{Report, table};
use super::session::RealmArgs;
use crate::authz::permission::{AccessRevoke, PlatformAccessRevoke};
use crate::incident::{self, Access, IncidentError, Revoked};

/// What is typed for the whole installation, which has no short name.
const EVERYTHING: &str = "everything";

#[derive(Subcommand)]
pub enum Verb {
    /// Of one member or platform administrator: sessions, links, and the API keys that they were
    /// shown
    User {
        /// E-mail address or id
        who: String,
        #[command(flatten)]
        realm: RealmArgs,
        #[command(flatten)]
        how: How,
    },
    /// Of everybody in a tenant: sessions, links, invitations, all API keys
    Tenant {
        slug: String,
        /// The short name once more; asked for on a terminal
        #[arg(long, value_name = "SLUG")]
        confirm: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Of everybody in the installation, platform administrators included
    All {
        /// The word everything; asked for on a terminal
        #[arg(long, value_name = "WORD")]
        confirm: Option<String>,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Args)]
pub struct How {
    /// Why; it stays in the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only say how much there is
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Command {
    whose: Whose,
    reason: Option<String>,
    dry_run: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Whose {
    /// None for a platform administrator.
    User {
        tenant: Option<String>,
        who: String,
    },
    Tenant(String),
    All,
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    let (whose, how) = match verb {
        Verb::User { who, realm, how } => (Whose::User { tenant: realm.tenant, who }, how),
        Verb::Tenant { slug, confirm, how } => {
            if !how.dry_run {
                confirmed(&slug, confirm)?;
            }
            (Whose::Tenant(slug), how)
        }
        Verb::All { confirm, how } => {
            if !how.dry_run {
                confirmed(EVERYTHING, confirm)?;
            }
            (Whose::All, how)
        }
    };
    let How { reason, dry_run } = how;
    Ok(super::Command::Revoke(Command { whose, reason, dry_run }))
}

/// Asks for the name once more where somebody can answer.
fn confirmed(name: &str, given: Option<String>) -> anyhow::Result<()> {
    let typed = match given {
        Some(typed) => typed,
        None if std::io::stdin().is_terminal() => {
            eprint!(
                "Everybody is signed out, and applications get in no more until they have new keys.\n\
                 Type {name} to go on: "
            );
            std::io::stderr().flush()?;
            let mut typed = String::new();
            std::io::stdin().read_line(&mut typed).context("nothing could be read")?;
            typed
        }
        None => bail!("applications need new keys afterwards: repeat it with --confirm {name}"),
    };
    if typed.trim() != name {
        bail!("nothing was taken away: \"{}\" is not \"{name}\"", typed.trim());
    }
    Ok(())
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command { whose, reason, dry_run } = command;
    if dry_run {
        return count(operator, whose).await;
    }
    let (tenants, why) = (&operator.tenants, reason.as_deref());
    let done = match whose {
        Whose::User { tenant: Some(tenant), who } => {
            let (grant, _) = operator.tenant::<AccessRevoke>(&tenant).await?;
            incident::revoke(tenants, &grant, Some(&who), why).await?
        }
        Whose::User { tenant: None, who } => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            incident::revoke(tenants, &grant, Some(&who), why).await?
        }
        Whose::Tenant(slug) => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            incident::revoke_tenant(tenants, &grant, &slug, &slug, why).await?
        }
        Whose::All => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            incident::revoke_installation(tenants, &grant, why).await?
        }
    };
    if !done.failed.is_empty() {
        bail!(
            "it was done in {} tenants, and not in {}: run it again",
            done.tenants,
            done.failed.join(", ")
        );
    }
    Ok(report(&done))
}

async fn count(operator: &Operator, whose: Whose) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    let access = match whose {
        Whose::User { tenant: Some(tenant), who } => {
            let (grant, _) = operator.tenant::<AccessRevoke>(&tenant).await?;
            incident::count(tenants, &grant, Some(&who)).await?
        }
        Whose::User { tenant: None, who } => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            incident::count(tenants, &grant, Some(&who)).await?
        }
        Whose::Tenant(slug) => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            let tenant = tenants.tenant(&slug).ok_or(IncidentError::NoTenant)?;
            incident::count_tenant(tenants, &grant, tenant.id).await?
        }
        Whose::All => {
            let grant = operator.platform::<PlatformAccessRevoke>().await?;
            let counted = incident::count_installation(tenants, &grant, None).await?;
            let mut json = json!(counted.access);
            json["tenants"] = counted.tenants.into();
            json["tenantsLookedInto"] = counted.looked_into.into();
            let text = format!(
                "There is, in {} of {} tenants and on the platform:\n{}",
                counted.looked_into,
                counted.tenants,
                rows(&counted.access)
            );
            return Ok(Report::done(json, text));
        }
    };
    Ok(Report::done(json!(access), format!("There is:\n{}", rows(&access))))
}

fn report(done: &Revoked) -> Report {
    let json: Value = json!(done);
    Report::done(json, format!("Taken away:\n{}", rows(&done.access)))
}

fn rows(access: &Access) -> String {
    let row = |(name, count): (&str, u64)| vec![name.to_owned(), count.to_string()];
    let rows = [
        ("sessions", access.sessions),
        ("sign-ins under way", access.sign_ins),
        ("one-time links", access.links),
        ("invitations", access.invitations),
        ("API keys", access.keys),
        ("  of these, for provisioning alone", access.provisioning_keys),
    ];
    table(&["WHAT", "COUNT"], &rows.map(row))
}
