//! `strongroom audit retention`

use serde::{Deserialize, Serialize};

use crate::audit::retention;
use crate::authz::permission::{PlatformRetentionManage, RetentionManage, RetentionRead};
use crate::cli::approval;
use crate::cli::command::Operator;
use crate::cli::output::Report;
use crate::trail::{self, Retention, TrailError};

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Arguments {
    /// Of this tenant's log; of the platform's own otherwise
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    /// Keep entries for so many years from now on; at least 2
    #[arg(long, value_name = "N", conflicts_with = "days")]
    years: Option<u32>,
    /// The same in days; at least 731
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Why, where a second person has to approve a shorter time
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub async fn execute(operator: &Operator, arguments: Arguments) -> anyhow::Result<Report> {
    let Arguments { tenant, years, days, reason } = arguments;
    let days = days.or(years.map(retention::years));
    let tenants = &operator.tenants;
    let found = match (tenant, days) {
        (Some(tenant), Some(days)) => {
            let (grant, _) = operator.tenant::<RetentionManage>(&tenant).await?;
            match trail::set_retention(tenants, &grant, days).await {
                Err(TrailError::Approval(error)) => {
                    return approval::answer(operator, &tenant, *error, reason.as_deref()).await;
                }
                set => set?,
            }
        }
        (Some(tenant), None) => {
            let (grant, _) = operator.tenant::<RetentionRead>(&tenant).await?;
            trail::retention(tenants, &grant, None).await?
        }
        (None, Some(days)) => {
            let grant = operator.platform::<PlatformRetentionManage>().await?;
            trail::set_platform_retention(tenants, &grant, days).await?
        }
        (None, None) => {
            let grant = operator.platform::<PlatformRetentionManage>().await?;
            trail::retention(tenants, &grant, None).await?
        }
    };
    Ok(Report::done(serde_json::to_value(&found)?, say(&found)))
}

fn say(found: &Retention) -> String {
    let mut text = format!("Entries are kept for {} days.", found.days);
    match found.removed_through {
        0 => text += "\nNone has been removed so far.",
        through => text += &format!("\nRemoved so far: entries 1 to {through}."),
    }
    match (found.due, found.next_due) {
        (0, Some(next)) => text += &format!("\nThe oldest entry gets past it on {next}."),
        (0, None) => {}
        (due, _) => text += &format!("\nThe next run removes {due} entries."),
    }
    text
}
