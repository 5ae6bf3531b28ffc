//! Taking away a member's second factors, for whoever has lost them.

use super::model::{Member, UserError};
use super::{change, repo};
use crate::audit::event::Resource;
use crate::authn;
use crate::authz::permission::UserFactorReset;
use crate::authz::{Grant, Principal};
use crate::tenants::{AuditEvents, Tenants};

/// Ends all sessions too; whoever must have a second factor sets one up at the next sign-in.
///
/// # Errors
/// [`UserError::TooMuch`] when the member has rights that the caller lacks; [`UserError::Oneself`]
/// for one's own: that would be a way around it for who found an open session;
/// [`UserError::Emergency`] for the emergency account: a password alone would let somebody in.
pub async fn reset_factors(
    tenants: &Tenants,
    grant: &Grant<UserFactorReset>,
    who: &str,
) -> Result<Member, UserError> {
    let (who, principal) = (who.to_owned(), grant.caller().principal.clone());
    let realm = grant.realm();
    let written = tenants.withdraw(grant, move |tx| {
        let member = change::beneath(tx, &principal, &who)?;
        if matches!(principal, Principal::User { id, .. } if id == member.id) {
            return Err(UserError::Oneself);
        }
        repo::keep_emergency(tx, member.id)?;
        let mut event = authn::reset_factors(tx, realm, *member.id.bytes())?;
        event.resource = Some(Resource::new("user", member.id.to_string()));
        Ok::<_, UserError>((repo::find(tx, member.id)?, AuditEvents::from(event)))
    });
    Ok(written.await?.value)
}
