//! Opens each tenant once, so that its files are brought up to date before somebody waits for it.

use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary, Walk};

pub const JOB: Job = Job {
    name: "tenants.migrate",
    cron: "0 10 2 * * *",
    description: "Brings the files of every tenant up to date",
    record: Record::Audited,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

/// Ten tenants a second: a start serves requests first.
const PACE: Duration = Duration::from_millis(100);

async fn run(context: &Context) -> Result<Summary, JobError> {
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let opened = context.app.tenants.open(tenant.id).await;
        walk.note(&tenant, opened.map_err(JobError::from))?;
        context.pause(PACE).await?;
    }
    Ok(Summary(vec![("tenants", walk.end()?)]))
}
