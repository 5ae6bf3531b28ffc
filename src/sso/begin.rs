//! Sending somebody to a provider.

use zeroize::Zeroizing;

use super::oidc::{self, Oidc};
use super::{Protocol, Purpose, SendAway, SsoError, find, saml};
use crate::authn::sso::{Refusal, Trace};
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

/// # Errors
/// [`SsoError::NotFound`]; [`Refusal::ProviderOff`] for anything but trying it out; what keeps the
/// provider from being asked.
pub async fn begin(
    tenants: &Tenants,
    oidc: &Oidc,
    base_url: &str,
    tenant: &Tenant,
    start: Start,
) -> Result<SendAway, SsoError> {
    let found = find(tenants, tenant, start.provider).await?.ok_or(SsoError::NotFound)?;
    if !found.is_on() && start.purpose != Purpose::Test {
        return Err(Refusal::ProviderOff.into());
    }
    match &found.provider.settings.protocol {
        Protocol::Oidc(_) => {
            let mut trace = Trace::default();
            oidc::begin(oidc, tenants, base_url, tenant, &found, start, &mut trace).await
        }
        Protocol::Saml(_) => saml::begin(tenants, base_url, tenant, &found, start).await,
    }
}
