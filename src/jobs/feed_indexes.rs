//! Feeds the search indexes, so that a search finds them near the head of the log.

use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary};

pub const JOB: Job = Job {
    name: "audit.index",
    cron: "*/30 * * * * *",
    description: "Feeds new audit entries to the search indexes of open tenants",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

/// Of one tenant in one run; what is left waits for the next.
const BUDGET: Duration = Duration::from_secs(2);

async fn run(context: &Context) -> Result<Summary, JobError> {
    let fed = context.app.tenants.feed_indexes(BUDGET).await?;
    Ok(Summary(vec![("indexes", fed)]))
}
