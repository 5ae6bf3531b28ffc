//! Removes audit entries that are past their retention.

use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::permission::{PlatformRetentionManage, RetentionManage};
use crate::authz::{Grant, TenantState, Writes};
use crate::tenants::Tenant;
use crate::trail::{self, Pace};

pub const JOB: Job = Job {
    name: "audit.prune",
    cron: "0 10 4 * * *",
    description: "Removes audit entries that are past their retention",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

/// Between two writes, so that whoever waits for the same writer comes first.
const BREATH: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Done {
    logs: u64,
    entries: u64,
}

async fn run(context: &Context) -> Result<Summary, JobError> {
    let tenants = &context.app.tenants;
    let (caller, mut done) = (&context.caller, Done::default());
    let grant =
        tenants.authorize_platform::<PlatformRetentionManage>(caller, context.job.name).await?;
    done.logs += u64::from(trail::cut_platform_log(tenants, &grant).await?.is_some());
    remove(context, &grant, &mut done).await?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, &mut done).await;
        walk.note(&tenant, result)?;
    }
    walk.end()?;
    Ok(Summary(vec![("logs", done.logs), ("entries", done.entries)]))
}

async fn one(context: &Context, tenant: &Tenant, done: &mut Done) -> Result<(), JobError> {
    // What is frozen stays as it is.
    if tenant.state != TenantState::Active {
        return Ok(());
    }
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let authorized = tenants.authorize::<RetentionManage>(&context.caller, slug, context.job.name);
    let (grant, _) = authorized.await?;
    done.logs += u64::from(trail::cut_log(tenants, &grant).await?.is_some());
    remove(context, &grant, done).await
}

/// Removes the rows behind the last cut, those that an interrupted run left behind included.
async fn remove<P: Writes>(
    context: &Context,
    grant: &Grant<P>,
    done: &mut Done,
) -> Result<(), JobError> {
    let (tenants, mut pace) = (&context.app.tenants, Pace::default());
    if !trail::prune_index(tenants, grant).await? {
        return Ok(());
    }
    loop {
        context.go_on()?;
        let removed = trail::remove_rows(tenants, grant, &mut pace).await?;
        if removed.rows == 0 {
            return Ok(());
        }
        done.entries += removed.rows;
        context.pause(removed.took.max(BREATH)).await?;
    }
}
