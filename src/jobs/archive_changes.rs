//! Sends what was committed to the archive.

use super::{Context, Job, JobError, Record, Summary};
use crate::backup::changes::Archiver;

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

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let make = || async { Archiver::new(&app.tenants, &app.settings.backup, app.installation) };
    let Some(archiver) = app.archiver.get_or_try_init(make).await? else {
        return Ok(Summary::default());
    };
    if !archiver.is_due() {
        return Ok(Summary::default());
    }
    let done = archiver.round(|| context.go_on().is_ok()).await?;
    Ok(Summary(vec![
        ("segments", done.segments),
        ("copies", done.bases),
        ("merged", done.merged),
        ("gaps", done.gaps),
    ]))
}
