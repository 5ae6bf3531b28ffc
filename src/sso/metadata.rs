//! A SAML provider's settings from what it says about itself.

use super::{Protocol, ProviderSettings, SsoError};
use crate::authn::saml::metadata;
use crate::kernel::limits;
use crate::outgoing::{Allowed, Fetcher};

/// Where metadata comes from.
pub enum Described {
    /// The text, as it was given.
    Pasted(String),
    /// Fetched from the settings' `metadataUrl`.
    AtItsUrl,
}

/// Puts into the settings what the provider's metadata says: its names, addresses and certificates.
///
/// # Errors
/// [`SsoError::Setting`] with the field `metadata` when it cannot be fetched, or says too little.
pub async fn take_over(
    allowed: &Allowed,
    settings: &mut ProviderSettings,
    described: Described,
) -> Result<(), SsoError> {
    let wrong = |problem: String| SsoError::setting("metadata", problem);
    let Protocol::Saml(saml) = &mut settings.protocol else {
        return Err(wrong("metadata is for SAML providers".to_owned()));
    };
    let bytes = match described {
        Described::Pasted(text) => text.into_bytes(),
        Described::AtItsUrl => {
            let url = saml.metadata_url.as_deref().unwrap_or_default();
            let fetcher = Fetcher::new(allowed.clone(), None).await;
            let fetcher = fetcher.map_err(|error| wrong(error.to_string()))?;
            let fetched = fetcher.get(url, limits::SSO_METADATA_BYTES).await;
            fetched.map_err(|error| wrong(error.to_string()))?
        }
    };
    // Of several providers in a federation's file, the one that is set up already.
    let known = Some(saml.entity_id.as_str()).filter(|name| !name.is_empty());
    let read = metadata::read_one(&bytes, known).or_else(|_| metadata::read(&bytes));
    read.map_err(|error| wrong(error.to_string()))?.apply(saml);
    Ok(())
}
