//! Which members are somebody at a provider.

use schemars::JsonSchema;
use serde::Serialize;

use super::check::check_owner;
use super::{SsoError, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::{SsoManage, SsoRead};
use crate::kernel::Timestamp;
use crate::kernel::id::{ProviderId, UserId};
use crate::tenants::Tenants;

/// A member whom a provider signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Linked {
    pub user: UserId,
    pub linked_at: Timestamp,
    /// When they last came by the provider.
    pub seen_at: Timestamp,
}

/// The members whom a provider signs in, who was linked first at first.
///
/// # Errors
/// [`SsoError::NotFound`]
pub async fn links(
    tenants: &Tenants,
    grant: &Grant<SsoRead>,
    provider: ProviderId,
) -> Result<Vec<Linked>, SsoError> {
    let look = tenants.read(grant, move |tx| {
        repo::find(tx, provider)?.ok_or(SsoError::NotFound)?;
        Ok(repo::links(tx, provider)?)
    });
    look.await
}

/// Forgets who a member is at a provider, for an account there that was made anew. The sessions that
/// stand on it end; the next sign-in is a first one, with all that this takes.
///
/// # Errors
/// [`SsoError::NotAnOwner`]: whoever comes next with the address could be linked instead.
/// [`SsoError::NotLinked`]
pub async fn unlink(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    provider: ProviderId,
    user: UserId,
) -> Result<(), SsoError> {
    check_owner(&grant.caller().principal)?;
    let written = tenants.write(grant, move |tx| {
        repo::find(tx, provider)?.ok_or(SsoError::NotFound)?;
        let ended = repo::end_sessions_of(tx, provider, user)?;
        if !repo::unlink(tx, provider, user)? {
            return Err(SsoError::NotLinked);
        }
        let mut event = Event::new(catalogue::IDENTITY_UNLINKED);
        event.resource = Some(Resource::new("user", user.to_string()));
        event.custom_fields.insert("provider".into(), provider.to_string().into());
        event.custom_fields.insert("sessionsEnded".into(), ended.into());
        Ok(((), event.into()))
    });
    written.await.map(|_| ())
}
