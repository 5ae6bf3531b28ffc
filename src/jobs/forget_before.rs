//! Deletes what was kept of files before an upgrade, once nobody goes back any more.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "upgrades.forget",
    cron: "0 40 4 * * *",
    description: "Deletes copies of files from before an upgrade that are older than two weeks",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let forgotten = context.app.tenants.forget_before_upgrade().await?;
    Ok(Summary(vec![("files", forgotten)]))
}
