//! Brings every backup target up to date, and says when one fails.

use super::{Context, Job, JobError, Record, Summary};
use crate::backup::BackupError;
use crate::backup::replicate::Sync;

pub const JOB: Job = Job {
    name: "backup.sync",
    cron: "40 * * * * *",
    description: "Copies to each backup target what it misses, and says when one fails",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let (app, places) = (&context.app, &context.app.places);
    if places.targets.0.is_empty() {
        return Err(JobError::NotSetUp("no place is in backup.targets"));
    }
    let grant = app.tenants.authorize_platform(&context.caller, context.job.name).await?;
    let sync = Sync {
        tenants: &app.tenants,
        grant: &grant,
        targets: &places.targets,
        layout: places.layout,
        copier: &places.copier,
        go_on: &|| context.go_on().map_err(|_| BackupError::Stopped),
    };
    let synced = sync.run().await.map_err(|error| match error {
        BackupError::Stopped => JobError::Stopped,
        error => error.into(),
    })?;
    Ok(Summary(vec![("archives", synced.archives), ("failing", synced.failing)]))
}
