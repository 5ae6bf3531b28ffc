//! Restores the newest backups into a scratch directory, so that somebody knows that it works before
//! it is needed.

use super::{Context, Job, JobError, Record, Summary};
use crate::backup::Identities;
use crate::backup::restore::Rehearsal;

pub const JOB: Job = Job {
    name: "backup.restore-test",
    cron: "0 0 5 * * 7",
    description: "Restores the newest backups into a scratch directory and checks them",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let (tenants, settings) = (&context.app.tenants, &context.app.settings.backup);
    // Without a key nobody but its owner can test: strongroom restore test --identity FILE.
    let Some(file) = &settings.recovery_identity_file else {
        return Err(JobError::NotSetUp(
            "set backup.recovery_identity_file, or test now and then with: strongroom restore \
             test --identity FILE",
        ));
    };
    if !super::backup_daily::is_set_up(context) {
        return Err(super::backup_daily::nothing());
    }
    let identities = Identities::read(file).map_err(crate::backup::BackupError::from)?;
    let reading = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let grant = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let mut test = Rehearsal::begin(tenants, (&reading, &grant), settings, identities).await?;
    while let Some(next) = test.next() {
        context.go_on()?;
        context.say(&next);
        test.step().await?;
        let (done, total) = test.progress();
        context.progress(done, total).await?;
    }
    let test = test.end().await?;
    match test.problem {
        Some(problem) => Err(JobError::RestoreTest(problem)),
        None => Ok(Summary(vec![("backups", test.archives), ("bytes", test.bytes)])),
    }
}
