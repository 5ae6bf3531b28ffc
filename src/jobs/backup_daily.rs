//! Makes a backup of everything, then deletes backups past their time.

use std::sync::Arc;

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::permission::PlatformBackupRun;
use crate::backup::{self, BackupError, GoOn, Made, Pruned, Run};

pub const JOB: Job = Job {
    name: "backup.daily",
    cron: "0 15 2 * * *",
    description: "Makes a backup of everything and deletes backups past their time",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let app = &context.app;
    let settings = &app.settings.backup;
    if !is_set_up(context) {
        return Err(nothing());
    }
    let grant = app
        .tenants
        .authorize_platform::<PlatformBackupRun>(&context.caller, context.job.name)
        .await?;
    let backups = Run::new(&app.tenants, settings, grant.clone(), go_on(context))?;
    let ended = |error| ended(context, error);
    let mut done = backups.platform_keys().await.map_err(ended)?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = backups.tenant(&tenant).await.map(|made| done.extend(made));
        walk.note(&tenant, result.map_err(ended))?;
    }
    // A tenant that failed keeps neither the platform's data nor the deleting from being done.
    done.extend(backups.platform().await.map_err(ended)?);
    // What happened may lie far back: while nothing is changed, no old backup goes.
    let pruned = match app.tenants.read_only() {
        Some(read_only) => {
            context.say(&format!("old backups are left for a later run: {read_only}"));
            Pruned::default()
        }
        None => backup::prune(&app.tenants, settings, &grant).await?,
    };
    walk.end()?;
    let bytes = done.iter().map(|one: &Made| one.manifest.bytes).sum();
    Ok(Summary(vec![
        ("archives", done.len() as u64),
        ("bytes", bytes),
        ("deleted", pruned.archives),
        ("leftovers", pruned.leftovers),
        ("refused", pruned.refused),
    ]))
}

pub(super) fn is_set_up(context: &Context) -> bool {
    let settings = &context.app.settings.backup;
    !settings.recipients.is_empty() && !settings.targets.is_empty()
}

/// Says what is missing.
pub(super) const fn nothing() -> JobError {
    JobError::NotSetUp("no backups are made before backup.recipients and backup.targets are set")
}

pub(super) fn go_on(context: &Context) -> GoOn {
    let (stopping, cancelled) = (context.stopping.clone(), context.cancelled.clone());
    Arc::new(move || !*stopping.borrow() && !*cancelled.borrow())
}

/// A run that was told to end says by whom.
pub(super) fn ended(context: &Context, error: BackupError) -> JobError {
    match error {
        BackupError::Stopped => context.go_on().err().unwrap_or(JobError::Stopped),
        other => other.into(),
    }
}

impl From<BackupError> for JobError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Stopped => Self::Stopped,
            BackupError::Door(error) => Self::Door(error),
            other => Self::Backup(Box::new(other)),
        }
    }
}
