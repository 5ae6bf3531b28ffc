//! Destroys subject keys that nothing names. A key is durable before the data that names it, so a
//! write that then fails leaves one behind.

use std::time::Duration;

use super::{Context, Job, JobError, Record, Summary, Walk, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{PlatformJobRun, SubjectErase};
use crate::authz::{Grant, Permission, Realm, TenantState};
use crate::backup::restore::{self, Spared};
use crate::kernel::Timestamp;
use crate::kernel::id::KeyId;
use crate::retention::clock::{self, Reading};
use crate::tenants::{DoorError, RealmTx, Tenant, WriteTx};

pub const JOB: Job = Job {
    name: "subject-keys.sweep",
    cron: "0 50 4 * * *",
    description: "Destroys keys that were made for a person but never used",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

/// A younger key may be named by a write that is still on its way.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Keys looked at in one read.
const STEP: u32 = 1000;
const CAUSE: &str = "never used";

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let (tenants, caller) = (&context.app.tenants, &context.caller);
    let grant = tenants.authorize_platform::<PlatformJobRun>(caller, context.job.name).await?;
    let Reading { now, in_doubt } = clock::reading(tenants, Realm::Platform).await?;
    if in_doubt {
        tracing::warn!("the clock is in doubt: no key is old enough to be destroyed");
        return Ok(Summary(vec![("tenants", 0), ("keys", 0)]));
    }
    let none = Spared::Made(Vec::new());
    let mut destroyed = sweep(context, &grant, &[("admins", "subject")], now, &none).await?;
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, &tenant, now, &mut destroyed).await;
        walk.note(&tenant, result)?;
    }
    Ok(Summary(vec![("tenants", walk.end()?), ("keys", destroyed)]))
}

async fn one(
    context: &Context,
    tenant: &Tenant,
    now: Timestamp,
    destroyed: &mut u64,
) -> Result<(), JobError> {
    // What is frozen stays as it is.
    if tenant.state != TenantState::Active {
        return Ok(());
    }
    // What a restore has put aside, it may put back; what newer backups name, they may bring back.
    let settings = &context.app.settings.backup;
    let spared = restore::spared(&context.app.tenants, tenant.id, settings, now).await?;
    if spared == Spared::All {
        return Ok(());
    }
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let authorized = tenants.authorize::<SubjectErase>(&context.caller, slug, context.job.name);
    let (grant, _) = authorized.await?;
    // Those of `retention_keys` are destroyed by retention, which reports it.
    let people = &[("users", "subject"), ("data_subjects", "id"), ("retention_keys", "key")];
    let count = sweep(context, &grant, people, now, &spared).await?;
    *destroyed += count;
    if count > 0 {
        let recorded = move |_: &mut WriteTx<'_, _>| Ok::<_, DoorError>(((), event(count).into()));
        tenants.write(&grant, recorded).await?;
    }
    Ok(())
}

/// Destroys the unnamed keys of one key store; answers how many.
async fn sweep<P: Permission>(
    context: &Context,
    grant: &Grant<P>,
    people: &'static [(&'static str, &'static str)],
    now: Timestamp,
    spared: &Spared,
) -> Result<u64, JobError> {
    let tenants = &context.app.tenants;
    let before = now.minus(AGE);
    let realm: Realm = grant.realm();
    let (mut after, mut count): (Option<KeyId>, u64) = (None, 0);
    loop {
        context.go_on()?;
        let kept = spared.clone();
        let read = tenants.read(grant, move |tx| {
            let keys = tx.keys().subjects(before, after, STEP)?;
            let last = keys.last().map(|(key, _)| *key);
            let old = keys.into_iter().filter(|(_, made)| !kept.holds(*made));
            let mut unnamed = repo::unnamed(tx, people, old.map(|(key, _)| key).collect())?;
            if realm != Realm::Platform {
                unnamed = repo::not_held(tx, unnamed)?;
            }
            Ok::<_, DoorError>((last, unnamed))
        });
        let (last, unnamed) = read.await?;
        count += tenants.destroy_subjects(realm, unnamed, CAUSE).await?;
        let Some(last) = last else { return Ok(count) };
        after = Some(last);
    }
}

fn event(count: u64) -> Event {
    let mut event = Event::new(catalogue::KEY_DESTROYED);
    event.resource = Some(Resource::new("key", "subject"));
    event.custom_fields.insert("cause".into(), CAUSE.into());
    event.custom_fields.insert("count".into(), count.into());
    event
}
