//! What follows from the groups that somebody is in and from whether they are to be active: their
//! role, and whether they may sign in.

use super::{Plan, ScimError, repo};
use crate::audit::event::{Change, Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::kernel::id::UserId;
use crate::tenants::{AuditEvents, WriteTx};
use crate::users::{self, Alteration, MemberState};

/// Brings role and state of somebody whom provisioning keeps to what they are to be, unless they are
/// out of its reach: the last owner stays one, whatever groups say.
pub fn settle<P>(
    tx: &mut WriteTx<'_, P>,
    plan: &mut Plan,
    id: UserId,
) -> Result<AuditEvents, ScimError> {
    let (Some(kept), Some(member)) = (repo::kept(tx, id)?, users::look(tx, id)?) else {
        return Ok(AuditEvents::none());
    };
    let mut events = AuditEvents::none();
    let is_reached = plan.out_of_reach(&member, Some(&kept.given)).is_none();
    if !is_reached || users::is_last_owner(tx, &member)? {
        return Ok(events);
    }
    let wanted = plan.role(tx, id)?;
    let mut fits = wanted.is_some();
    if let Some(rights) = wanted {
        if rights.role() != member.role && plan.takes_two(tx, &member.role, &rights)? {
            // They keep what they have, which may be nothing yet.
            fits = member.state == MemberState::Active;
            events = events.and(not_raised(id, &member.role, rights.role()));
        } else {
            let changes = Alteration {
                role: (rights.role() != member.role).then(|| rights.clone()),
                ..Alteration::default()
            };
            for event in users::alter(tx, &member, &changes)? {
                events = events.and(event);
            }
            if kept.given != rights.role() {
                repo::set_given(tx, id, rights.role())?;
            }
        }
    }
    // The role has changed already; whether an owner is left is asked with the one that counts now.
    let member = users::look(tx, id)?.ok_or(ScimError::NotFound)?;
    let to = match (kept.active && fits, member.state) {
        (false, MemberState::Active) => MemberState::Disabled,
        // What an administrator has disabled, only an administrator enables.
        (true, MemberState::Disabled) if kept.held => MemberState::Active,
        _ => return Ok(events),
    };
    if let Some(event) = users::switch(tx, &member, to)? {
        repo::set_held(tx, id, to == MemberState::Disabled)?;
        events = events.and(event);
    }
    Ok(events)
}

/// Says that a rule would have made somebody one who can approve, which two people have to agree on.
fn not_raised(id: UserId, from: &str, to: &str) -> Event {
    let mut event = Event::new(catalogue::ROLE_CHANGED);
    event.outcome = Outcome::Denied;
    event.resource = Some(Resource::new("user", id.to_string()));
    let change = Change { old: Some(from.into()), new: Some(to.into()) };
    event.changes.insert("role".into(), change);
    event.custom_fields.insert("reason".into(), "second-person-needed".into());
    event
}
