//! `strongroom audit verify`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bundle::Offline;
use crate::audit::verify::{Excludes, Verification};
use crate::authz::permission::{AuditVerify, PlatformAuditVerify, TenantRead};
use crate::cli::command::Operator;
use crate::cli::output::{Report, table};
use crate::trail::{OnProgress, TrailError};
use crate::{tenants, trail};

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Arguments {
    /// Only this tenant's log; all logs and the platform's own otherwise
    #[arg(long, value_name = "SLUG")]
    pub tenant: Option<String>,
    #[command(flatten)]
    #[serde(skip)]
    pub offline: Offline,
}

/// One log: what was found, or why it could not be looked at.
struct Checked {
    tenant: Option<String>,
    result: Result<Verification, TrailError>,
}

/// A log that cannot be opened is as bad as a broken one; the others are checked all the same.
pub async fn execute(operator: &Operator, arguments: Arguments) -> anyhow::Result<Report> {
    let Arguments { tenant, .. } = arguments;
    let mut logs = Vec::new();
    let names = match &tenant {
        Some(name) => vec![name.clone()],
        None => {
            let grant = operator.platform::<PlatformAuditVerify>().await?;
            let told = told(operator, "the platform");
            let result = trail::verify_with(&operator.tenants, &grant, told).await;
            logs.push(Checked { tenant: None, result });
            let grant = operator.platform::<TenantRead>().await?;
            let all = tenants::list(&operator.tenants, &grant).await?;
            all.into_iter().map(|tenant| tenant.slug.to_string()).collect()
        }
    };
    for name in names {
        let (grant, tenant) = operator.tenant::<AuditVerify>(&name).await?;
        let told = told(operator, tenant.slug.as_str());
        let result = trail::verify_with(&operator.tenants, &grant, told).await;
        logs.push(Checked { tenant: Some(tenant.slug.to_string()), result });
    }
    Ok(report(&logs))
}

/// A line for each tenth of a log that takes longer than a moment.
fn told(operator: &Operator, log: &str) -> OnProgress {
    let (feedback, log, tenths) = (operator.feedback.clone(), log.to_owned(), AtomicU64::new(0));
    Arc::new(move |done, total| {
        let tenth = done.saturating_mul(10) / total.max(1);
        if total >= WORTH_TELLING && tenths.fetch_max(tenth, Ordering::Relaxed) < tenth {
            feedback.progress(format!("{log}: {done} of {total} entries"));
        }
    })
}

/// Entries from which on people wonder whether anything happens.
const WORTH_TELLING: u64 = 500_000;

fn report(logs: &[Checked]) -> Report {
    let ok = logs.iter().all(|log| log.result.as_ref().is_ok_and(|log| log.ok));
    let items: Vec<Value> = logs.iter().map(describe).collect();
    let head = ["TENANT", "ENTRIES", "TOOK", "HEAD", "NOTHING CUT UP TO", "STATE"];
    let mut text = table(&head, &logs.iter().map(row).collect::<Vec<_>>());
    text.push_str(&before_restores(logs));
    Report { json: json!({ "ok": ok, "logs": items }), text, ok }
}

fn row(Checked { tenant, result }: &Checked) -> Vec<String> {
    let tenant = tenant.clone().unwrap_or_else(|| "(platform)".to_owned());
    match result {
        Ok(log) => {
            let state = match (log.first_bad, log.reason, log.broken_past()) {
                (Some(seq), Some(reason), _) => format!("BROKEN at entry {seq}: {reason}"),
                (.., Some(past)) => {
                    let reason = past.reason.as_deref().unwrap_or("unknown");
                    format!("BROKEN: log {} from before a restore: {reason}", past.log_id)
                }
                _ if log.past.is_empty() => "ok".to_owned(),
                _ => format!("ok, and {} from before restores", log.past.len()),
            };
            let took = format!("{} ms", log.duration_ms);
            vec![tenant, log.size.to_string(), took, log.head.to_string(), excluded(log), state]
        }
        Err(error) => {
            let none = || "-".to_owned();
            vec![tenant, none(), none(), none(), none(), format!("NOT VERIFIED: {error}")]
        }
    }
}

/// The logs from before restores, by the ids that `audit export --log` takes.
fn before_restores(logs: &[Checked]) -> String {
    let mut rows = Vec::new();
    for Checked { tenant, result } in logs {
        let past = result.as_ref().map_or(&[][..], |log| &log.past);
        let tenant = tenant.as_deref().unwrap_or("(platform)");
        rows.extend(past.iter().map(|past| {
            let state = match (past.ok, past.lost, past.reason.as_deref()) {
                (true, ..) if past.removed.is_some() => "removed, past its retention".to_owned(),
                (true, 0, _) => "ok".to_owned(),
                (true, lost, _) => format!("ok; {lost} later entries could not be brought back"),
                (false, _, reason) => format!("BROKEN: {}", reason.unwrap_or("unknown")),
            };
            let (log, ended) = (past.log_id.to_string(), past.ended.to_string());
            vec![tenant.to_owned(), past.size.to_string(), ended, log, state]
        }));
    }
    if rows.is_empty() {
        return String::new();
    }
    let head = ["TENANT", "ENTRIES", "ENDED", "LOG FROM BEFORE A RESTORE", "STATE"];
    format!("\n\n{}", table(&head, &rows))
}

/// Up to which entry a checkpoint from outside the file shows that nothing was cut or exchanged.
fn excluded(log: &Verification) -> String {
    match &log.excluded_by {
        None => "unknown".to_owned(),
        Some(Excludes { size, witnesses, .. }) if witnesses.is_empty() => size.to_string(),
        Some(Excludes { size, witnesses, .. }) => {
            format!("{size}, witnessed by {}", witnesses.join(", "))
        }
    }
}

fn describe(Checked { tenant, result }: &Checked) -> Value {
    match result {
        Ok(log) => json!({
            "logId": log.log_id,
            "tenant": tenant,
            "size": log.size,
            "head": log.head,
            "root": log.root,
            "ok": log.ok,
            "firstBad": log.first_bad,
            "reason": log.reason,
            "checkpoints": log.checkpoints,
            "excludedBy": log.excluded_by,
            "witnessedBy": log.witnessed_by,
            "past": log.past,
            "durationMs": log.duration_ms,
        }),
        Err(error) => json!({
            "logId": null,
            "tenant": tenant,
            "size": 0,
            "head": null,
            "root": null,
            "ok": false,
            "firstBad": null,
            "reason": error.to_string(),
            "checkpoints": 0,
            "excludedBy": null,
            "witnessedBy": null,
            "past": [],
            "durationMs": 0,
        }),
    }
}
