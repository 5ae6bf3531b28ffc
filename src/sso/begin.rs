//! Sending somebody to a provider.

use zeroize::Zeroizing;

use super::oidc::{self, Oidc};
use super::{
    Answer, Expected, Finished, Found, Pending, Protocol, Purpose, SendAway, SsoError, find,
    finish, saml,
};
use crate::authn::sso::{Refusal, Trace};
use crate::authz::RequestContext;
use crate::kernel::id::{ProviderId, SessionId};
use crate::tenants::{Tenant, Tenants};

/// Who is sent, and for what.
#[derive(Clone)]
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

/// What the browser gets.
pub enum Begun {
    Away(SendAway),
    /// The provider cannot even be asked. That is recorded, and reported, like a bad answer.
    Over(Finished),
}

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
    let mut trace = Trace::default();
    let sent = match &found.provider.settings.protocol {
        Protocol::Saml(_) => saml::begin(tenants, base_url, tenant, &found, start.clone()).await,
        Protocol::Oidc(_) => {
            let start = start.clone();
            oidc::begin(oidc, tenants, base_url, tenant, &found, start, &mut trace).await
        }
    };
    match sent {
        Ok(away) => Ok(Begun::Away(away)),
        Err(SsoError::Refused(refusal)) => {
            let answer = unsent(tenants, found, start, refusal, trace);
            Ok(Begun::Over(finish(tenants, tenant, answer, request).await?))
        }
        Err(error) => Err(error),
    }
}

fn unsent(
    tenants: &Tenants,
    found: Found,
    start: Start,
    refusal: Refusal,
    mut trace: Trace,
) -> Answer {
    if trace.refusal.is_none() {
        trace.refused("request", refusal, None, None);
    }
    let runtime = tenants.runtime();
    let pending = Pending {
        id: runtime.id(),
        provider: start.provider,
        purpose: start.purpose,
        session: start.session,
        expected: Expected { next: start.next, ..Expected::default() },
        created: runtime.now(),
    };
    let (pending, messages) = (Some(pending), Vec::new());
    Answer { found, pending, result: Err(refusal), messages, trace }
}
