//! `strongroom audit reindex`

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authz::permission::{AuditReindex, PlatformAuditReindex, TenantRead};
use crate::authz::{Grant, Permission};
use crate::cli::command::Operator;
use crate::cli::output::{Report, table};
use crate::trail::{self, Progress};
use crate::{tenants, tenants::Tenant};

#[derive(clap::Args, Serialize, Deserialize)]
pub struct Arguments {
    /// Only this tenant's index; all indexes and the platform's own otherwise
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
}

/// Between two lines of progress.
const STEP: Duration = Duration::from_secs(2);

pub async fn execute(operator: &Operator, arguments: Arguments) -> anyhow::Result<Report> {
    let mut built = Vec::new();
    let names = match arguments.tenant {
        Some(name) => vec![name],
        None => {
            let grant = operator.platform::<PlatformAuditReindex>().await?;
            let begun = trail::reindex_platform(&operator.tenants, &grant).await?;
            built.push((None, feed(operator, &grant, "the platform", begun).await?));
            let grant = operator.platform::<TenantRead>().await?;
            let all = tenants::list(&operator.tenants, &grant).await?;
            all.into_iter().map(|tenant| tenant.slug.to_string()).collect()
        }
    };
    for name in names {
        let (grant, tenant): (Grant<AuditReindex>, Tenant) = operator.tenant(&name).await?;
        let slug = tenant.slug.to_string();
        let begun = trail::reindex(&operator.tenants, &grant).await?;
        let end = feed(operator, &grant, &slug, begun).await?;
        built.push((Some(slug), end));
    }
    Ok(report(&built))
}

/// Feeds the index up to where the log ended when it was dropped; what came since is the feed's
/// usual work.
async fn feed<P: Permission>(
    operator: &Operator,
    grant: &Grant<P>,
    name: &str,
    begun: Progress,
) -> anyhow::Result<Progress> {
    loop {
        let reached = trail::feed(&operator.tenants, grant, STEP).await?;
        if reached.indexed_through >= begun.size {
            return Ok(reached);
        }
        let (done, all) = (reached.indexed_through, begun.size);
        operator.feedback.progress(format!("{name}: {done} of {all} entries"));
    }
}

fn report(built: &[(Option<String>, Progress)]) -> Report {
    let row = |(tenant, end): &(Option<String>, Progress)| {
        let tenant = tenant.clone().unwrap_or_else(|| "(platform)".to_owned());
        vec![tenant, end.indexed_through.to_string()]
    };
    let text = table(&["TENANT", "ENTRIES"], &built.iter().map(row).collect::<Vec<_>>());
    let describe = |(tenant, end): &(Option<String>, Progress)| json!({ "tenant": tenant, "entries": end.indexed_through });
    let items: Vec<Value> = built.iter().map(describe).collect();
    Report::done(json!({ "items": items }), text)
}
