//! Sending somebody to a provider.

use data_encoding::BASE64URL_NOPAD;

use super::{Oidc, callback_url, settings};
use crate::authn::oidc::{Question, authorization_url, client};
use crate::authn::sso::Trace;
use crate::sso::{Expected, Found, NewRequest, Purpose, SendAway, SsoError, Start, requests};
use crate::tenants::{Tenant, Tenants};

/// # Errors
/// [`SsoError::Refused`] when the provider cannot be reached or describes itself wrongly; `trace` says
/// more.
pub async fn begin(
    oidc: &Oidc,
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    found: &Found,
    start: Start,
    trace: &mut Trace,
) -> Result<SendAway, SsoError> {
    let (settings, runtime) = (settings(found)?, tenants.runtime());
    let talk = oidc.talk(runtime, found, settings, trace).await?;
    // Whoever tries a provider out has perhaps just changed it.
    let known = talk.known(start.purpose == Purpose::Test, trace).await?;
    let callback = callback_url(base_url, tenant, found.provider.id);
    let client = client(&known.description, settings, None, callback)?;
    let secret = || BASE64URL_NOPAD.encode(&runtime.bytes::<32>());
    let (nonce, verifier) = (secret(), secret());
    let (provider, purpose) = (found.provider.id, start.purpose);
    let expected = Expected {
        nonce: Some(nonce.clone()),
        verifier: Some(verifier.clone()),
        next: start.next,
        ..Expected::default()
    };
    let Start { browser, session, .. } = start;
    let new = NewRequest { provider, purpose, browser, session, expected };
    let state = requests::remember(tenants, tenant, new).await?;
    let anew = purpose == Purpose::Confirm;
    let asked = Question { state: &state, nonce: &nonce, verifier: &verifier, anew };
    Ok(SendAway::Redirect(authorization_url(&client, settings, &asked)))
}
