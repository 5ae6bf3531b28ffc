//! Destroys closed tenants whose time of grace is over.

use super::{Context, Job, JobError, Record, Summary};
use crate::authz::permission::TenantClose;
use crate::closing;

pub const JOB: Job = Job {
    name: "tenants.destroy",
    // Often, because the last archive of keys has to be gone by a day that was promised. It opens
    // nothing when nothing is due, and what it does has entries of its own.
    cron: "30 */10 * * * *",
    description: "Destroys closed tenants at the end of their time of grace",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let (app, job) = (&context.app, context.job.name);
    let grant = app.tenants.authorize_platform::<TenantClose>(&context.caller, job).await?;
    let ageing = app.settings.backup.ageing();
    let done = closing::destroy_due(&app.tenants, &grant, job, ageing).await?;
    if done.failed > 0 {
        return Err(JobError::Undestroyed(done.failed));
    }
    Ok(Summary(vec![("destroyed", done.destroyed), ("held", done.held)]))
}
