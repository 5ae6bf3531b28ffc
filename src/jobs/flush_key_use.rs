//! Writes down when and how often API keys were used.

use super::{Context, Job, JobError, Record, Summary};
use crate::authn;

pub const JOB: Job = Job {
    name: "api-keys.flush-use",
    cron: "*/10 * * * * *",
    description: "Writes down when and how often API keys were used",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    authn::flush_use(&context.app.api_keys, &context.app.tenants).await?;
    Ok(Summary::default())
}
