//! Taking away everything that lets somebody in: true at the next request, and after a restart.
//!
//! Passwords, second factors and accounts stay: whoever they belong to signs in again.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::{Access, Counted, IncidentError, Revoked, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::permission::PlatformAccessRevoke;
use crate::authz::{Grant, Permission, Realm, Withdraws};
use crate::kernel::id::{ApiKeyId, SessionId, TenantId};
use crate::kernel::limits::LINE_BYTES;
use crate::sessions;
use crate::store::StoreError;
use crate::tenants::{AuditEvents, Tenants, WriteTx};

/// Tenants in which it is done at the same time; each waits for the disk once.
const AT_ONCE: usize = 8;
/// After so many, those that nobody else uses are closed again.
const CLOSE_AFTER: usize = 64;
/// Ids of keys that an entry names.
const NAMED_MOST: usize = 100;

/// What there is to take away in the grant's realm: from the person with this e-mail address or id,
/// or from everybody.
pub async fn count<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    user: Option<&str>,
) -> Result<Access, IncidentError> {
    let (realm, except) = (grant.realm(), asking(grant));
    let (user, now) = (user.map(str::to_owned), tenants.runtime().now());
    let read = tenants.read(grant, move |tx| {
        let person = user.map(|who| sessions::person(tx, realm, &who)).transpose()?;
        Ok(repo::count(tx, realm, person, except, now)?)
    });
    read.await
}

/// Takes it away. The session that asks stays; keys do not, the one that asks included.
///
/// # Errors
/// [`IncidentError::Nobody`], [`IncidentError::Reason`].
pub async fn revoke<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    user: Option<&str>,
    reason: Option<&str>,
) -> Result<Revoked, IncidentError> {
    let (realm, except) = (grant.realm(), asking(grant));
    let (user, reason) = (user.map(str::to_owned), checked(reason)?);
    let written = tenants
        .withdraw(grant, move |tx| take(tx, realm, user.as_deref(), except, reason.as_deref()));
    let tenants = u64::from(realm != Realm::Platform);
    Ok(Revoked { access: written.await?.value, tenants, failed: Vec::new() })
}

/// What a tenant has, for a platform administrator.
pub async fn count_tenant(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    tenant: TenantId,
) -> Result<Access, IncidentError> {
    let (realm, now) = (Realm::Tenant(tenant), tenants.runtime().now());
    let read =
        tenants.count_in(grant, tenant, move |tx| Ok(repo::count(tx, realm, None, None, now)?));
    read.await
}

/// Takes everything of a tenant away, whatever its state. The tenant's own log says so, and the
/// platform's.
///
/// # Errors
/// [`IncidentError::NoTenant`], [`IncidentError::Confirmation`], [`IncidentError::Reason`]
pub async fn revoke_tenant(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    name: &str,
    confirm: &str,
    reason: Option<&str>,
) -> Result<Revoked, IncidentError> {
    let tenant = tenants.tenant(name).ok_or(IncidentError::NoTenant)?;
    if confirm.trim() != tenant.slug.as_str() {
        return Err(IncidentError::Confirmation);
    }
    let reason = checked(reason)?;
    let (tenants, grant) = (tenants.clone(), grant.clone());
    // Goes on to its end even when the caller goes away.
    let run = tokio::spawn(async move {
        let access = within(&tenants, &grant, tenant.id, reason.as_deref()).await?;
        let resource = Resource::new("tenant", tenant.id.to_string());
        let done = Revoked { access, tenants: 1, failed: Vec::new() };
        record(&tenants, &grant, entry(resource, &done.access, reason.as_deref())).await?;
        Ok(done)
    });
    run.await.unwrap_or(Err(StoreError::Panicked.into()))
}

/// What there is in the whole installation; when `most` is over, in the tenants that were looked
/// into by then.
pub async fn count_installation(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    most: Option<Duration>,
) -> Result<Counted, IncidentError> {
    let clock = tenants.runtime().clock.clone();
    let (all, begun) = (tenants.tenant_ids(), clock.monotonic());
    let is_over = |most: Duration| clock.monotonic().saturating_sub(begun) >= most;
    let mut counted = Counted {
        access: count(tenants, grant, None).await?,
        tenants: all.len() as u64,
        looked_into: 0,
    };
    let mut counts = stream::iter(all)
        .map(|id| async move { count_tenant(tenants, grant, id).await })
        .buffer_unordered(AT_ONCE);
    let mut opened = 0;
    while let Some(count) = counts.next().await {
        opened += 1;
        if opened % CLOSE_AFTER == 0 {
            close_idle(tenants).await;
        }
        // One that is being restored, say, keeps nobody from seeing the rest.
        if let Ok(access) = count {
            counted.access += access;
            counted.looked_into += 1;
        }
        if most.is_some_and(is_over) {
            break;
        }
    }
    Ok(counted)
}

/// Takes everything away: the platform's own first, then every tenant's, each with an entry in its
/// own log. The session that asks stays. What could not be done somewhere does not stop the rest,
/// and is said; doing it again does what is left.
///
/// # Errors
/// [`IncidentError::Reason`]
pub async fn revoke_installation(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    reason: Option<&str>,
) -> Result<Revoked, IncidentError> {
    let (reason, except) = (checked(reason)?, asking(grant));
    let (tenants, grant) = (tenants.clone(), grant.clone());
    let run = tokio::spawn(async move { everywhere(&tenants, &grant, except, reason).await });
    run.await.unwrap_or(Err(StoreError::Panicked.into()))
}

