//! Sending somebody to a provider.

use zeroize::Zeroizing;

use super::{Found, Purpose, SendAway, SsoError, find};
use crate::authn::sso::Refusal;
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
/// [`SsoError::NotFound`]; [`Refusal::ProviderOff`] for anything but trying it out.
pub async fn begin(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    start: Start,
) -> Result<SendAway, SsoError> {
    let found = find(tenants, tenant, start.provider).await?.ok_or(SsoError::NotFound)?;
    if !found.is_on() && start.purpose != Purpose::Test {
        return Err(Refusal::ProviderOff.into());
    }
    send(tenants, base_url, tenant, &found, start).await
}

async fn send(
    _tenants: &Tenants,
    _base_url: &str,
    _tenant: &Tenant,
    _found: &Found,
    _start: Start,
) -> Result<SendAway, SsoError> {
    Err(Refusal::ProviderOff.into())
}
