//! Publishes signed checkpoints outside of this machine.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "audit.publish",
    cron: "20,50 * * * * *",
    description: "Publishes checkpoints to the places that the configuration names",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let (published, failing) = app.publisher.publish(&app.tenants).await?;
    Ok(Summary(vec![("checkpoints", published), ("failing", failing)]))
}
