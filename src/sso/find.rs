//! Providers as sign-in needs them: before anybody is known.

use secrecy::SecretString;

use super::repo::{self, Issuer};
use super::{Preset, Protocol, Provider, ProviderState, SsoError};
use crate::authz::Realm;
use crate::kernel::id::ProviderId;
use crate::tenants::{DoorError, Tenant, Tenants};

/// A provider with its secret, for whoever talks to it.
#[derive(Clone)]
pub struct Found {
    pub provider: Provider,
    pub secret: Option<SecretString>,
}

impl Found {
    pub fn is_on(&self) -> bool {
        self.provider.state == ProviderState::On
    }
}

/// A way in, as the sign-in page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub id: ProviderId,
    pub name: String,
    pub preset: Preset,
    pub is_saml: bool,
}

impl Offered {
    pub(super) fn of(provider: Provider) -> Self {
        Self {
            id: provider.id,
            is_saml: matches!(provider.settings.protocol, Protocol::Saml(_)),
            preset: provider.settings.preset,
            name: provider.settings.name,
        }
    }
}

/// Whether it is on or off.
pub async fn find(
    tenants: &Tenants,
    tenant: &Tenant,
    id: ProviderId,
) -> Result<Option<Found>, SsoError> {
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| repo::find(tx, id));
    Ok(look.await?)
}

/// By what a SAML provider calls itself.
pub async fn find_saml(
    tenants: &Tenants,
    tenant: &Tenant,
    entity_id: &str,
) -> Result<Option<Found>, SsoError> {
    let entity_id = entity_id.to_owned();
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        repo::find_issuer(tx, &Issuer::Saml { entity_id: &entity_id })
    });
    Ok(look.await?)
}

/// By what an OpenID Connect provider calls itself, and this service.
pub async fn find_oidc(
    tenants: &Tenants,
    tenant: &Tenant,
    issuer: &str,
    client_id: &str,
) -> Result<Option<Found>, SsoError> {
    let (issuer, client_id) = (issuer.to_owned(), client_id.to_owned());
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        repo::find_issuer(tx, &Issuer::Oidc { issuer: &issuer, client_id: &client_id })
    });
    Ok(look.await?)
}

/// The providers that are on.
pub async fn offered(tenants: &Tenants, tenant: &Tenant) -> Result<Vec<Offered>, SsoError> {
    let look = tenants.credentials(Realm::Tenant(tenant.id), |tx| repo::all(tx));
    let found: Vec<Found> = look.await?;
    let on = found.into_iter().filter(Found::is_on);
    Ok(on.map(|found| Offered::of(found.provider)).collect())
}

/// Where somebody with this address signs in; it is not looked at whether they are a member.
pub async fn for_address(
    tenants: &Tenants,
    tenant: &Tenant,
    email: &str,
) -> Result<Option<Offered>, SsoError> {
    let Some((_, domain)) = email.trim().rsplit_once('@') else { return Ok(None) };
    let domain = domain.to_lowercase();
    let look = tenants.credentials(Realm::Tenant(tenant.id), move |tx| {
        let Some(id) = repo::of_domain(tx, &domain)? else { return Ok(None) };
        Ok::<_, DoorError>(repo::find(tx, id)?.filter(Found::is_on))
    });
    Ok(look.await?.map(|found| Offered::of(found.provider)))
}
