//! Settings of a SAML provider from what it says about itself.

use super::{Protocol, ProviderSettings, SsoError};
use crate::authn::saml::metadata;
use crate::kernel::limits;
use crate::outgoing::{Allowed, Fetcher};

/// Fills names, addresses and certificates in; the rest of the settings stays. Of several providers
/// in the metadata it is the one that the settings name.
///
/// # Errors
/// [`SsoError::Metadata`]; [`SsoError::Setting`] for a provider that speaks OpenID Connect.
pub(super) fn apply(settings: &mut ProviderSettings, text: &str) -> Result<(), SsoError> {
    let Protocol::Saml(saml) = &mut settings.protocol else {
        return Err(SsoError::setting("metadata", "is a thing of SAML"));
    };
    let named = Some(saml.entity_id.trim()).filter(|name| !name.is_empty());
    metadata::read_one(text.as_bytes(), named)?.apply(saml);
    Ok(())
}

/// Fetches metadata from where the settings say, if they have nothing else to go by.
///
/// # Errors
/// [`SsoError::Fetch`]
pub async fn fetch_metadata(
    allowed: Allowed,
    settings: &ProviderSettings,
) -> Result<Option<String>, SsoError> {
    let Protocol::Saml(saml) = &settings.protocol else { return Ok(None) };
    let Some(url) = saml.metadata_url.as_deref().filter(|_| saml.certificates.is_empty()) else {
        return Ok(None);
    };
    let fetcher = Fetcher::new(allowed, None).await?;
    let bytes = fetcher.get(url, limits::SSO_METADATA_BYTES).await?;
    let text = String::from_utf8(bytes).map_err(|_| metadata::MetadataError::NotText)?;
    Ok(Some(text))
}
