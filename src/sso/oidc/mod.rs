//! OpenID Connect with a tenant's providers: asked over the network, their keys remembered.

mod answer;
mod backchannel;
mod begin;
mod exchange;
mod known;
mod logout;

pub use answer::{Answered, Returned, answer};
pub use backchannel::backchannel_logout;
pub use begin::begin;
pub use known::Oidc;
pub use logout::logout_url;

use crate::authn::oidc::OidcSettings;
use crate::authn::sso::Refusal;
use crate::kernel::id::ProviderId;
use crate::sso::{Found, Protocol, SsoError};
use crate::tenants::Tenant;

/// Where people come back to, as it is registered at the provider. Each provider has an address of its
/// own: by it an answer says whom it is from, whatever else a provider leaves out (RFC 9700, 4.4.2.2).
pub fn callback_url(base_url: &str, tenant: &Tenant, provider: ProviderId) -> String {
    format!("{base_url}/t/{}/oidc/callback/{provider}", tenant.slug)
}

fn settings(found: &Found) -> Result<&OidcSettings, SsoError> {
    match &found.provider.settings.protocol {
        Protocol::Oidc(settings) => Ok(settings),
        // Its settings have changed meanwhile.
        Protocol::Saml(_) => Err(Refusal::Over.into()),
    }
}
