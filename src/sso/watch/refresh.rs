//! Fetching a SAML provider's metadata anew. Of what it says, certificates are taken over, and when
//! it ends: a provider that replaces its key says so there. Names and addresses are an owner's to
//! change; where they differ, the entry says so.

use serde_json::json;

use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::saml::SamlSettings;
use crate::authn::saml::metadata::{self, MetadataError, ReadMetadata};
use crate::authz::Grant;
use crate::authz::permission::SsoManage;
use crate::kernel::id::ProviderId;
use crate::kernel::limits;
use crate::outgoing::{FetchError, Fetcher};
use crate::sso::{Protocol, Provider, ProviderState, SsoError, repo};
use crate::tenants::{AuditEvents, Tenants};

/// Why metadata was not fetched anew. What was there before stays.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error("the metadata is of another provider than the one that was set up")]
    OtherEntity,
    #[error(transparent)]
    Sso(#[from] SsoError),
}

/// What became of one tenant's providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    pub fetched: u64,
    pub changed: u64,
    pub failed: u64,
}

/// Fetches the metadata of all that are on and have an address for it. What cannot be fetched or read
/// changes nothing, and is said in the operating log.
///
/// # Errors
/// A failing store alone.
pub async fn refresh(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    fetcher: &Fetcher,
) -> Result<Refreshed, SsoError> {
    let look = tenants.read(grant, |tx| Ok::<_, SsoError>(repo::all(tx)?));
    let mut done = Refreshed::default();
    for found in look.await? {
        let Some((id, saml)) = with_address(&found.provider) else { continue };
        match one(tenants, grant, fetcher, id, saml).await {
            Ok(changed) => {
                done.fetched += 1;
                done.changed += u64::from(changed);
            }
            Err(RefreshError::Sso(error)) => return Err(error),
            Err(error) => {
                done.failed += 1;
                tracing::warn!(provider = %id, %error, "a provider's metadata was not fetched anew");
            }
        }
    }
    Ok(done)
}

fn with_address(provider: &Provider) -> Option<(ProviderId, &SamlSettings)> {
    match &provider.settings.protocol {
        Protocol::Saml(saml) if provider.state == ProviderState::On => {
            saml.metadata_url.is_some().then_some((provider.id, saml))
        }
        _ => None,
    }
}

async fn one(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    fetcher: &Fetcher,
    id: ProviderId,
    saml: &SamlSettings,
) -> Result<bool, RefreshError> {
    let url = saml.metadata_url.as_deref().unwrap_or_default();
    let bytes = fetcher.get(url, limits::SSO_METADATA_BYTES).await?;
    let read = metadata::read_one(&bytes, Some(&saml.entity_id))?;
    if read.entity_id != saml.entity_id || read.certificates.is_empty() {
        return Err(RefreshError::OtherEntity);
    }
    let before = saml.clone();
    let written = tenants.write(grant, move |tx| {
        let unchanged = (false, AuditEvents::none());
        let Some(mut found) = repo::find(tx, id)? else { return Ok(unchanged) };
        let Protocol::Saml(now) = &mut found.provider.settings.protocol else {
            return Ok(unchanged);
        };
        // Somebody was faster: tomorrow is another day.
        if *now != before || !differs(now, &read) {
            return Ok(unchanged);
        }
        let event = event(id, now, &read);
        now.certificates.clone_from(&read.certificates);
        now.metadata_expires = read.expires;
        found.provider.changed_at = tx.runtime().now();
        repo::update(tx, &found)?;
        Ok::<_, SsoError>((true, event.into()))
    });
    Ok(written.await?.value)
}

fn differs(now: &SamlSettings, read: &ReadMetadata) -> bool {
    now.certificates != read.certificates || now.metadata_expires != read.expires
}

fn event(id: ProviderId, now: &SamlSettings, read: &ReadMetadata) -> Event {
    let mut event = Event::new(catalogue::PROVIDER_REFRESHED);
    event.resource = Some(Resource::new("identity_provider", id.to_string()));
    let mut change = |field: &str, old: serde_json::Value, new: serde_json::Value| {
        if old != new {
            event.changes.insert(field.to_owned(), Change { old: Some(old), new: Some(new) });
        }
    };
    let prints = super::findings::fingerprints;
    change("certificates", json!(prints(&now.certificates)), json!(prints(&read.certificates)));
    change("metadataExpires", json!(now.metadata_expires), json!(read.expires));
    let addresses = now.sign_in_url != read.sign_in_url || now.sign_out_url != read.sign_out_url;
    if addresses {
        event.custom_fields.insert("addressesDiffer".into(), true.into());
    }
    event
}
