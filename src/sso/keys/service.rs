//! The keys at work.

use super::change::event;
use super::{KeyState, SsoKeyError, repo};
use crate::audit::event::Actor;
use crate::authn::saml::{KeyError, PrivateKey, ServiceKey, ServiceNames};
use crate::authz::Realm;
use crate::kernel::id::SsoKeyId;
use crate::tenants::{AuditEvents, Tenant, Tenants};

/// A tenant's keys: one that signs, perhaps one that will, and those that only open.
pub struct ServiceKeys(Vec<(KeyState, ServiceKey)>);

impl ServiceKeys {
    /// The one that signs.
    pub fn signing(&self) -> Result<&ServiceKey, KeyError> {
        let current = self.0.iter().find(|(state, _)| *state == KeyState::Current);
        current.map(|(_, key)| key).ok_or(KeyError)
    }

    /// All with which something may be encrypted.
    pub fn opening(&self) -> Result<Vec<PrivateKey>, KeyError> {
        self.0.iter().map(|(_, key)| key.private_key()).collect()
    }

    /// Certificates in DER for the metadata, the one in use first.
    pub fn published(&self) -> Vec<&[u8]> {
        let published = self.0.iter().filter(|(state, _)| *state != KeyState::Former);
        published.map(|(_, key)| key.certificate()).collect()
    }
}

/// What this tenant is called as a service, and where it is. Never changes: providers know it.
pub fn service_names(base_url: &str, tenant: &Tenant) -> ServiceNames {
    let entity_id = format!("{base_url}/t/{}/saml", tenant.slug);
    ServiceNames {
        acs_url: format!("{entity_id}/acs"),
        logout_url: format!("{entity_id}/logout"),
        entity_id,
    }
}

/// The tenant's keys; the first is made now if there is none.
pub async fn of_service(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
) -> Result<ServiceKeys, SsoKeyError> {
    let realm = Realm::Tenant(tenant.id);
    let found = tenants.credentials(realm, |tx| repo::opened(tx)).await?;
    if !found.is_empty() {
        return Ok(ServiceKeys(found));
    }
    let key = generate(tenants, name(base_url, tenant)).await?;
    let id = tenants.runtime().id::<SsoKeyId>();
    let write = tenants.change_credentials_if_active(realm, move |tx| {
        if repo::count(tx, KeyState::Current)? == 0 {
            let made = repo::insert(tx, id, KeyState::Current, &key)?;
            let mut event = event(&made, "made");
            event.actor = Some(Actor::new("system", "single_sign_on"));
            return Ok((repo::opened(tx)?, event.into()));
        }
        // Somebody else was faster.
        Ok::<_, SsoKeyError>((repo::opened(tx)?, AuditEvents::none()))
    });
    Ok(ServiceKeys(write.await?.value))
}

/// Elsewhere than where requests are answered: it takes a while.
pub(super) async fn generate(tenants: &Tenants, name: String) -> Result<ServiceKey, SsoKeyError> {
    let now = tenants.runtime().now();
    let made = tokio::task::spawn_blocking(move || ServiceKey::generate(&name, now)).await;
    Ok(made.map_err(|_| SsoKeyError::Broken)??)
}

/// What the certificate is issued to: for whoever looks at it at the provider.
pub(super) fn name(base_url: &str, tenant: &Tenant) -> String {
    let host = base_url.strip_prefix("https://").unwrap_or(base_url);
    let name = format!("{} {host}", tenant.slug);
    // RFC 5280, upper bounds: ub-common-name.
    name.chars().take(64).collect()
}
