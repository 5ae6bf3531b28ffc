//! What the browser brings back from a provider.

use secrecy::ExposeSecret;

use super::exchange::{ask_userinfo, exchange};
use super::{Oidc, callback_url, settings};
use crate::authn::oidc::{self, AuthorizationResponse, Expectation, RESPONSE_ADDRESS};
use crate::authn::sso::{Identity, Refusal, Trace};
use crate::kernel::id::ProviderId;
use crate::sso::{Answer, Found, Pending, Purpose, SsoError, find, requests};
use crate::tenants::{Tenant, Tenants};

pub enum Answered {
    /// For [`finish`](crate::sso::finish()).
    Heard(Box<Answer>),
    /// It belongs to nothing that was asked.
    Unknown(Refusal),
}

/// What came to the address of a provider's answers.
pub struct Returned<'a> {
    /// Whose address it is.
    pub provider: ProviderId,
    pub query: &'a str,
    /// The value of the cookie that marks the browser.
    pub browser: Option<&'a str>,
}

/// From what stands in the callback's address to an identity or a refusal.
pub async fn answer(
    oidc: &Oidc,
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    came: Returned<'_>,
) -> Result<Answered, SsoError> {
    let Some(response) = AuthorizationResponse::parse(came.query) else {
        return Ok(Answered::Unknown(Refusal::Malformed));
    };
    let state = response.state.as_deref().unwrap_or_default();
    let pending = match requests::take(tenants, tenant, state, came.browser).await? {
        Ok(pending) => pending,
        Err(refusal) => return Ok(Answered::Unknown(refusal)),
    };
    let Some(found) = find(tenants, tenant, pending.provider).await? else {
        return Ok(Answered::Unknown(Refusal::ProviderOff));
    };
    let mut trace = Trace::default();
    let conversation = Conversation { oidc, tenants, base_url, tenant, found: &found };
    let heard = match is_its_own(came.provider, &pending, &mut trace) {
        Ok(()) => conversation.hear(&response, &pending, &mut trace).await,
        Err(refusal) => Err(refusal.into()),
    };
    let result = match heard {
        Ok(identity) => Ok(identity),
        Err(SsoError::Refused(refusal)) => Err(refusal),
        Err(broken) => return Err(broken),
    };
    if let Err(refusal) = result {
        trace.refusal.get_or_insert(refusal);
    }
    // Nothing to remember: the code works once there, and the nonce once here.
    let (pending, messages) = (Some(pending), Vec::new());
    Ok(Answered::Heard(Box::new(Answer { found, pending, result, messages, trace })))
}

/// The provider that was asked answers to its own address. A code that came to another one's is that
/// one's, and not shown to the provider that was asked: it could be in league with whoever wants it.
fn is_its_own(came_to: ProviderId, asked: &Pending, trace: &mut Trace) -> Result<(), Refusal> {
    if came_to == asked.provider {
        trace.passed(RESPONSE_ADDRESS, came_to.to_string());
        return Ok(());
    }
    let (found, expected) = (Some(came_to.to_string()), Some(asked.provider.to_string()));
    Err(trace.refused(RESPONSE_ADDRESS, Refusal::IssuerWrong, found, expected))
}

struct Conversation<'a> {
    oidc: &'a Oidc,
    tenants: &'a Tenants,
    base_url: &'a str,
    tenant: &'a Tenant,
    found: &'a Found,
}

impl Conversation<'_> {
    async fn hear(
        &self,
        response: &AuthorizationResponse,
        pending: &Pending,
        trace: &mut Trace,
    ) -> Result<Identity, SsoError> {
        let (settings, runtime) = (settings(self.found)?, self.tenants.runtime());
        let talk = self.oidc.talk(runtime, self.found, settings, trace).await?;
        let mut known = talk.known(false, trace).await?;
        let code = response.code(&known.description, settings, trace)?;
        let callback = callback_url(self.base_url, self.tenant, self.found.provider.id);
        let secret = self.found.secret.as_ref();
        let client = oidc::client(&known.description, settings, secret, callback)?;
        let expected = &pending.expected;
        // Both are there, or this was never asked by OpenID Connect.
        let (nonce, verifier) =
            expected.nonce.as_deref().zip(expected.verifier.as_deref()).ok_or(Refusal::NotAsked)?;
        let tokens = exchange(&talk.fetcher, &client, code, verifier, trace).await?;
        talk.keys_for(&mut known, &tokens.id_token, trace).await?;
        let expectation = Expectation {
            settings,
            nonce,
            code,
            access_token: tokens.access_token.as_ref().map(ExposeSecret::expose_secret),
            anew_since: (pending.purpose == Purpose::Confirm).then_some(pending.created),
            now: runtime.now(),
        };
        let claims = oidc::id_token(&tokens.id_token, &known.keys, &expectation, trace)?;
        let userinfo = match settings.userinfo {
            true => {
                let (description, keys) = (&known.description, &known.keys);
                let about = (&tokens, &claims);
                Some(ask_userinfo(&talk.fetcher, description, keys, settings, about, trace).await?)
            }
            false => None,
        };
        Ok(oidc::identity(&tokens.id_token, claims, userinfo, trace)?)
    }
}
