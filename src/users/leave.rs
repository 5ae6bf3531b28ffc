//! A member who is erased, inside the transactions of the erasure.

use super::change::{beneath, keep_an_owner};
use super::model::{Member, MemberState, UserError};
use super::repo;
use crate::authz::Principal;
use crate::kernel::id::UserId;
use crate::store::StoreError;
use crate::tenants::{RealmTx, WriteTx};

/// Whether the principal may have this member erased: nobody oneself, nobody whose rights one lacks,
/// and neither the last owner nor the emergency account.
///
/// # Errors
/// [`UserError::Oneself`], [`UserError::TooMuch`], [`UserError::LastOwner`],
/// [`UserError::Emergency`], [`UserError::NotFound`].
pub fn check_leaving(
    tx: &impl RealmTx,
    principal: &Principal,
    id: UserId,
) -> Result<Member, UserError> {
    let member = beneath(tx, principal, &id.to_string())?;
    if matches!(principal, Principal::User { id: own, .. } if *own == id) {
        return Err(UserError::Oneself);
    }
    repo::keep_emergency(tx, id)?;
    if super::is_last_owner(tx, &member)? {
        return Err(UserError::LastOwner);
    }
    Ok(member)
}

/// Ends everything that somebody is signed in with, and lets them in no more.
///
/// # Errors
/// [`UserError::LastOwner`], [`UserError::Emergency`].
pub fn lock_out<P>(tx: &mut WriteTx<'_, P>, id: UserId) -> Result<(), UserError> {
    let before = repo::find(tx, id)?;
    repo::set_state(tx, id, MemberState::Disabled)?;
    keep_an_owner(tx, &before)
}

/// Removes the account with everything that is kept for it: sessions, factors, devices, links,
/// identities at providers, what provisioning knows of it.
pub fn remove<P>(tx: &mut WriteTx<'_, P>, id: UserId) -> Result<(), StoreError> {
    repo::remove(tx, id)
}
