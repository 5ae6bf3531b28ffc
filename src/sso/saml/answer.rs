//! A provider's answer, or somebody whom it sends without being asked.

use super::settings;
use crate::audit::event::Outcome;
use crate::audit::{Event, catalogue};
use crate::authn::saml::{Carried, Context, Verified, response, unverified_issuer};
use crate::authn::sso::{Identity, Refusal, Trace};
use crate::authz::{Realm, RequestContext};
use crate::kernel::Timestamp;
use crate::sso::requests;
use crate::sso::{
    Answer, Finished, Found, Pending, ProviderState, Purpose, SsoError, find, find_saml, finish,
    keys,
};
use crate::tenants::{Tenant, Tenants};

/// What came as a form.
pub struct Came<'a> {
    pub response: &'a str,
    pub relay_state: Option<&'a str>,
    /// The value of the cookie that marks the browser.
    pub browser: Option<&'a str>,
}

/// Holds an answer against what was asked and what the provider's keys have signed, and does what
/// comes of it.
pub async fn answer(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    came: Came<'_>,
    request: RequestContext,
) -> Result<Finished, SsoError> {
    let state = came.relay_state.unwrap_or_default();
    let (found, pending, early) = match requests::take(tenants, tenant, state, came.browser).await?
    {
        Ok(pending) => {
            let found = find(tenants, tenant, pending.provider).await?;
            (found.ok_or(Refusal::ProviderOff), Some(pending), None)
        }
        Err(why) => {
            let found = by_issuer(tenants, tenant, came.response).await?;
            let early = found.as_ref().ok().and_then(|found| unasked(found, state, why));
            (found, None, early)
        }
    };
    let found = match found {
        Ok(found) => found,
        Err(refusal) => return nobody(tenants, tenant, refusal, &request).await,
    };
    let mut trace = Trace::default();
    let off = found.provider.state == ProviderState::Off
        && pending.as_ref().is_none_or(|pending| pending.purpose != Purpose::Test);
    let refused = early.or(off.then_some(Refusal::ProviderOff));
    let verified = match refused {
        Some(refusal) => Err(trace.refused("asked", refusal, None, None)),
        None => {
            verify(tenants, base_url, tenant, &found, pending.as_ref(), came.response, &mut trace)
                .await?
        }
    };
    let (result, messages) = split(verified);
    let answer = Answer { found, pending, result, messages, trace };
    finish(tenants, tenant, answer, request).await
}

/// Why something that answers nothing is refused before it is read. The state of somebody who was
/// sent from here is never taken for one of the provider's own.
fn unasked(found: &Found, state: &str, why: Refusal) -> Option<Refusal> {
    let allowed = settings(found).is_ok_and(|settings| settings.allow_unsolicited);
    match why {
        Refusal::OtherBrowser => Some(why),
        _ if allowed => None,
        // Whoever brings no state back was not sent from here.
        _ if state.is_empty() => Some(Refusal::UnsolicitedOff),
        _ => Some(why),
    }
}

/// For finding whose keys to hold against it; the check itself asks for the issuer again.
async fn by_issuer(
    tenants: &Tenants,
    tenant: &Tenant,
    response: &str,
) -> Result<Result<Found, Refusal>, SsoError> {
    let issuer = match unverified_issuer(Carried::Post(response)) {
        Ok(issuer) => issuer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(find_saml(tenants, tenant, &issuer).await?.ok_or(Refusal::IssuerUnknown))
}

async fn verify(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    found: &Found,
    pending: Option<&Pending>,
    encoded: &str,
    trace: &mut Trace,
) -> Result<Result<Verified, Refusal>, SsoError> {
    let settings = settings(found)?;
    let keys = keys::of_service(tenants, base_url, tenant).await?.opening()?;
    let anew = |pending: &&Pending| settings.force_authn || pending.purpose == Purpose::Confirm;
    let context = Context {
        settings,
        service: &keys::service_names(base_url, tenant),
        keys: &keys,
        asked: pending.and_then(|pending| pending.expected.request.as_deref()),
        authenticated_since: pending.filter(anew).map(|pending| pending.created),
        now: tenants.runtime().now(),
    };
    Ok(response(encoded, &context, trace))
}

type Messages = Vec<(String, Timestamp)>;

fn split(verified: Result<Verified, Refusal>) -> (Result<Identity, Refusal>, Messages) {
    match verified {
        Ok(Verified { identity, messages }) => (Ok(identity), messages),
        Err(refusal) => (Err(refusal), Vec::new()),
    }
}

/// A message that belongs to no provider of the tenant.
async fn nobody(
    tenants: &Tenants,
    tenant: &Tenant,
    refusal: Refusal,
    request: &RequestContext,
) -> Result<Finished, SsoError> {
    let mut event = Event::new(catalogue::LOGIN_FAILED);
    event.outcome = Outcome::Failure;
    crate::authn::links::from_stranger(&mut event, request);
    event.custom_fields.insert("reason".into(), refusal.code().into());
    tenants.record_failed_sign_in(Realm::Tenant(tenant.id), event).await?;
    Ok(Finished::Refused(refusal))
}
