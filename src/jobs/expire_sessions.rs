//! Deletes what is past its time: sessions, answers to repeated calls, failed attempts to sign in.

use super::{Context, Job, JobError, Record, Summary, Walk, repo};
use crate::authn::{SignInPolicy, expire_sign_ins, forget_failures, links};
use crate::authz::Realm;
use crate::kernel::limits;
use crate::sso;
use crate::tenants::SystemWrite;

pub const JOB: Job = Job {
    name: "sessions.expire",
    cron: "35 7 * * * *",
    description: "Deletes sessions that have expired and answers kept for repeated calls",
    record: Record::Housekeeping,
    at_start: false,
    catch_up: false,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    expire(context, Realm::Platform).await?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = expire(context, Realm::Tenant(tenant.id)).await;
        walk.note(&tenant, result)?;
    }
    Ok(Summary(vec![("tenants", walk.end()?)]))
}

async fn expire(context: &Context, realm: Realm) -> Result<(), JobError> {
    let (now, policy) = (context.app.runtime.now(), context.app.session_policy());
    let sessions = match realm {
        Realm::Platform => "admin_sessions",
        Realm::Tenant(_) => "sessions",
    };
    let answered = now.minus(limits::IDEMPOTENCY_LIFE);
    let write = context.app.tenants.system_write(realm, SystemWrite::Expiry, move |tx| {
        // The tenant's own times may be longer than the installation's.
        let policy = policy.of(&SignInPolicy::read(tx)?);
        let ends = (now.minus(policy.idle), now.minus(policy.absolute));
        repo::expire(tx, sessions, ends, answered)?;
        expire_sign_ins(tx, now)?;
        let forgotten = now.minus(limits::DEVICE_LIFE);
        match realm {
            Realm::Platform => repo::forget_devices(tx, forgotten)?,
            Realm::Tenant(_) => {
                sso::requests::expire(tx, now)?;
                repo::forget_devices_not_held(tx, forgotten)?
            }
        };
        forget_failures(tx, now)?;
        Ok(links::tidy(tx, now)?)
    });
    Ok(write.await?)
}
