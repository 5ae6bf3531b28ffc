//! Deletes the files of exports that are past their time, and what a stopped server left half
//! written.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::Realm;
use crate::trail::export::{self, Swept};

pub const JOB: Job = Job {
    name: "exports.expire",
    cron: "50 */5 * * * *",
    description: "Deletes the files of exports that have expired or were interrupted",
    record: Record::Housekeeping,
    at_start: true,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    let mut all = sweep(context, Realm::Platform).await?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let swept = sweep(context, Realm::Tenant(tenant.id)).await;
        let result = swept.map(|swept| {
            all.expired += swept.expired;
            all.interrupted += swept.interrupted;
            all.files += swept.files;
        });
        walk.note(&tenant, result)?;
    }
    walk.end()?;
    Ok(Summary(vec![
        ("expired", all.expired),
        ("interrupted", all.interrupted),
        ("files", all.files),
    ]))
}

async fn sweep(context: &Context, realm: Realm) -> Result<Swept, JobError> {
    Ok(export::sweep(&context.app.exports, &context.app.tenants, realm).await?)
}
