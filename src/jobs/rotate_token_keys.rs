//! Replaces the key that signs access tokens when it has signed for 90 days.

use super::{Context, Job, JobError, Record, Summary};
use crate::authn::token;

pub const JOB: Job = Job {
    name: "tokens.rotate-key",
    cron: "0 10 3 * * *",
    description: "Replaces the key that signs access tokens every 90 days, destroys former ones",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let tenants = &context.app.tenants;
    let grant = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let rotated = token::rotate_when_due(tenants, &grant).await?;
    let destroyed = token::sweep(tenants).await?;
    Ok(Summary(vec![("rotated", u64::from(rotated.is_some())), ("destroyed", destroyed)]))
}
