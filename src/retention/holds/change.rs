//! Changing when a hold ends, and lifting it.

use super::HoldError;
use super::model::{Hold, HoldChange, HoldChanges};
use super::open::{about, check_reason, details, hold, seal_details};
use super::repo::{self, Stored};
use super::set::check_dates;
use crate::approvals::{self, Act, Approved, Party};
use crate::audit::Event;
use crate::audit::catalogue;
use crate::audit::event::Change;
use crate::authz::Grant;
use crate::authz::permission::HoldManage;
use crate::kernel::Timestamp;
use crate::kernel::id::HoldId;
use crate::tenants::{AuditEvents, Tenants, WriteTx};

/// Changes when a hold ends, and when it is to be looked at.
///
/// # Errors
/// [`HoldError::NotFound`], [`HoldError::Lifted`], [`HoldError::Past`]; [`HoldError::Approval`] when
/// a second person has to approve that it ends earlier.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    changes: HoldChanges,
) -> Result<Hold, HoldError> {
    write(tenants, grant, id, changes, None).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn change_approved(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    changes: HoldChanges,
    approved: Approved,
) -> Result<Hold, HoldError> {
    write(tenants, grant, id, changes, Some(approved)).await
}

async fn write(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    changes: HoldChanges,
    approved: Option<Approved>,
) -> Result<Hold, HoldError> {
    let now = tenants.runtime().now();
    let by = Party::of(&grant.caller().principal);
    check_dates(changes.ends_at.flatten(), changes.review_at.flatten(), now)?;
    let written = tenants.write(grant, move |tx| {
        let mut stored = in_force(tx, id)?;
        let before = (stored.ends, stored.review);
        stored.ends = changes.ends_at.unwrap_or(stored.ends);
        stored.review = changes.review_at.unwrap_or(stored.review);
        let passed = match approved.is_some() || ends_earlier(before.0, stored.ends) {
            true => {
                let ((ends_at, review_at), changes) = (before, changes.clone());
                let act = Act::ShortenHold { hold: id, ends_at, review_at, changes };
                approvals::pass(tx, approved.as_ref(), act)?
            }
            false => AuditEvents::none(),
        };
        if before == (stored.ends, stored.review) {
            return Ok::<_, HoldError>((hold(tx, &stored)?, passed));
        }
        let mut details = details(tx, &stored)?;
        let (ends_at, review_at) = (stored.ends, stored.review);
        details.note(HoldChange { at: now, by: by.clone(), ends_at, review_at });
        stored.details = seal_details(tx, id, &details)?;
        repo::update(tx, &stored)?;
        let hold = hold(tx, &stored)?;
        let mut event = about(catalogue::HOLD_CHANGED, &hold);
        note(&mut event, "endsAt", before.0, stored.ends);
        note(&mut event, "reviewAt", before.1, stored.review);
        approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok::<_, HoldError>((hold, passed.and(event)))
    });
    Ok(written.await?.value)
}

/// A hold that ends by itself is lifted by nobody: an end is as good as lifting it.
fn ends_earlier(old: Option<Timestamp>, new: Option<Timestamp>) -> bool {
    new.is_some_and(|new| old.is_none_or(|old| new < old))
}

fn note(event: &mut Event, name: &str, old: Option<Timestamp>, new: Option<Timestamp>) {
    if old != new {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string().into());
        event.changes.insert(name.into(), Change { old: text(old), new: text(new) });
    }
}

/// Lifts a hold: what it covered can be deleted again.
///
/// # Errors
/// [`HoldError::NotFound`], [`HoldError::Lifted`], [`HoldError::Reason`]; [`HoldError::Approval`]
/// when a second person has to approve it.
pub async fn lift(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    reason: &str,
) -> Result<Hold, HoldError> {
    end(tenants, grant, id, reason, None).await
}

/// The same for what somebody else has asked for and the caller approves.
pub async fn lift_approved(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    reason: &str,
    approved: Approved,
) -> Result<Hold, HoldError> {
    end(tenants, grant, id, reason, Some(approved)).await
}

async fn end(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    id: HoldId,
    reason: &str,
    approved: Option<Approved>,
) -> Result<Hold, HoldError> {
    let (now, reason) = (tenants.runtime().now(), check_reason(reason)?);
    let by = Party::of(&grant.caller().principal);
    let written = tenants.write(grant, move |tx| {
        let mut stored = in_force(tx, id)?;
        let passed = approvals::pass(tx, approved.as_ref(), Act::LiftHold { hold: id })?;
        let mut details = details(tx, &stored)?;
        details.lifted_by = Some(by.clone());
        details.lift_reason = Some(reason.clone());
        stored.details = seal_details(tx, id, &details)?;
        stored.lifted = Some(now);
        repo::update(tx, &stored)?;
        let hold = hold(tx, &stored)?;
        let mut event = about(catalogue::HOLD_LIFTED, &hold);
        event.custom_fields.insert("cause".into(), "lifted".into());
        approved.iter().for_each(|approved| approved.mark(&mut event));
        Ok::<_, HoldError>((hold, passed.and(event)))
    });
    Ok(written.await?.value)
}

fn in_force<P>(tx: &WriteTx<'_, P>, id: HoldId) -> Result<Stored, HoldError> {
    let stored = repo::find(tx, id)?.ok_or(HoldError::NotFound)?;
    if stored.lifted.is_some() { Err(HoldError::Lifted) } else { Ok(stored) }
}
