//! Letting a member in or keeping them out, inside the transaction of what decides it.

use super::change::{changed, keep_an_owner};
use super::model::{Member, MemberState, UserError};
use super::repo;
use crate::audit::{Event, catalogue};
use crate::tenants::WriteTx;

/// Enables or disables a member; whoever is disabled has no sessions, tokens or live connections
/// from then on. Nothing when they are so already.
///
/// # Errors
/// [`UserError::LastOwner`]
pub fn switch<P>(
    tx: &mut WriteTx<'_, P>,
    member: &Member,
    to: MemberState,
) -> Result<Option<Event>, UserError> {
    if member.state == to {
        return Ok(None);
    }
    repo::set_state(tx, member.id, to)?;
    keep_an_owner(tx, member)?;
    let action = match to {
        MemberState::Active => catalogue::USER_ENABLED,
        MemberState::Disabled => catalogue::USER_DISABLED,
    };
    Ok(Some(changed(action, member, "state", member.state.name(), to.name())))
}
