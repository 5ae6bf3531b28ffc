//! Single logout, both ways (saml-profiles 4.4), over the browser.

use zeroize::Zeroizing;

use super::outbound::{away, message_id};
use super::settings;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::saml::{
    Carried, Context, Header, LogoutAnswer, LogoutRequest, NewLogout, SamlSettings, Way,
    logout_request, logout_response, unverified_issuer,
};
use crate::authn::sso::{Refusal, Trace, Vouched};
use crate::authz::{Realm, RequestContext};
use crate::kernel::id::ProviderId;
use crate::sso::keys::{self, ServiceKeys};
use crate::sso::logout::{Departed, end};
use crate::sso::requests::{self, Expected, NewRequest};
use crate::sso::{Found, Purpose, SendAway, SsoError, find, find_saml, repo};
use crate::tenants::{Tenant, Tenants};

/// Tells a provider that somebody has signed out here.
pub async fn sign_out(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    found: &Found,
    vouched: &Vouched,
    browser: Zeroizing<String>,
) -> Result<Option<SendAway>, SsoError> {
    let settings = settings(found)?;
    let Some(destination) = &settings.sign_out_url else { return Ok(None) };
    let id = message_id(tenants.runtime());
    let new = NewRequest {
        provider: found.provider.id,
        purpose: Purpose::Logout,
        browser,
        session: None,
        expected: Expected { request: Some(id.clone()), ..Expected::default() },
    };
    let state = requests::remember(tenants, tenant, new).await?;
    let ours = Ours::of(tenants, base_url, tenant).await?;
    let name = vouched.session.name.as_deref().unwrap_or(&vouched.subject);
    let way = Way {
        binding: settings.sign_out_binding,
        destination,
        relay_state: Some(&state),
        key: Some(ours.keys.signing()?),
    };
    let logout = NewLogout { name, session: &vouched.session };
    away(logout.send(ours.header(tenants, &id), &way)).map(Some)
}

/// Our end of a conversation about logouts.
struct Ours {
    keys: ServiceKeys,
    service: crate::authn::saml::ServiceNames,
}

impl Ours {
    async fn of(tenants: &Tenants, base_url: &str, tenant: &Tenant) -> Result<Self, SsoError> {
        let keys = keys::of_service(tenants, base_url, tenant).await?;
        Ok(Self { keys, service: keys::service_names(base_url, tenant) })
    }

    fn header<'a>(&'a self, tenants: &Tenants, id: &'a str) -> Header<'a> {
        Header { id, issued: tenants.runtime().now(), issuer: &self.service.entity_id }
    }
}

/// A message that came to our address for logouts.
pub struct Posted<'a> {
    pub message: Carried<'a>,
    pub is_request: bool,
    pub relay_state: Option<&'a str>,
    /// The value of the cookie that marks the browser.
    pub browser: Option<&'a str>,
}

/// What the browser gets for it.
pub enum LoggedOut {
    /// Our answer, on its way to the provider.
    Away(SendAway),
    /// Back from the provider; whether the person is signed out there as well.
    Back {
        complete: bool,
    },
    Refused(Refusal),
}

/// Ends the sessions that a provider says are over, or takes its answer to a logout of ours. Needs no
/// session and no cookie of ours for the former: the provider's signature is what counts.
pub async fn logged_out(
    tenants: &Tenants,
    base_url: &str,
    tenant: &Tenant,
    posted: Posted<'_>,
    request: &RequestContext,
) -> Result<LoggedOut, SsoError> {
    let desk = Desk { tenants, base_url, tenant, request };
    match posted.is_request {
        true => desk.requested(posted).await,
        false => desk.answered(posted).await,
    }
}

struct Desk<'a> {
    tenants: &'a Tenants,
    base_url: &'a str,
    tenant: &'a Tenant,
    request: &'a RequestContext,
}

