//! The gate in an act's own transaction.

use super::list::{self, Party};
use super::repo::{self, Decision};
use super::{Act, ApprovalError, is_on};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::{Flag, Permissions, Principal};
use crate::kernel::id::ApprovalId;
use crate::tenants::{AuditEvents, RealmTx, WriteTx};

/// A second person's approval of one request: made by `approve` alone, used up by [`pass`].
#[derive(Clone, Debug)]
pub struct Approved {
    pub(super) id: ApprovalId,
    pub(super) by: Principal,
    pub(super) requested_by: Party,
}

impl Approved {
    /// Names in an entry who asked for what somebody else performs.
    pub fn mark(&self, event: &mut Event) {
        let requested_by = serde_json::to_value(&self.requested_by).unwrap_or_default();
        event.custom_fields.insert("requestedBy".into(), requested_by);
        event.custom_fields.insert("approval".into(), self.id.to_string().into());
    }
}

/// Lets an act through: in a tenant without four eyes, or with an approval of just this act, which
/// is used up. The entries stand before those of the act.
///
/// # Errors
/// [`ApprovalError::Needed`]; [`ApprovalError::Changed`] when another act was approved.
pub fn pass<P>(
    tx: &mut WriteTx<'_, P>,
    approved: Option<&Approved>,
    act: Act,
) -> Result<AuditEvents, ApprovalError> {
    let Some(approved) = approved else {
        return match is_on(tx)? {
            true => Err(ApprovalError::Needed(Box::new(act))),
            false => Ok(AuditEvents::none()),
        };
    };
    let now = tx.runtime().now();
    let found = list::waiting(tx, approved.id, now)?;
    if found.act != act {
        return Err(ApprovalError::Changed);
    }
    let decider = Party::of(&approved.by);
    if decider == found.requested_by {
        return Err(ApprovalError::Own);
    }
    check_entitled(tx, &found.requested_by, act.permission())?;
    let decision = Decision { state: "approved", decider: &decider, answer: None, now };
    if !repo::decide(tx, approved.id, &decision)? {
        return Err(ApprovalError::Over("decided"));
    }
    let mut event = about(catalogue::APPROVAL_GRANTED, approved.id);
    act.describe(&mut event);
    approved.mark(&mut event);
    Ok(event.into())
}

/// The rights to acts that take a second person.
const ACTS: [Flag; 10] = [
    Flag::AuditShred,
    Flag::AuditExport,
    Flag::ConversationExport,
    Flag::UserRole,
    Flag::RoleManage,
    Flag::SignInManage,
    Flag::SsoManage,
    Flag::SubjectErase,
    Flag::RetentionManage,
    Flag::HoldManage,
];

/// Whether somebody with these rights could approve more than before. By rights and not by names: a
/// role of the tenant's own may have all of an owner's.
pub fn gains(before: Permissions, after: Permissions) -> bool {
    let acts: Permissions = ACTS.into_iter().collect();
    let decides = |rights: Permissions| match rights.has(Flag::ApprovalDecide) {
        true => rights.and(acts),
        false => Permissions::default(),
    };
    let becomes_one = after.has(Flag::ApprovalDecide) && !before.has(Flag::ApprovalDecide);
    becomes_one || !decides(after).is_within(decides(before))
}

/// For somebody who is new and gets a role at once: it must not be one that could approve.
///
/// # Errors
/// [`ApprovalError::RoleAtOnce`]
pub fn pass_role(tx: &impl RealmTx, role: Permissions) -> Result<(), ApprovalError> {
    match role.has(Flag::ApprovalDecide) && is_on(tx)? {
        true => Err(ApprovalError::RoleAtOnce),
        false => Ok(()),
    }
}

/// Whoever asked has to have the right still: a request of somebody who was thrown out is void.
fn check_entitled(
    tx: &impl RealmTx,
    requester: &Party,
    permission: Flag,
) -> Result<(), ApprovalError> {
    let rights = authn::rights_of(tx, &requester.kind, &requester.id)?;
    match rights.is_some_and(|may| may.has(permission) && may.has(Flag::ApprovalRequest)) {
        true => Ok(()),
        false => Err(ApprovalError::Unentitled),
    }
}

pub(super) fn about(action: catalogue::Action, id: ApprovalId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("approval", id.to_string()));
    event
}
