//! Verifies every audit log, so that a break is found on the next day and not in the next audit.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::audit::verify::Verification;
use crate::tenants::Tenant;
use crate::trail;

pub const JOB: Job = Job {
    name: "audit.verify",
    cron: "0 30 3 * * *",
    description: "Checks that the audit logs of all tenants and of the platform are unbroken",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let tenants = &context.app.tenants;
    let grant = tenants.authorize_platform(&context.caller, context.job.name).await?;
    let platform = trail::verify_platform(tenants, &grant).await?;
    context.app.verified.note(grant.realm(), &platform);
    let mut entries = platform.size;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, &mut entries).await;
        walk.note(&tenant, result)?;
    }
    unbroken("the platform", &platform)?;
    Ok(Summary(vec![("logs", walk.end()? + 1), ("entries", entries)]))
}

async fn one(context: &Context, tenant: &Tenant, entries: &mut u64) -> Result<(), JobError> {
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let (grant, _) = tenants.authorize(&context.caller, slug, context.job.name).await?;
    let verification = trail::verify(tenants, &grant).await?;
    context.app.verified.note(grant.realm(), &verification);
    *entries += verification.size;
    unbroken(slug, &verification)
}

fn unbroken(log: &str, verification: &Verification) -> Result<(), JobError> {
    if let Some(past) = verification.broken_past() {
        let reason = past.reason.as_deref().unwrap_or("unknown");
        tracing::error!(log, past = %past.log_id, reason, "a log from before a restore is broken");
    }
    let past = verification.broken_past().map(|past| past.first_bad.unwrap_or(1));
    let Some(first_bad) = verification.first_bad.or(past) else { return Ok(()) };
    let reason = verification.reason.unwrap_or("a log from before a restore is broken");
    tracing::error!(log, first_bad, reason, "an audit log is broken");
    Err(JobError::Broken { log: log.to_owned(), first_bad, reason })
}
