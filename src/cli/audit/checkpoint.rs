//! `strongroom audit checkpoint`

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::authz::permission::{AuditVerify, PlatformAuditVerify};
use crate::cli::command::Operator;
use crate::cli::output::Report;
use crate::trail;

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Arguments {
    /// This tenant's log; the platform's own otherwise
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

pub async fn execute(operator: &Operator, arguments: Arguments) -> anyhow::Result<Report> {
    let tenants = &operator.tenants;
    let latest = match arguments.tenant {
        Some(name) => {
            let (grant, _) = operator.tenant::<AuditVerify>(&name).await?;
            trail::checkpoint(tenants, &grant).await?
        }
        None => {
            let grant = operator.platform::<PlatformAuditVerify>().await?;
            trail::checkpoint(tenants, &grant).await?
        }
    };
    let text = latest.note.clone();
    Ok(Report::done(json!(latest), text))
}
