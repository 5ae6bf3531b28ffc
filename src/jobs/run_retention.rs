//! Deletes what is past its retention in every tenant, and lifts legal holds whose time has ended.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::TenantState;
use crate::authz::permission::{HoldManage, RetentionManage};
use crate::retention::{self, Asked, RetentionError, holds};
use crate::tenants::Tenant;

pub const JOB: Job = Job {
    name: "retention.run",
    cron: "0 50 3 * * *",
    description: "Deletes data that is past its retention, lifts legal holds that have ended",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

#[derive(Default)]
struct Done {
    lifted: u64,
    deleted: u64,
    keys: u64,
    in_doubt: u64,
}

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let mut done = Done::default();
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, &mut done).await;
        walk.note(&tenant, result)?;
    }
    let tenants = walk.end()?;
    let mut summary = vec![
        ("tenants", tenants),
        ("deleted", done.deleted),
        ("keysDestroyed", done.keys),
        ("holdsLifted", done.lifted),
    ];
    if done.in_doubt > 0 {
        summary.push(("clockInDoubt", done.in_doubt));
    }
    Ok(Summary(summary))
}

async fn one(context: &Context, tenant: &Tenant, done: &mut Done) -> Result<(), JobError> {
    // What is frozen stays as it is.
    if tenant.state != TenantState::Active {
        return Ok(());
    }
    let (app, slug, name) = (&context.app, tenant.slug.as_str(), context.job.name);
    let (grant, _) = app.tenants.authorize::<HoldManage>(&context.caller, slug, name).await?;
    let lifted = holds::lift_ended(&app.tenants, &grant).await;
    done.lifted += lifted.map_err(RetentionError::from)?;
    let (grant, _) = app.tenants.authorize::<RetentionManage>(&context.caller, slug, name).await?;
    let go_on = || context.go_on().is_ok();
    let asked = Asked::BySchedule;
    match retention::run(&app.tenants, &grant, app.retention(), asked, go_on).await {
        Ok(Some(run)) => {
            done.deleted += run.report.deleted();
            done.keys += run.report.keys_destroyed;
        }
        // Somebody has asked for it just now.
        Ok(None) | Err(RetentionError::Running) => {}
        Err(RetentionError::ClockInDoubt) => {
            tracing::warn!(tenant = slug, error = %RetentionError::ClockInDoubt, "nothing is deleted");
            done.in_doubt += 1;
        }
        Err(RetentionError::Stopped) => return Err(JobError::Stopped),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
