//! Sending somebody to a provider.

use zeroize::Zeroizing;

use super::oidc::{self, Oidc};
use super::{
    Answer, Expected, Finished, Pending, Protocol, Purpose, SendAway, SsoError, find, finish, saml,
};
use crate::authn::sso::{Refusal, Trace};
use crate::authz::RequestContext;
use crate::kernel::id::{ProviderId, SessionId};
use crate::tenants::{Tenant, Tenants};

/// Who is sent, and for what.
pub struct Start {
    pub provider: ProviderId,
    pub purpose: Purpose,
    /// The value of the cookie that marks the browser.
    pub browser: Zeroizing<String>,
    /// Of whoever is signed in already.
    pub session: Option<SessionId>,
    /// The path of this console to go on to.
    pub next: Option<String>,
}

pub enum Begun {
    Away(SendAway),
    /// It ended before it began: the provider could not be asked.
    Over(Finished),
}

/// What keeps a provider from being asked is recorded like a refused answer, and reported like one to
/// whoever tries it out.
///
/// # Errors
/// [`SsoError::NotFound`]; [`Refusal::ProviderOff`] for anything but trying it out.
pub async fn begin(
    tenants: &Tenants,
    oidc: &Oidc,
    base_url: &str,
    tenant: &Tenant,
    start: Start,
    request: RequestContext,
) -> Result<Begun, SsoError> {
    let found = find(tenants, tenant, start.provider).await?.ok_or(SsoError::NotFound)?;
    if !found.is_on() && start.purpose != Purpose::Test {
        return Err(Refusal::ProviderOff.into());
    }
    let (mut trace, runtime) = (Trace::default(), tenants.runtime());
    // As if it had been sent.
    let pending = Pending {
        id: runtime.id(),
        provider: start.provider,
        purpose: start.purpose,
        session: start.session,
        expected: Expected::default(),
        created: runtime.now(),
    };
    let sent = match &found.provider.settings.protocol {
        Protocol::Oidc(_) => {
            oidc::begin(oidc, tenants, base_url, tenant, &found, start, &mut trace).await
        }
        Protocol::Saml(_) => saml::begin(tenants, base_url, tenant, &found, start).await,
    };
    match sent {
        Ok(away) => Ok(Begun::Away(away)),
        Err(SsoError::Refused(refusal)) => {
            let (pending, result, messages) = (Some(pending), Err(refusal), Vec::new());
            let answer = Answer { found, pending, result, messages, trace };
            finish(tenants, tenant, answer, request).await.map(Begun::Over)
        }
        Err(error) => Err(error),
    }
}
