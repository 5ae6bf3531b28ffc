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

/// Of one tenant at a time, so that the others have their turn.
const BUDGET: Duration = Duration::from_secs(2);

/// Goes on until all are fed: bulk ingest is caught up with soon after its end.
async fn run(context: &Context) -> Result<Summary, JobError> {
    let mut indexes = 0;
    loop {
        context.go_on()?;
        let fed = context.app.tenants.feed_indexes(BUDGET).await?;
        indexes += fed.indexes;
        if !fed.behind {
            return Ok(Summary(vec![("indexes", indexes)]));
        }
    }
}