impl Desk<'_> {
    async fn requested(&self, posted: Posted<'_>) -> Result<LoggedOut, SsoError> {
        let found = match unverified_issuer(posted.message) {
            Ok(issuer) => find_saml(self.tenants, self.tenant, &issuer).await?,
            Err(refusal) => return self.refused(None, refusal).await,
        };
        let Some(found) = found else {
            return self.refused(None, Refusal::IssuerUnknown).await;
        };
        let (provider, settings) = (found.provider.id, settings(&found)?);
        let ours = Ours::of(self.tenants, self.base_url, self.tenant).await?;
        let opening = ours.keys.opening()?;
        let context = self.context(settings, &ours, &opening, None);
        let asked = match logout_request(posted.message, &context, &mut Trace::default()) {
            Ok(asked) => asked,
            Err(refusal) => return self.refused(Some(provider), refusal).await,
        };
        if let Err(refusal) = self.end(provider, settings, &asked).await? {
            return self.refused(Some(provider), refusal).await;
        }
        let destination =
            settings.sign_out_response_url.as_ref().or(settings.sign_out_url.as_ref());
        let Some(destination) = destination else {
            return Ok(LoggedOut::Back { complete: true });
        };
        let way = Way {
            binding: settings.sign_out_binding,
            destination,
            relay_state: asked.relay_state.as_deref().or(posted.relay_state),
            key: Some(ours.keys.signing()?),
        };
        let id = message_id(self.tenants.runtime());
        let answer = LogoutAnswer { request: &asked.id, done: true };
        let header = ours.header(self.tenants, &id);
        Ok(LoggedOut::Away(away(answer.send(header, &way))?))
    }

    /// In one transaction: the message is used up, and the sessions are gone.
    async fn end(
        &self,
        provider: ProviderId,
        settings: &SamlSettings,
        asked: &LogoutRequest,
    ) -> Result<Result<(), Refusal>, SsoError> {
        let (asked, by_other_name) = (asked.clone(), settings.subject_attribute.is_some());
        let write = self.tenants.change_credentials(self.realm(), None, move |tx| {
            for (message, until) in &asked.messages {
                if !repo::use_up(tx, provider, message, *until)? {
                    return Err(SsoError::Refused(Refusal::Replayed));
                }
            }
            let (name, sessions) = (asked.subject.as_str(), asked.sessions.as_slice());
            let departed = Departed { provider, name, sessions, by_other_name };
            Ok(((), end(tx, &departed)?))
        });
        match write.await {
            Ok(_) => Ok(Ok(())),
            Err(SsoError::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error),
        }
    }

    async fn answered(&self, posted: Posted<'_>) -> Result<LoggedOut, SsoError> {
        let state = posted.relay_state.unwrap_or_default();
        let taken = requests::take(self.tenants, self.tenant, state, posted.browser).await?;
        let pending = match taken {
            Ok(pending) if pending.purpose == Purpose::Logout => pending,
            Ok(pending) => return self.refused(Some(pending.provider), Refusal::NotAsked).await,
            Err(refusal) => return self.refused(None, refusal).await,
        };
        let Some(found) = find(self.tenants, self.tenant, pending.provider).await? else {
            return self.refused(Some(pending.provider), Refusal::ProviderOff).await;
        };
        let ours = Ours::of(self.tenants, self.base_url, self.tenant).await?;
        let opening = ours.keys.opening()?;
        let asked = pending.expected.request.as_deref();
        let context = self.context(settings(&found)?, &ours, &opening, asked);
        match logout_response(posted.message, &context, &mut Trace::default()) {
            Ok(answer) => Ok(LoggedOut::Back { complete: answer.complete }),
            // The session here is over all the same.
            Err(refusal) => {
                self.record(Some(pending.provider), refusal).await?;
                Ok(LoggedOut::Back { complete: false })
            }
        }
    }

    fn context<'a>(
        &self,
        settings: &'a SamlSettings,
        ours: &'a Ours,
        keys: &'a [crate::authn::saml::PrivateKey],
        asked: Option<&'a str>,
    ) -> Context<'a> {
        Context {
            settings,
            service: &ours.service,
            keys,
            asked,
            authenticated_since: None,
            now: self.tenants.runtime().now(),
        }
    }

    async fn refused(
        &self,
        provider: Option<ProviderId>,
        refusal: Refusal,
    ) -> Result<LoggedOut, SsoError> {
        self.record(provider, refusal).await?;
        Ok(LoggedOut::Refused(refusal))
    }

    async fn record(&self, provider: Option<ProviderId>, refusal: Refusal) -> Result<(), SsoError> {
        let mut event = Event::new(catalogue::SSO_REFUSED);
        event.outcome = Outcome::Failure;
        crate::authn::links::from_stranger(&mut event, self.request);
        if let Some(provider) = provider {
            event.resource = Some(Resource::new("identity_provider", provider.to_string()));
            event.custom_fields.insert("provider".into(), provider.to_string().into());
        }
        event.custom_fields.insert("reason".into(), refusal.code().into());
        self.tenants.record_failed_sign_in(self.realm(), event).await?;
        Ok(())
    }

    fn realm(&self) -> Realm {
        Realm::Tenant(self.tenant.id)
    }
}
