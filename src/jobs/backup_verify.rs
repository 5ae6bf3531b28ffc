//! Reads every backup back and compares it with its manifest.

use super::backup_daily::{is_set_up, nothing};
use super::{Context, Job, JobError, Record, Summary};
use crate::authz::permission::PlatformBackupRun;
use crate::backup::Check;

pub const JOB: Job = Job {
    name: "backup.verify",
    cron: "0 20 5 * * SUN",
    description: "Reads every backup back from its targets and compares it with its manifest",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    if !is_set_up(context) {
        return Err(nothing());
    }
    let grant = app
        .tenants
        .authorize_platform::<PlatformBackupRun>(&context.caller, context.job.name)
        .await?;
    let mut check = Check::begin(&app.tenants, &app.settings.backup, &grant, None).await?;
    while let Some(next) = check.next() {
        context.go_on()?;
        context.say(&next);
        check.step().await?;
        let (done, total) = check.progress();
        context.progress(done, total).await?;
    }
    let all = check.end().await?;
    let archives = all.len() as u64;
    let mut failed = all.into_iter().filter_map(|one| one.result.err());
    match failed.next() {
        None => Ok(Summary(vec![("archives", archives), ("failed", 0)])),
        Some(first) => {
            Err(JobError::Backups { count: 1 + failed.count() as u64, cause: Box::new(first) })
        }
    }
}
