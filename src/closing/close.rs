//! Closing a tenant, and taking it back within the time of grace.

use std::time::Duration;

use super::repo::{self, Stored};
use super::{Closing, ClosingError, ClosingState, list};
use crate::audit::event::{Change, Resource};
use crate::audit::shreds::AskedBy;
use crate::audit::{Event, catalogue};
use crate::authz::permission::TenantClose;
use crate::authz::{Grant, TenantState};
use crate::crypto::Field;
use crate::kernel::limits;
use crate::store::StoreError;
use crate::tenants::{DoorError, Tenant, TenantTurn, Tenants, WriteTx};

/// Closes a tenant: nobody gets in from then on, and at the end of `grace` everything is destroyed.
/// `confirmed` is its short name, typed once more.
///
/// # Errors
/// [`ClosingError::Confirmation`], [`ClosingError::Reason`], [`ClosingError::Closed`].
pub async fn close(
    tenants: &Tenants,
    grant: &Grant<TenantClose>,
    name: &str,
    confirmed: &str,
    reason: &str,
    grace: Duration,
) -> Result<Closing, ClosingError> {
    let (confirmed, reason) = (confirmed.trim().to_owned(), check_reason(reason)?);
    let actor = grant.caller().principal.actor();
    let actor = AskedBy { kind: actor.kind.to_owned(), id: actor.id };
    let mut closing = to_its_end(tenants, grant, name, move |tx, tenant| {
        if tenant.state == TenantState::Closed {
            return Err(ClosingError::Closed);
        }
        if confirmed != tenant.slug.as_str() {
            return Err(ClosingError::Confirmation);
        }
        let (id, now) = (tx.runtime().id::<crate::kernel::id::ClosingId>(), tx.runtime().now());
        let stored = Stored {
            id,
            tenant: tenant.id,
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            state: ClosingState::Closed,
            before: tenant.state.name().to_owned(),
            actor: actor.clone(),
            reason: tx.seal(Field::ClosingReason, id.bytes(), None, reason.as_bytes())?,
            closed: now,
            due: now.plus(grace),
            held: false,
            reopened: None,
            log: None,
            finished: None,
            keys_until: None,
            data_until: None,
            certificate: None,
        };
        repo::insert(tx, &stored)?;
        let mut event = event(catalogue::ACCOUNT_CLOSED, tenant, TenantState::Closed);
        event.custom_fields.insert("closing".into(), id.to_string().into());
        event.custom_fields.insert("reason".into(), reason.as_str().into());
        event.custom_fields.insert("destroyedAfter".into(), stored.due.to_string().into());
        let closing = list::open(tx, stored)?;
        Ok(TenantTurn { to: TenantState::Closed, event, value: closing })
    })
    .await?;
    list::look(tenants, &mut closing).await;
    Ok(closing)
}

/// Takes the closing of a tenant back: it is in the state that it was in before.
///
/// # Errors
/// [`ClosingError::NotClosed`]
pub async fn reopen(
    tenants: &Tenants,
    grant: &Grant<TenantClose>,
    name: &str,
) -> Result<Closing, ClosingError> {
    to_its_end(tenants, grant, name, |tx, tenant| {
        let found = repo::of_tenant(tx, tenant.id)?;
        let closing = found.filter(|_| tenant.state == TenantState::Closed);
        let mut closing = closing.ok_or(ClosingError::NotClosed)?;
        let before = TenantState::parse(&closing.before).unwrap_or(TenantState::Suspended);
        let now = tx.runtime().now();
        repo::reopen(tx, closing.id, now)?;
        (closing.state, closing.reopened) = (ClosingState::Reopened, Some(now));
        let mut event = event(catalogue::TENANT_REOPENED, tenant, before);
        event.custom_fields.insert("closing".into(), closing.id.to_string().into());
        let closing = list::open(tx, closing)?;
        Ok(TenantTurn { to: before, event, value: closing })
    })
    .await
}

/// Goes on to its end even when the caller goes away: the registry must follow the file.
async fn to_its_end(
    tenants: &Tenants,
    grant: &Grant<TenantClose>,
    name: &str,
    f: impl Fn(&mut WriteTx<'_, TenantClose>, &Tenant) -> Result<TenantTurn<Closing>, ClosingError>
    + Send
    + 'static,
) -> Result<Closing, ClosingError> {
    let (tenants, grant, name) = (tenants.clone(), grant.clone(), name.to_owned());
    let run = tokio::spawn(async move { tenants.turn_tenant(&grant, &name, f).await });
    run.await.map_err(|_| DoorError::from(StoreError::Panicked))?
}

fn event(action: catalogue::Action, tenant: &Tenant, to: TenantState) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("tenant", tenant.id.to_string()));
    let change = Change { old: Some(tenant.state.name().into()), new: Some(to.name().into()) };
    event.changes.insert("state".into(), change);
    event
}

fn check_reason(reason: &str) -> Result<String, ClosingError> {
    let reason = reason.trim();
    let fine = (1..=limits::LINE_BYTES).contains(&reason.len())
        && !reason.chars().any(|c| c.is_control() && c != '\n' && c != '\r');
    fine.then(|| reason.to_owned()).ok_or(ClosingError::Reason)
}
