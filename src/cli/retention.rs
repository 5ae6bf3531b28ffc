//! `strongroom retention …`: how long a tenant's data is kept.

use anyhow::Context as _;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::approval;
use super::command::Operator;
use super::output::{Report, table};
use crate::authz::permission::{RetentionManage, RetentionRead};
use crate::kernel::Timestamp;
use crate::retention::{
    self, Asked, Class, Installation, Policies, PolicyChanges, Preview, RetentionError, Run,
    RunRequest,
};

#[derive(Subcommand)]
pub enum Verb {
    /// How long each class of data is kept
    Show {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// Change how long classes are kept, such as closed-conversations=365 or messages=off
    ///
    /// Classes are closed-conversations, messages, files and sign-in-records.
    Set {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        #[arg(value_name = "CLASS=DAYS", required = true)]
        policies: Vec<String>,
        /// Why, where a second person has to approve a shorter time
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// What would be deleted now; with CLASS=DAYS, what would be under those
    Preview {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
        #[arg(value_name = "CLASS=DAYS")]
        policies: Vec<String>,
    },
    /// Delete what is due, now
    Run {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
    /// What was deleted, run by run
    Runs {
        /// Short name of the tenant
        #[arg(long, value_name = "SLUG")]
        tenant: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Show { tenant: String },
    Set { tenant: String, changes: PolicyChanges, reason: Option<String> },
    Preview { tenant: String, changes: PolicyChanges },
    Run { tenant: String },
    Runs { tenant: String },
}

pub fn command(verb: Verb) -> anyhow::Result<super::Command> {
    Ok(super::Command::Retention(match verb {
        Verb::Show { tenant } => Command::Show { tenant },
        Verb::Set { tenant, policies, reason } => {
            Command::Set { tenant, changes: changes(&policies)?, reason }
        }
        Verb::Preview { tenant, policies } => {
            Command::Preview { tenant, changes: changes(&policies)? }
        }
        Verb::Run { tenant } => Command::Run { tenant },
        Verb::Runs { tenant } => Command::Runs { tenant },
    }))
}

fn changes(policies: &[String]) -> anyhow::Result<PolicyChanges> {
    let mut changes = PolicyChanges::default();
    for policy in policies {
        let (class, days) = policy.split_once('=').context("write CLASS=DAYS, or CLASS=off")?;
        let known = || Class::ALL.map(Class::name).join(", ");
        let class = Class::parse(class)
            .with_context(|| format!("there is no class {class}; there are {}", known()))?;
        let days = match days {
            "off" => None,
            days => Some(days.parse().context("days are a whole number, or off to keep it")?),
        };
        changes.policies.insert(class, days);
    }
    Ok(changes)
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    let installation = Installation { ageing: operator.ageing, grace: operator.grace };
    match command {
        Command::Show { tenant } => {
            let (grant, _) = operator.tenant::<RetentionRead>(&tenant).await?;
            let found = retention::policies(tenants, &grant, installation).await?;
            Ok(Report::done(serde_json::to_value(&found)?, shown(&found)))
        }
        Command::Set { tenant, changes, reason } => {
            let (grant, _) = operator.tenant::<RetentionManage>(&tenant).await?;
            let found = match retention::change(tenants, &grant, changes, installation).await {
                Err(RetentionError::Approval(error)) => {
                    return approval::answer(operator, &tenant, *error, reason.as_deref()).await;
                }
                changed => changed?,
            };
            Ok(Report::done(serde_json::to_value(&found)?, shown(&found)))
        }
        Command::Preview { tenant, changes } => {
            let (grant, _) = operator.tenant::<RetentionRead>(&tenant).await?;
            let found = retention::preview(tenants, &grant, changes, installation).await?;
            Ok(Report::done(serde_json::to_value(&found)?, previewed(&found)))
        }
        Command::Run { tenant } => {
            let (grant, _) = operator.tenant::<RetentionManage>(&tenant).await?;
            let asked = Asked::BySomebody;
            let run = retention::run(tenants, &grant, installation, asked, || true).await?;
            let run = run.context("nothing was run")?;
            Ok(Report::done(serde_json::to_value(&run)?, reported(&run)))
        }
        Command::Runs { tenant } => {
            let (grant, _) = operator.tenant::<RetentionRead>(&tenant).await?;
            let found = retention::runs(tenants, &grant, RunRequest::default()).await?;
            let text = runs(&found.items);
            Ok(Report::done(serde_json::to_value(&found)?, text))
        }
    }
}

fn days(days: Option<u32>) -> String {
    days.map_or_else(|| "off".to_owned(), |days| days.to_string())
}

fn time(time: Option<Timestamp>) -> String {
    time.map(|time| time.to_string()).unwrap_or_default()
}

fn shown(found: &Policies) -> String {
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|policy| {
            let decided = serde_json::to_value(policy.decided_by).unwrap_or_default();
            vec![
                policy.class.name().to_owned(),
                days(policy.days),
                decided.as_str().unwrap_or_default().to_owned(),
                time(policy.changed_at),
            ]
        })
        .collect();
    let mut text = table(&["CLASS", "DAYS", "DECIDED BY", "CHANGED"], &rows);
    text += &format!("\nLegal holds in force: {}", found.holds);
    if found.clock_in_doubt {
        text += "\nThe clock leapt ahead not long ago: nothing is deleted for a week.";
    }
    text
}

fn previewed(found: &Preview) -> String {
    let rows: Vec<_> = found
        .classes
        .iter()
        .map(|class| {
            vec![
                class.class.name().to_owned(),
                days(class.days),
                class.due.to_string(),
                class.messages.to_string(),
                class.persons.to_string(),
                class.held.to_string(),
                time(class.oldest),
                time(class.newest),
            ]
        })
        .collect();
    let head = ["CLASS", "DAYS", "DUE", "MESSAGES", "PERSONS", "HELD", "OLDEST", "NEWEST"];
    table(&head, &rows)
}

fn reported(run: &Run) -> String {
    let report = &run.report;
    let mut text = format!("Deleted {}.", report.deleted());
    for class in &report.classes {
        text += &format!("\n{}: {} deleted", class.class.name(), class.deleted);
        if class.messages > 0 {
            text += &format!(" with {} messages", class.messages);
        }
        if class.held > 0 {
            text += &format!(", {} kept by legal holds", class.held);
        }
    }
    text += &format!("\nKeys of persons destroyed: {}", report.keys_destroyed);
    if report.keys_waiting > 0 {
        text += &format!("; {} wait for the next run", report.keys_waiting);
    }
    if let Some(until) = report.last_backup_until {
        text += &format!("\nThe last backup that holds any of it is deleted by {until}.");
    }
    text
}

fn runs(runs: &[Run]) -> String {
    let row = |run: &Run| {
        vec![
            run.id.to_string(),
            run.state.name().to_owned(),
            run.started_at.to_string(),
            run.report.deleted().to_string(),
            run.report.keys_destroyed.to_string(),
            time(run.report.last_backup_until),
        ]
    };
    let head = ["RUN", "STATE", "STARTED", "DELETED", "KEYS", "LAST BACKUP UNTIL"];
    table(&head, &runs.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_class_and_days_or_off() {
        let read = changes(&["messages=off".into(), "closed-conversations=30".into()]).unwrap();
        assert_eq!(read.policies[&Class::Messages], None);
        assert_eq!(read.policies[&Class::ClosedConversations], Some(30));
        for bad in ["messages", "mails=3", "messages=soon"] {
            assert!(changes(&[bad.into()]).is_err(), "{bad}");
        }
    }
}
