//! Telling a provider that somebody signs out (OpenID Connect RP-Initiated Logout 1.0).

use reqwest::Url;

use super::{Oidc, settings};
use crate::authn::sso::{ProviderSession, Trace};
use crate::sso::{Found, SsoError};
use crate::tenants::Tenants;

/// Where the browser goes to end the session at the provider, from where it is sent to `back`;
/// nothing where the provider has no such place.
///
/// # Errors
/// [`SsoError::Refused`] when the provider is not known yet and cannot be reached.
pub async fn logout_url(
    oidc: &Oidc,
    tenants: &Tenants,
    found: &Found,
    session: &ProviderSession,
    back: &str,
    state: Option<&str>,
) -> Result<Option<String>, SsoError> {
    let (settings, runtime) = (settings(found)?, tenants.runtime());
    let mut trace = Trace::default();
    let talk = oidc.talk(runtime, found, settings, &mut trace).await?;
    let known = talk.known(false, &mut trace).await?;
    let Some(address) = known.description.end_session_endpoint() else { return Ok(None) };
    let Ok(mut url) = Url::parse(address) else { return Ok(None) };
    {
        let mut query = url.query_pairs_mut();
        if let Some(token) = &session.id_token {
            query.append_pair("id_token_hint", token);
        }
        query.append_pair("client_id", &settings.client_id);
        query.append_pair("post_logout_redirect_uri", back);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
    }
    Ok(Some(url.into()))
}