async fn everywhere(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    except: Option<SessionId>,
    reason: Option<String>,
) -> Result<Revoked, IncidentError> {
    let why = reason.clone();
    let own = tenants
        .withdraw(grant, move |tx| take(tx, Realm::Platform, None, except, why.as_deref()))
        .await?;
    let mut done = Revoked { access: own.value, ..Revoked::default() };
    let mut results = stream::iter(tenants.tenant_ids())
        .map(|id| {
            let reason = reason.clone();
            async move { (id, within(tenants, grant, id, reason.as_deref()).await) }
        })
        .buffer_unordered(AT_ONCE);
    let mut opened = 0;
    while let Some((id, result)) = results.next().await {
        opened += 1;
        if opened % CLOSE_AFTER == 0 {
            close_idle(tenants).await;
        }
        match result {
            Ok(access) => {
                done.access += access;
                done.tenants += 1;
            }
            Err(error) => {
                tracing::error!(tenant = %id, %error, "what lets people in was not taken away");
                let name = tenants.tenant_by_id(id).map(|tenant| tenant.slug.to_string());
                done.failed.push(name.unwrap_or_else(|| id.to_string()));
            }
        }
    }
    let resource = Resource::new("installation", "all");
    let mut event = entry(resource, &done.access, reason.as_deref());
    event.custom_fields.insert("tenants".into(), done.tenants.into());
    event.custom_fields.insert("failed".into(), done.failed.len().into());
    record(tenants, grant, event).await?;
    Ok(done)
}

/// Thousands of tenants must not be open at the same time. Off this thread: it writes WALs back.
async fn close_idle(tenants: &Tenants) {
    let tenants = tenants.clone();
    let _ = tokio::task::spawn_blocking(move || tenants.close_idle()).await;
}

async fn within(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    tenant: TenantId,
    reason: Option<&str>,
) -> Result<Access, IncidentError> {
    let reason = reason.map(str::to_owned);
    let run = move |tx: &mut WriteTx<'_, PlatformAccessRevoke>| {
        take(tx, Realm::Tenant(tenant), None, None, reason.as_deref())
    };
    Ok(tenants.withdraw_in(grant, tenant, run).await?.value)
}

async fn record(
    tenants: &Tenants,
    grant: &Grant<PlatformAccessRevoke>,
    event: Event,
) -> Result<(), IncidentError> {
    let written =
        tenants.withdraw(grant, move |_| Ok::<_, IncidentError>(((), event.clone().into())));
    written.await.map(|_| ())
}

fn take<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    user: Option<&str>,
    except: Option<SessionId>,
    reason: Option<&str>,
) -> Result<(Access, AuditEvents), IncidentError> {
    let person = user.map(|who| sessions::person(tx, realm, who)).transpose()?;
    let (access, keys) = repo::revoke(tx, realm, person, except)?;
    let resource = match (person, realm) {
        (Some(id), _) => Resource::new("user", uuid::Uuid::from_bytes(id).to_string()),
        (None, Realm::Tenant(id)) => Resource::new("tenant", id.to_string()),
        (None, Realm::Platform) => Resource::new("platform", "all"),
    };
    // An entry in any case: nobody is to wonder whether it was tried.
    let mut event = entry(resource, &access, reason);
    if !keys.is_empty() {
        let named: Vec<_> = keys.iter().take(NAMED_MOST).map(ApiKeyId::to_string).collect();
        event.custom_fields.insert("keyIds".into(), named.into());
    }
    Ok((access, event.into()))
}

fn entry(resource: Resource, access: &Access, reason: Option<&str>) -> Event {
    let mut event = Event::new(catalogue::ACCESS_REVOKED);
    event.resource = Some(resource);
    access.describe(&mut event);
    if let Some(reason) = reason {
        event.custom_fields.insert("reason".into(), reason.into());
    }
    event
}

/// Nobody locks themselves out of stopping an incident.
fn asking<P>(grant: &Grant<P>) -> Option<SessionId> {
    authn::holder(&grant.caller().principal).map(|(_, session)| session)
}

fn checked(reason: Option<&str>) -> Result<Option<String>, IncidentError> {
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    match reason {
        Some(text) if text.len() > LINE_BYTES || text.chars().any(char::is_control) => {
            Err(IncidentError::Reason)
        }
        reason => Ok(reason.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn everything_is_counted_unless_time_is_short() {
        let server = TestServer::start();
        for n in 0..12 {
            server.tenant(&format!("tenant-{n}")).await;
        }
        let grant = server.tenants.authorize_platform(&server.operator(), "test").await.unwrap();
        let all = count_installation(&server.tenants, &grant, None).await.unwrap();
        assert_eq!((all.looked_into, all.tenants), (12, 12));
        let most = Some(Duration::ZERO);
        let some = count_installation(&server.tenants, &grant, most).await.unwrap();
        assert!(some.looked_into < 12 && some.tenants == 12, "{some:?}");
    }
}
