//! Removes audit entries that are past their retention.

use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary, Walk, repo};
use crate::authz::permission::{PlatformRetentionManage, RetentionManage};
use crate::authz::{Grant, TenantState, Writes};
use crate::kernel::Timestamp;
use crate::tenants::{DoorError, Tenant};
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

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A clock that is this far ahead of the run before says that the appliance was off for long, or
/// that the clock is wrong: a flat battery, or somebody who wants entries to look old.
const LEAP: Duration = DAY.saturating_mul(45);
/// For so long nothing is cut then: what a wrong clock takes cannot be given back.
const DOUBT: Duration = DAY.saturating_mul(7);

#[derive(Default)]
struct Done {
    logs: u64,
    entries: u64,
    /// Logs from before restores, whole.
    past: u64,
    in_doubt: bool,
}

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let tenants = &context.app.tenants;
    let (caller, mut done) = (&context.caller, Done::default());
    let grant =
        tenants.authorize_platform::<PlatformRetentionManage>(caller, context.job.name).await?;
    let job = context.job.name;
    let starts = tenants.read(&grant, move |tx| Ok::<_, DoorError>(repo::starts(tx, job)?));
    done.in_doubt = is_in_doubt(&starts.await?);
    if done.in_doubt {
        tracing::warn!(
            "the clock leapt ahead since an earlier run; for a week no audit entries are removed. \
             Check the clock"
        );
    } else {
        done.logs += u64::from(trail::cut_platform_log(tenants, &grant).await?.is_some());
        done.past += trail::remove_past_logs(tenants, &grant).await?;
    }
    remove(context, &grant, &mut done).await?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, &mut done).await;
        walk.note(&tenant, result)?;
    }
    walk.end()?;
    let mut summary = vec![("logs", done.logs), ("entries", done.entries)];
    if done.past > 0 {
        summary.push(("pastLogs", done.past));
    }
    if done.in_doubt {
        summary.push(("clockInDoubt", 1));
    }
    Ok(Summary(summary))
}

/// Whether the clock leapt not long ago; `starts` are the runs known of, the latest first.
fn is_in_doubt(starts: &[Timestamp]) -> bool {
    let Some(now) = starts.first() else { return false };
    let leapt = |pair: &[Timestamp]| pair[0].since(pair[1]) > LEAP;
    starts.windows(2).any(|pair| leapt(pair) && now.since(pair[0]) < DOUBT)
}

async fn one(context: &Context, tenant: &Tenant, done: &mut Done) -> Result<(), JobError> {
    // What is frozen stays as it is.
    if tenant.state != TenantState::Active {
        return Ok(());
    }
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let authorized = tenants.authorize::<RetentionManage>(&context.caller, slug, context.job.name);
    let (grant, _) = authorized.await?;
    if !done.in_doubt {
        done.logs += u64::from(trail::cut_log(tenants, &grant).await?.is_some());
        done.past += trail::remove_past_logs(tenants, &grant).await?;
    }
    remove(context, &grant, done).await
}

/// Removes the files of logs that are removed, and the rows behind the last cut, those that an interrupted run left behind included.
async fn remove<P: Writes>(
    context: &Context,
    grant: &Grant<P>,
    done: &mut Done,
) -> Result<(), JobError> {
    let (tenants, mut pace) = (&context.app.tenants, Pace::default());
    trail::remove_past_files(tenants, grant).await?;
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
