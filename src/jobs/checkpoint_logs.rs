//! Signs checkpoints, so that what was written down more than a minute ago cannot be taken back
//! unseen.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "audit.checkpoint",
    cron: "15,45 * * * * *",
    description: "Signs checkpoints of the audit logs that have grown, and keeps them beside the logs",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let signed = context.app.tenants.checkpoint_logs().await?;
    Ok(Summary(vec![("checkpoints", signed)]))
}
