//! Sending somebody to a provider.

use super::outbound::{away, message_id};
use super::settings;
use crate::authn::saml::{AuthnRequest, Header, Way};
use crate::sso::requests::{self, Expected, NewRequest};
use crate::sso::{Found, Purpose, SendAway, SsoError, Start, keys};
use crate::tenants::{Tenant, Tenants};

/// Asks the provider who this is, and writes down what its answer has to fit.
pub async fn begin(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    found: &Found,
    start: Start,
) -> Result<SendAway, SsoError> {
    let settings = settings(found)?;
    let service = keys::service_names(base_url, tenant);
    let keys = keys::of_service(tenants, base_url, tenant).await?;
    let id = message_id(tenants.runtime());
    let issued = tenants.runtime().now();
    let new = NewRequest {
        provider: found.provider.id,
        purpose: start.purpose,
        browser: start.browser,
        session: start.session,
        expected: Expected { request: Some(id.clone()), next: start.next, ..Expected::default() },
    };
    let state = requests::remember(tenants, tenant, new).await?;
    let request = AuthnRequest {
        acs_url: &service.acs_url,
        name_id_format: settings.name_id_format,
        force: settings.force_authn || start.purpose == Purpose::Confirm,
        contexts: &settings.requested_contexts,
    };
    let way = Way {
        binding: settings.sign_in_binding,
        destination: &settings.sign_in_url,
        relay_state: Some(&state),
        key: if settings.sign_requests { Some(keys.signing()?) } else { None },
    };
    away(request.send(Header { id: &id, issued, issuer: &service.entity_id }, &way))
}
