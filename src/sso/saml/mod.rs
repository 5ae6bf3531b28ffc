//! SAML at work: to a provider and back, and signing out at both ends.

mod answer;
mod begin;
mod logout;
mod outbound;

use crate::authn::saml::{SamlSettings, metadata};
use crate::sso::keys::{self, SsoKeyError};
use crate::sso::{Found, Protocol, SsoError};
use crate::tenants::{Tenant, Tenants};

pub use answer::{Came, answer};
pub use begin::begin;
pub use logout::{LoggedOut, Posted, logged_out, sign_out};

/// What a provider's administrator needs to know about a tenant as a service.
pub async fn own_metadata(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
) -> Result<String, SsoKeyError> {
    let keys = keys::of_service(tenants, base_url, tenant).await?;
    Ok(metadata::write(&keys::service_names(base_url, tenant), &keys.published())?)
}

/// A provider that speaks SAML.
fn settings(found: &Found) -> Result<&SamlSettings, SsoError> {
    match &found.provider.settings.protocol {
        Protocol::Saml(settings) => Ok(settings),
        Protocol::Oidc(_) => Err(SsoError::NotFound),
    }
}
