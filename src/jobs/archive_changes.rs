//! Sends what was committed to the archive.

use std::sync::Arc;
use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary};
use crate::backup::changes::{self, Archiver};

pub const JOB: Job = Job {
    name: "backup.archive",
    // Looks every second whether `backup.archive_seconds` are over.
    cron: "* * * * * *",
    description: "Sends committed changes to the backup targets, so that any second can be restored",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

/// How often the lag is told while a round is under way.
const REPORT_STEP: Duration = Duration::from_secs(2);

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let make = || async { Archiver::new(&app.tenants, &app.settings.backup, app.installation) };
    let Some(archiver) = app.archiver.get_or_try_init(make).await? else {
        return Err(JobError::NotSetUp(
            "changes are archived once backup.recipients and backup.targets are set, and \
             backup.archive_seconds is not 0",
        ));
    };
    if !archiver.is_due() {
        return Ok(Summary::default());
    }
    let grant = app.tenants.authorize_platform(&context.caller, context.job.name).await?;
    let (stopping, cancelled) = (context.stopping.clone(), context.cancelled.clone());
    let go_on = Arc::new(move || !*stopping.borrow() && !*cancelled.borrow());
    let mut round = std::pin::pin!(archiver.round(Some(grant), go_on));
    // What cannot leave grows old while it tries to: that is told as it happens.
    let done = loop {
        changes::report(&app.tenants);
        if let Ok(done) = tokio::time::timeout(REPORT_STEP, &mut round).await {
            break done;
        }
    };
    changes::report(&app.tenants);
    let done = done?;
    Ok(Summary(vec![
        ("segments", done.segments),
        ("copies", done.bases),
        ("merged", done.merged),
        ("gaps", done.gaps),
    ]))
}
