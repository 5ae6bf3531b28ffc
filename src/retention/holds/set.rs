//! Setting a hold.

use super::model::{Hold, NewHold};
use super::open::{Details, about, check_reason, hold, seal_details};
use super::repo::{self, Stored};
use super::{HoldError, target};
use crate::approvals::Party;
use crate::audit::catalogue;
use crate::authz::Grant;
use crate::authz::permission::HoldManage;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::HoldId;
use crate::tenants::{IdempotencyKey, Tenants};

/// Sets a hold; from this entry on nothing that it covers is deleted.
///
/// # Errors
/// [`HoldError::NoTarget`], [`HoldError::Target`], [`HoldError::Reason`], [`HoldError::Past`],
/// [`HoldError::TooMany`]
pub async fn set(
    tenants: &Tenants,
    grant: &Grant<HoldManage>,
    new: NewHold,
    key: Option<IdempotencyKey>,
) -> Result<Hold, HoldError> {
    let (id, now): (HoldId, _) = (tenants.runtime().id(), tenants.runtime().now());
    let by = Party::of(&grant.caller().principal);
    let reason = check_reason(&new.reason)?;
    check_dates(new.ends_at, new.review_at, now)?;
    let written = tenants.preserve_once(grant, key, move |tx| {
        if repo::count_in_force(tx)? >= super::error::HOLDS_MOST {
            return Err(HoldError::TooMany);
        }
        let stored = Stored {
            id,
            scope: new.scope,
            target: target::resolve(tx, new.scope, new.target.as_deref())?,
            reason: tx.seal(Field::HoldReason, id.bytes(), None, reason.as_bytes())?,
            details: seal_details(tx, id, &Details::new(by.clone()))?,
            created: now,
            ends: new.ends_at,
            review: new.review_at,
            lifted: None,
        };
        repo::insert(tx, &stored)?;
        let hold = hold(tx, &stored)?;
        let mut event = about(catalogue::HOLD_SET, &hold);
        for (name, date) in [("endsAt", hold.ends_at), ("reviewAt", hold.review_at)] {
            if let Some(date) = date {
                event.custom_fields.insert(name.into(), date.to_string().into());
            }
        }
        Ok((id, event.into()))
    });
    // Read back instead of kept with the idempotency key: the reason stays in one place.
    let id = written.await?.value;
    super::list::look(tenants, grant, id).await
}

/// Dates that are set have to be ahead.
pub fn check_dates(
    ends: Option<Timestamp>,
    review: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), HoldError> {
    for (name, date) in [("endsAt", ends), ("reviewAt", review)] {
        if date.is_some_and(|date| date <= now) {
            return Err(HoldError::Past(name));
        }
    }
    Ok(())
}
