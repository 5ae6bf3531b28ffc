//! `strongroom audit …`

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::Operator;
use super::output::{Report, table};
use crate::audit::verify::Verification;
use crate::authz::permission::{AuditVerify, PlatformAuditVerify, TenantRead};
use crate::{tenants, trail};

#[derive(Subcommand)]
pub enum Verb {
    /// Check every entry, link and tile; exit 1 on any break
    Verify {
        /// Only this tenant's log; all logs and the platform's own otherwise
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Verify { tenant: Option<String> },
}

pub fn command(verb: Verb) -> super::Command {
    let Verb::Verify { tenant } = verb;
    super::Command::Audit(Command::Verify { tenant })
}

pub async fn execute(operator: &Operator, command: Command) -> anyhow::Result<Report> {
    let Command::Verify { tenant } = command;
    let mut logs = Vec::new();
    let names = match &tenant {
        Some(name) => vec![name.clone()],
        None => {
            let grant = operator.platform::<PlatformAuditVerify>().await?;
            logs.push((None, trail::verify_platform(&operator.tenants, &grant).await?));
            let grant = operator.platform::<TenantRead>().await?;
            let all = tenants::list(&operator.tenants, &grant).await?;
            all.into_iter().map(|tenant| tenant.slug.to_string()).collect()
        }
    };
    for name in names {
        let (grant, tenant) = operator.tenant::<AuditVerify>(&name).await?;
        let verification = trail::verify(&operator.tenants, &grant).await?;
        logs.push((Some(tenant.slug.to_string()), verification));
    }
    Ok(report(&logs))
}

fn report(logs: &[(Option<String>, Verification)]) -> Report {
    let ok = logs.iter().all(|(_, log)| log.ok);
    let items: Vec<Value> =
        logs.iter().map(|(tenant, log)| describe(tenant.as_deref(), log)).collect();
    let row = |(tenant, log): &(Option<String>, Verification)| {
        let state = match (log.first_bad, log.reason) {
            (Some(seq), Some(reason)) => format!("BROKEN at entry {seq}: {reason}"),
            _ => "ok".to_owned(),
        };
        vec![
            tenant.clone().unwrap_or_else(|| "(platform)".to_owned()),
            log.size.to_string(),
            format!("{} ms", log.duration_ms),
            log.head.to_string(),
            state,
        ]
    };
    let head = ["TENANT", "ENTRIES", "TOOK", "HEAD", "STATE"];
    let text = table(&head, &logs.iter().map(row).collect::<Vec<_>>());
    Report { json: json!({ "ok": ok, "logs": items }), text, ok }
}

fn describe(tenant: Option<&str>, log: &Verification) -> Value {
    json!({
        "logId": log.log_id,
        "tenant": tenant,
        "size": log.size,
        "head": log.head,
        "root": log.root,
        "ok": log.ok,
        "firstBad": log.first_bad,
        "reason": log.reason,
        "durationMs": log.duration_ms,
    })
}
