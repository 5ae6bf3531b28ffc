//! A provider says, server to server, that somebody's session is over (OpenID Connect Back-Channel
//! Logout 1.0).

use super::{Oidc, settings};
use crate::audit::catalogue;
use crate::authn::oidc::{self, Ended};
use crate::authn::sso::{Refusal, Trace};
use crate::authz::RequestContext;
use crate::sso::{EndedThere, Found, SsoError, end_by_provider, find_oidc, record_refused};
use crate::tenants::{Tenant, Tenants};

/// Ends the sessions that the logout token is about. What is refused is recorded.
///
/// # Errors
/// [`SsoError::Refused`], whatever the token lacks.
pub async fn backchannel_logout(
    oidc: &Oidc,
    tenants: &Tenants,
    tenant: &Tenant,
    token: &str,
    request: RequestContext,
) -> Result<(), SsoError> {
    let found = provider(tenants, tenant, token).await?;
    let id = found.as_ref().map(|found| found.provider.id);
    let done = match found {
        Some(found) => end(oidc, tenants, tenant, &found, token, request.clone()).await,
        None => Err(Refusal::IssuerUnknown.into()),
    };
    if let Err(SsoError::Refused(refusal)) = &done {
        let what = catalogue::SSO_REFUSED;
        record_refused(tenants, tenant, what, id, *refusal, &request).await?;
    }
    done
}

/// Whose token it says it is: that provider's keys will tell.
async fn provider(
    tenants: &Tenants,
    tenant: &Tenant,
    token: &str,
) -> Result<Option<Found>, SsoError> {
    let Some((issuer, audience)) = oidc::logout_addresses(token) else { return Ok(None) };
    for client in audience {
        if let Some(found) = find_oidc(tenants, tenant, &issuer, &client).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn end(
    oidc: &Oidc,
    tenants: &Tenants,
    tenant: &Tenant,
    found: &Found,
    token: &str,
    request: RequestContext,
) -> Result<(), SsoError> {
    let (settings, runtime) = (settings(found)?, tenants.runtime());
    let mut trace = Trace::default();
    let talk = oidc.talk(runtime, found, settings, &mut trace).await?;
    let mut known = talk.known(false, &mut trace).await?;
    talk.keys_for(&mut known, token, &mut trace).await?;
    let now = runtime.now();
    let Ended { subject, session, message } =
        oidc::logout_token(token, &known.keys, settings, now, &mut trace)?;
    let (provider, indexes) = (found.provider.id, session.into_iter().collect());
    // Ids of logout tokens are no ids of anything else.
    let message = (format!("logout:{}", message.0), message.1);
    let ended = EndedThere { provider, subject, indexes, message };
    end_by_provider(tenants, tenant, ended, request).await.map(|_| ())
}
