//! Tells administrators when no backup is made any more, or none was tried for too long.

use super::{Context, Job, JobError, Record, Summary, backup_daily, repo, scheduler};
use crate::authz::Realm;
use crate::backup::late;
use crate::tenants::DoorError;

pub const JOB: Job = Job {
    name: "backup.watch",
    cron: "20 */10 * * * *",
    description: "Says when no backup was made at its time, or none was restored in a test for long",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if !backup_daily::is_set_up(context) {
        return Err(backup_daily::nothing());
    }
    let (app, tenants) = (&context.app, &context.app.tenants);
    let reading = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let grant = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let read = |tx: &crate::tenants::ReadTx<'_>| Ok::<_, DoorError>(repo::overrides(tx)?);
    let overrides = tenants.credentials(Realm::Platform, read).await?;
    let (daily, zone) = (&backup_daily::JOB, app.settings.jobs.time_zone.zone());
    let (_, schedule) = scheduler::in_force(daily, overrides.get(daily.name), zone);
    let before = app.runtime.now().minus(late::PATIENCE);
    let due = schedule.and_then(|schedule| schedule.previous(before));
    let late = late::look(tenants, &reading, &app.settings.backup, due).await?;
    let told = late::tell(tenants, &grant, late).await?;
    let overdue = u64::from(late.backup.is_some()) + u64::from(late.test.is_some());
    Ok(Summary(vec![("overdue", overdue), ("told", told)]))
}
