//! Freezing, unfreezing, suspending and resuming a tenant.

use super::{Tenant, TenantError, Tenants, list};
use crate::args;
use crate::audit::Event;
use crate::audit::catalogue::{self, Action};
use crate::audit::event::{Change, Resource};
use crate::authz::permission::TenantState as TenantStatePermission;
use crate::authz::{Grant, Realm, TenantState};
use crate::kernel::id::TenantId;
use crate::store::{Sql, SqlMut, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChange {
    Freeze,
    Unfreeze,
    Suspend,
    Resume,
}

impl StateChange {
    pub const ALL: [Self; 4] = [Self::Freeze, Self::Unfreeze, Self::Suspend, Self::Resume];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.name() == name)
    }

    /// The states that it leads from, and the one that it leads to; a tenant that was frozen when
    /// it was suspended is frozen again when that ends.
    pub const fn path(self) -> (&'static [TenantState], TenantState) {
        match self {
            Self::Freeze => (&[TenantState::Active], TenantState::Frozen),
            Self::Unfreeze => (&[TenantState::Frozen], TenantState::Active),
            Self::Suspend => (&[TenantState::Active, TenantState::Frozen], TenantState::Suspended),
            Self::Resume => (&[TenantState::Suspended], TenantState::Active),
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Freeze => catalogue::TENANT_FROZEN,
            Self::Unfreeze => catalogue::TENANT_UNFROZEN,
            Self::Suspend => catalogue::TENANT_SUSPENDED,
            Self::Resume => catalogue::TENANT_RESUMED,
        }
    }
}

/// Changes a tenant's state; once this returns, writes that were still waiting are refused too.
/// A tenant that is in the wanted state already is left as it is.
pub async fn change_state(
    tenants: &Tenants,
    grant: &Grant<TenantStatePermission>,
    name: &str,
    change: StateChange,
) -> Result<Tenant, TenantError> {
    let (tenants, grant, name) = (tenants.clone(), grant.clone(), name.to_owned());
    // Goes on to its end even when the caller goes away: the registry must follow the file.
    let run = tokio::spawn(async move { run(&tenants, &grant, name, change).await });
    run.await.unwrap_or(Err(crate::store::StoreError::Panicked.into()))
}

async fn run(
    tenants: &Tenants,
    grant: &Grant<TenantStatePermission>,
    name: String,
    change: StateChange,
) -> Result<Tenant, TenantError> {
    let _changing = tenants.inner.changing.lock().await;
    let (from, to) = change.path();
    let written = tenants
        .write(grant, move |tx| {
            let tenant = list::one(tx, &name)?.ok_or(TenantError::NotFound)?;
            if tenant.state == to {
                return Ok(((tenant.clone(), tenant), super::AuditEvents::none()));
            }
            if !from.contains(&tenant.state) {
                return Err(TenantError::State(tenant.state.name()));
            }
            let to = match change {
                StateChange::Resume => before_suspension(tx, tenant.id)?.unwrap_or(to),
                _ => to,
            };
            let before = (change == StateChange::Suspend).then(|| tenant.state.name());
            tx.execute(
                "UPDATE tenants SET state = $1, before_suspension = $2 WHERE id = $3",
                args![to.name(), before, tenant.id],
            )?;
            let after = Tenant { state: to, ..tenant.clone() };
            Ok(((tenant.clone(), after), event(change, &tenant, to).into()))
        })
        .await?;
    let (before, after) = written.value;
    tenants.inner.registry.set_state(after.id, after.state);
    tenants.inner.ground.standing.stir(Realm::Tenant(after.id));
    if before.state != after.state {
        let realm = tenants.realm(Realm::Tenant(after.id)).await?;
        let caller = Some(grant.caller().clone());
        super::doors::append(&realm, caller, event(change, &before, after.state)).await?;
    }
    Ok(after)
}

fn before_suspension(tx: &impl Sql, id: TenantId) -> Result<Option<TenantState>, StoreError> {
    let sql = "SELECT before_suspension FROM tenants WHERE id = $1";
    let before = tx.query_one(sql, args![id], |row| row.get::<Option<String>>(0))?.flatten();
    Ok(before.and_then(|name| TenantState::parse(&name)))
}

fn event(change: StateChange, tenant: &Tenant, to: TenantState) -> Event {
    let mut event = Event::new(change.action());
    event.resource = Some(Resource::new("tenant", tenant.id.to_string()));
    let change = Change { old: Some(tenant.state.name().into()), new: Some(to.name().into()) };
    event.changes.insert("state".into(), change);
    event
}
