//! Writes the refusals that were counted instead of recorded one by one.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "denials.flush",
    cron: "5 * * * * *",
    description: "Records how often refusals were repeated",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    context.app.tenants.flush_denials(false).await;
    Ok(Summary::default())
}
