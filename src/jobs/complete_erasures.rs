//! Completes erasures of persons that were interrupted, or whose line of the ledger no backup target
//! would take.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::TenantState;
use crate::authz::permission::SubjectErase;
use crate::privacy;
use crate::tenants::Tenant;

pub const JOB: Job = Job {
    name: "erasures.complete",
    cron: "0 40 3 * * *",
    description: "Completes erasures of persons that were interrupted",
    record: Record::Audited,
    at_start: true,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let mut completed = 0;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, &mut completed).await;
        walk.note(&tenant, result)?;
    }
    Ok(Summary(vec![("tenants", walk.end()?), ("completed", completed)]))
}

async fn one(context: &Context, tenant: &Tenant, completed: &mut u64) -> Result<(), JobError> {
    // What is frozen stays as it is.
    if tenant.state != TenantState::Active {
        return Ok(());
    }
    let (app, slug) = (&context.app, tenant.slug.as_str());
    let authorized = app.tenants.authorize::<SubjectErase>(&context.caller, slug, context.job.name);
    let (grant, tenant) = authorized.await?;
    let ageing = app.settings.backup.ageing();
    *completed += privacy::complete_interrupted(&app.tenants, &grant, &tenant, ageing).await?;
    Ok(())
}
