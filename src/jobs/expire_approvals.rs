//! Ends requests for approval that nobody decided in time.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::approvals;
use crate::authz::TenantState;
use crate::authz::permission::ApprovalRequest;
use crate::tenants::Tenant;
use crate::trail::TrailError;

pub const JOB: Job = Job {
    name: "approvals.expire",
    cron: "20 11 * * * *",
    description: "Ends requests for approval that nobody decided in time",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let mut expired = 0;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant).await.map(|count| expired += count);
        walk.note(&tenant, result)?;
    }
    walk.end()?;
    Ok(Summary(vec![("expired", expired)]))
}

async fn one(context: &Context, tenant: &Tenant) -> Result<u64, JobError> {
    // Where nothing can be changed, nothing can be approved either.
    if tenant.state != TenantState::Active {
        return Ok(0);
    }
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let grant = tenants.authorize::<ApprovalRequest>(&context.caller, slug, context.job.name);
    let (grant, _) = grant.await?;
    Ok(approvals::expire(tenants, &grant).await.map_err(TrailError::from)?)
}
