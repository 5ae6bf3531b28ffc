//! Looks after identity providers: their metadata, and what ends.

use super::{Context, Job, JobError, Record, Summary, Walk};
use crate::authz::TenantState;
use crate::authz::permission::SsoManage;
use crate::outgoing::{Allowed, Fetcher};
use crate::sso::watch::{self, Refreshed};
use crate::tenants::Tenant;

pub const JOB: Job = Job {
    name: "sso.watch",
    cron: "30 17 4 * * *",
    description: "Fetches the metadata of identity providers anew, and warns of what ends soon",
    record: Record::Audited,
    at_start: false,
    catch_up: true,
    run: |context| Box::pin(run(context)),
};

async fn run(context: &Context) -> Result<Summary, JobError> {
    if context.waits() {
        return Ok(Summary(Vec::new()));
    }
    let allowed = Allowed::Also(context.app.settings.sso.allowed_addresses.clone());
    let fetcher = match Fetcher::new(allowed, None).await {
        Ok(fetcher) => Some(fetcher),
        // Where no authority is believed nothing is fetched, but certificates end all the same.
        Err(error) => {
            tracing::warn!(%error, "metadata of identity providers is not fetched anew");
            None
        }
    };
    let (mut all, mut warned) = (Refreshed::default(), 0);
    let mut walk = Walk::new(context);
    while let Some(tenant) = walk.next().await? {
        let result = one(context, fetcher.as_ref(), &tenant).await;
        let result = result.map(|(refreshed, count)| {
            all.fetched += refreshed.fetched;
            all.changed += refreshed.changed;
            all.failed += refreshed.failed;
            warned += count;
        });
        walk.note(&tenant, result)?;
    }
    walk.end()?;
    Ok(Summary(vec![
        ("fetched", all.fetched),
        ("changed", all.changed),
        ("failed", all.failed),
        ("warnings", warned),
    ]))
}

async fn one(
    context: &Context,
    fetcher: Option<&Fetcher>,
    tenant: &Tenant,
) -> Result<(Refreshed, u64), JobError> {
    // Where nothing can be changed, nothing is taken over either.
    if tenant.state != TenantState::Active {
        return Ok((Refreshed::default(), 0));
    }
    let (tenants, slug) = (&context.app.tenants, tenant.slug.as_str());
    let grant = tenants.authorize::<SsoManage>(&context.caller, slug, context.job.name);
    let (grant, _) = grant.await?;
    let refreshed = match fetcher {
        Some(fetcher) => watch::refresh(tenants, &grant, fetcher).await?,
        None => Refreshed::default(),
    };
    Ok((refreshed, watch::warn(tenants, &grant).await?))
}
