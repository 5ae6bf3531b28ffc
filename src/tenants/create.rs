//! Making a tenant: keys first, then its files with its first people in them, then its place in
//! the registry. Killed half-way it leaves files that nothing names, and no tenant.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::doors::write_realm;
use super::{AuditEvents, Slug, Tenant, TenantError, Tenants, WriteTx};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::{TenantCreate, UserCreate};
use crate::authz::{Flag, Grant, TenantState};
use crate::kernel::id::{KeyId, TenantId};
use crate::kernel::limits;
use crate::store::{SqlMut, StoreError};

pub struct NewTenant {
    pub slug: Slug,
    pub name: String,
}

/// Makes a tenant. `seed` puts its first people into the new files, given a subject key for one.
pub async fn create<E>(
    tenants: &Tenants,
    grant: &Grant<TenantCreate>,
    new: NewTenant,
    seed: impl Fn(&mut WriteTx<'_, UserCreate>, KeyId) -> Result<AuditEvents, E> + Send + 'static,
) -> Result<Tenant, E>
where
    E: From<TenantError> + From<super::DoorError> + Send + 'static,
{
    let (tenants, grant) = (tenants.clone(), grant.clone());
    // Goes on to its end even when the caller goes away: the registry must follow the file.
    let run = tokio::spawn(async move { run(&tenants, &grant, new, seed).await });
    run.await.unwrap_or_else(|_| Err(super::DoorError::from(StoreError::Panicked).into()))
}

async fn run<E>(
    tenants: &Tenants,
    grant: &Grant<TenantCreate>,
    new: NewTenant,
    seed: impl Fn(&mut WriteTx<'_, UserCreate>, KeyId) -> Result<AuditEvents, E> + Send + 'static,
) -> Result<Tenant, E>
where
    E: From<TenantError> + From<super::DoorError> + Send + 'static,
{
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.len() > limits::LINE_BYTES || name.chars().any(char::is_control) {
        return Err(TenantError::Name.into());
    }
    if tenants.inner.registry.find(new.slug.as_str()).is_some() {
        return Err(TenantError::Taken.into());
    }
    let slug = new.slug.clone();
    let reserved = tenants.read(grant, move |tx| {
        Ok::<_, super::DoorError>(super::close::is_reserved(tx, slug.as_str())?)
    });
    if reserved.await? {
        return Err(TenantError::Reserved.into());
    }
    // Before its directory is made.
    tenants.takes(Flag::TenantCreate)?;
    let runtime = &tenants.inner.ground.runtime;
    let id: TenantId = runtime.id();
    let tenant =
        Tenant { id, slug: new.slug, name, state: TenantState::Active, created: runtime.now() };
    let inner = tenants.inner.clone();
    let opened = tokio::task::spawn_blocking(move || {
        inner.make_room(1);
        let realm = inner.ground.create_tenant(&inner.platform, id)?;
        let subject = realm.keys.new_subject()?;
        Ok::<_, StoreError>((Arc::new(realm), subject))
    });
    let opened = opened.await.unwrap_or(Err(StoreError::Panicked));
    let (realm, subject) = opened.map_err(super::DoorError::from)?;
    let event = opening(&tenant);
    write_realm(
        realm.clone(),
        Some(grant.caller().clone()),
        || Ok(()),
        move |tx| {
            let first = AuditEvents::from(event.clone());
            Ok::<_, E>(((), first.then(seed(tx, subject)?)))
        },
    )
    .await?;
    register(tenants, grant, tenant.clone()).await?;
    let cell = Arc::new(OnceCell::new_with(Some(realm)));
    let mut open = tenants.inner.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    open.insert(id, cell);
    tenants.inner.registry.put(tenant.clone());
    Ok(tenant)
}

async fn register(
    tenants: &Tenants,
    grant: &Grant<TenantCreate>,
    tenant: Tenant,
) -> Result<(), TenantError> {
    let written = tenants.write(grant, move |tx| {
        let state = tenant.state.name();
        tx.execute(
            "INSERT INTO tenants (id, slug, name, state, created) VALUES ($1, $2, $3, $4, $5)",
            args![tenant.id, tenant.slug.as_str(), &tenant.name, state, tenant.created],
        )?;
        Ok::<_, TenantError>(((), opening(&tenant).into()))
    });
    written.await.map(|_| ()).map_err(|error| match error {
        TenantError::Door(super::DoorError::Store(StoreError::Constraint(_))) => TenantError::Taken,
        other => other,
    })
}

fn opening(tenant: &Tenant) -> Event {
    let mut event = Event::new(catalogue::TENANT_CREATED);
    event.resource = Some(Resource::new("tenant", tenant.id.to_string()));
    event.custom_fields.insert("slug".into(), tenant.slug.as_str().into());
    event.custom_fields.insert("name".into(), tenant.name.as_str().into());
    event
}
