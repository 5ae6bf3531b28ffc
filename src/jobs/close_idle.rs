//! Closes the files of tenants that nobody uses.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "tenants.close-idle",
    cron: "15 * * * * *",
    description: "Closes the files of tenants that nobody uses",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    context.close_idle().await?;
    Ok(Summary::default())
}
