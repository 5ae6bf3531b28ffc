//! Forgets the rate limits' buckets of who has been quiet.

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "rate-limits.forget",
    cron: "25 */10 * * * *",
    description: "Forgets the rate limits of callers that have been quiet",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    context.app.limiter.forget_quiet();
    Ok(Summary::default())
}
