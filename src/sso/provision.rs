//! Does what was decided about somebody, before they are admitted.

use super::decide::{Plan, Who};
use super::{Provider, SsoError, repo};
use crate::audit::event::{Actor, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::links;
use crate::authn::sso::{Identity, Refusal};
use crate::authz::RequestContext;
use crate::kernel::id::{KeyId, UserId};
use crate::tenants::{AuditEvents, SystemWrite, WriteTx};
use crate::users::{self, Member, Prepared};

/// `subject` is the key of somebody new, made beforehand. The entries are the person's own, and name
/// the provider.
pub(super) fn provision(
    tx: &mut WriteTx<'_, SystemWrite>,
    provider: &Provider,
    identity: &Identity,
    plan: Plan,
    subject: Option<KeyId>,
    request: &RequestContext,
) -> Result<(UserId, AuditEvents), SsoError> {
    let mut events = Vec::new();
    let (id, is_linked) = match plan.who {
        Who::Known(member) => (alter(tx, &member, &plan.changes, &mut events)?, true),
        Who::ToLink(member) => (alter(tx, &member, &plan.changes, &mut events)?, false),
        Who::New { name, email, rights } => {
            // Their member was removed since it was looked.
            let subject = subject.ok_or(Refusal::Over)?;
            let new = Prepared::without_password(&name, &email, rights.role())?;
            let (member, created) = users::add(tx, subject, &new, &rights)?;
            events.push(created);
            (member.id, false)
        }
    };
    if !is_linked {
        repo::link(tx, provider.id, &identity.subject, id)?;
        let mut linked = Event::new(catalogue::IDENTITY_LINKED);
        linked.resource = Some(Resource::new("user", id.to_string()));
        events.push(linked);
    }
    let mut all = AuditEvents::none();
    for mut event in events {
        event.actor = Some(Actor::new("user", id.to_string()));
        event.custom_fields.insert("by".into(), "single-sign-on".into());
        event.custom_fields.insert("provider".into(), provider.id.to_string().into());
        links::from_stranger(&mut event, request);
        all = all.and(event);
    }
    Ok((id, all))
}

fn alter(
    tx: &mut WriteTx<'_, SystemWrite>,
    member: &Member,
    changes: &users::Alteration,
    events: &mut Vec<Event>,
) -> Result<UserId, SsoError> {
    events.extend(users::alter(tx, member, changes)?);
    Ok(member.id)
}
