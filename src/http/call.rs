//! Calls: a request with the grant that its route asks for.

use std::sync::Arc;

use actix_web::HttpRequest;

use super::failure::Failure;
use super::input::Input;
use super::limits::{RateClass, Source};
use super::route::Route;
use crate::app::App;
use crate::authn::{self, Authenticated, AuthnError};
use crate::authz::{Caller, Grant, Permission, Principal, Realm, RequestContext};
use crate::crypto::mac;
use crate::crypto::token::API_KEY_PREFIX;
use crate::kernel::{ErrorKind, Timestamp};
use crate::tenants::Tenant;

/// The tenant console's cookie. `__Host-` binds it to this host, path `/` and TLS.
pub const TENANT_COOKIE: &str = "__Host-strongroom";
pub const PLATFORM_COOKIE: &str = "__Host-strongroom-platform";
/// Stands for what was shown of a sign-in that waits for another factor.
pub const TICKET_COOKIE: &str = "__Host-strongroom-ticket";
/// Marks a browser that was sent to an identity provider: only there its answer counts. It comes
/// back with a form from elsewhere (`SameSite=None`).
pub const SSO_COOKIE: &str = "__Host-strongroom-sso";
/// Marks a browser that somebody has signed in with. It opens nothing.
pub const DEVICE_COOKIE: &str = "__Host-strongroom-device";

/// A request to a tenant's data by somebody who may make it.
pub struct Call<P> {
    pub app: Arc<App>,
    pub input: Input,
    pub grant: Grant<P>,
    pub tenant: Tenant,
    /// When the person last proved a factor; nothing for an application with a key.
    pub proven: Option<Timestamp>,
}

/// A request to the platform by somebody who may make it.
pub struct PlatformCall<P> {
    pub app: Arc<App>,
    pub input: Input,
    pub grant: Grant<P>,
    /// When the person last proved a factor.
    pub proven: Timestamp,
}

/// A request that anybody may make.
pub struct OpenCall {
    pub app: Arc<App>,
    pub input: Input,
}

impl<P: Permission> Call<P> {
    /// By API key or access token.
    pub async fn by_bearer(app: Arc<App>, input: Input) -> Result<Self, Failure> {
        let (caller, proven) = bearer(&app, &input).await?;
        let asked = input.path("tenant").to_owned();
        Self::authorized(app, input, caller, proven, &asked).await
    }

    /// By API key, where no path names the tenant: it is the key's own. Not by a person's token, whom
    /// nobody here could ask for a fresh factor.
    pub async fn by_bearer_of_tenant(app: Arc<App>, input: Input) -> Result<Self, Failure> {
        let (caller, proven) = bearer(&app, &input).await?;
        if !matches!(caller.principal, Principal::ApiKey { .. }) {
            let detail = "this takes an API key: people make their changes in the console";
            return Err(Failure::new(ErrorKind::Denied, "forbidden", detail));
        }
        let own = caller.principal.tenant().map(|tenant| tenant.to_string()).unwrap_or_default();
        Self::authorized(app, input, caller, proven, &own).await
    }

    /// By session cookie.
    pub async fn by_session(app: Arc<App>, input: Input) -> Result<Self, Failure> {
        let (caller, proven) = cookie(&app, &input, TENANT_COOKIE).await?;
        let asked = input.path("tenant").to_owned();
        Self::authorized(app, input, caller, Some(proven), &asked).await
    }

    async fn authorized(
        app: Arc<App>,
        input: Input,
        caller: Arc<Caller>,
        proven: Option<Timestamp>,
        asked: &str,
    ) -> Result<Self, Failure> {
        let route = input.route.label();
        let (grant, tenant) = app.tenants.authorize::<P>(&caller, asked, route).await?;
        Ok(Self { app, input, grant, tenant, proven })
    }

    /// A grant for something else that the same person may do on the way, if they may.
    pub fn also<Q: Permission>(&self) -> Option<Grant<Q>> {
        let realm = self.grant.realm();
        crate::authz::authorize::<Q>(self.grant.caller(), realm, self.tenant.state).ok()
    }

    pub fn principal(&self) -> &Principal {
        &self.grant.caller().principal
    }

    /// Whether the same request would be let in now, for what goes on after its answer. Does not
    /// count as a use of the session.
    pub async fn still_stands(&self) -> bool {
        let now = self.app.tenants.tenant_by_id(self.tenant.id);
        now.is_some_and(|tenant| tenant.state == self.tenant.state)
            && same_person(&self.app, &self.input, self.principal()).await
    }
}

impl<P: Permission> PlatformCall<P> {
    pub async fn by_session(app: Arc<App>, input: Input) -> Result<Self, Failure> {
        let (caller, proven) = cookie(&app, &input, PLATFORM_COOKIE).await?;
        let grant = app.tenants.authorize_platform::<P>(&caller, input.route.label()).await?;
        Ok(Self { app, input, grant, proven })
    }

    /// A grant for something else that the same person may do on the way, if they may.
    pub fn also<Q: Permission>(&self) -> Option<Grant<Q>> {
        let realm = self.grant.realm();
        crate::authz::authorize::<Q>(self.grant.caller(), realm, crate::authz::TenantState::Active)
            .ok()
    }

    pub fn principal(&self) -> &Principal {
        &self.grant.caller().principal
    }

    /// Whether the same request would be let in now, for what goes on after its answer. Does not
    /// count as a use of the session.
    pub async fn still_stands(&self) -> bool {
        same_person(&self.app, &self.input, self.principal()).await
    }
}

/// Whether the session, the key or the token is still there, of the same caller in the same role.
async fn same_person(app: &App, input: &Input, before: &Principal) -> bool {
    if input.route.surface.is_for_applications() {
        let Some(bearer) = bearer_token(&input.request) else { return false };
        let now = match Bearer::of(bearer) {
            Bearer::Key => app.api_keys.holder(&app.tenants, bearer, input.context.ip).await,
            Bearer::Token => {
                let held = app.tokens.holder(&app.tenants, app.session_policy(), bearer).await;
                held.map(|held| held.principal)
            }
        };
        return now.is_ok_and(|now| now == *before);
    }
    let now = authn::session_of(&app.tenants, app.session_policy(), before).await;
    now.is_ok_and(|now| now == *before)
}

/// What a bearer's credential looks like.
enum Bearer {
    Key,
    /// A JWT: three parts (RFC 7519).
    Token,
}

impl Bearer {
    fn of(text: &str) -> Self {
        let key = text.starts_with(API_KEY_PREFIX) || text.matches('.').count() != 2;
        if key { Self::Key } else { Self::Token }
    }
}

async fn bearer(app: &App, input: &Input) -> Result<(Arc<Caller>, Option<Timestamp>), Failure> {
    let found = match bearer_token(&input.request) {
        None => Err(AuthnError::Unauthenticated),
        Some(bearer) => match Bearer::of(bearer) {
            Bearer::Key => {
                let key = app.api_keys.authenticate(&app.tenants, bearer, input.context.ip).await;
                key.map(|principal| (principal, None))
            }
            Bearer::Token => {
                let policy = app.session_policy();
                let held = app.tokens.authenticate(&app.tenants, policy, bearer).await;
                held.map(|held| (held.principal, Some(held.proven)))
            }
        },
    };
    let found = recorded(app, &input.request, &input.context, input.route, found).await;
    let (principal, proven) = found?;
    let source = match &principal {
        Principal::ApiKey { id, .. } => Source::Id(*id.bytes()),
        Principal::User { session, .. } => Source::Id(*session.bytes()),
        _ => Source::address(input.context.ip),
    };
    Ok((known(app, input, principal, &source).await?, proven))
}

/// Whether somebody who announces a large body may send anything at all: memory is not for
/// strangers.
pub async fn may_send(
    app: &App,
    route: &Route,
    request: &HttpRequest,
    context: &RequestContext,
) -> Result<(), Failure> {
    let found = match bearer_token(request) {
        None => Err(AuthnError::Unauthenticated),
        Some(bearer) => match Bearer::of(bearer) {
            Bearer::Key => app.api_keys.holder(&app.tenants, bearer, context.ip).await.map(|_| ()),
            Bearer::Token => {
                let policy = app.session_policy();
                app.tokens.holder(&app.tenants, policy, bearer).await.map(|_| ())
            }
        },
    };
    recorded(app, request, context, route, found).await
}

fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A credential that opens nothing is recorded; a request without one is not.
async fn recorded<T>(
    app: &App,
    request: &HttpRequest,
    context: &RequestContext,
    route: &Route,
    found: Result<T, AuthnError>,
) -> Result<T, Failure> {
    match &found {
        Err(AuthnError::Unauthenticated) if request.headers().contains_key("authorization") => {
            app.tenants.record_bad_credential(context, route.label()).await;
        }
        Err(AuthnError::WrongNetwork(key)) => {
            let caller = Caller { principal: (**key).clone(), request: context.clone() };
            app.tenants.record_wrong_network(&Arc::new(caller), route.label()).await;
        }
        _ => {}
    }
    Ok(found?)
}

async fn cookie(app: &App, input: &Input, name: &str) -> Result<(Arc<Caller>, Timestamp), Failure> {
    let cookie = input.cookie(name).ok_or(AuthnError::Unauthenticated)?;
    let Authenticated { principal, proven } =
        authn::session(&app.tenants, app.session_policy(), &cookie).await?;
    let source = match &principal {
        Principal::User { session, .. } | Principal::PlatformAdmin { session, .. } => {
            Source::Id(*session.bytes())
        }
        _ => Source::address(input.context.ip),
    };
    Ok((known(app, input, principal, &source).await?, proven))
}

/// Somebody who is known now, and has not sent too much.
async fn known(
    app: &App,
    input: &Input,
    principal: Principal,
    source: &Source,
) -> Result<Arc<Caller>, Failure> {
    let caller = Arc::new(Caller { principal, request: input.context.clone() });
    let address = Source::address(input.context.ip);
    let source = if input.route.rate == RateClass::Tail { &address } else { source };
    let (state, taken) = app.limiter.take(input.route.rate, source);
    input.rate.set(state);
    let taken =
        taken.and_then(|()| match (input.route.rate.of_tenant(), caller.principal.tenant()) {
            (Some(class @ RateClass::ApiOfTenant), Some(tenant)) => {
                app.limiter.take(class, &Source::Id(*tenant.bytes())).1
            }
            _ => Ok(()),
        });
    if taken.is_err() {
        app.tenants.record_throttled(&caller, input.route.label()).await;
    }
    taken.map(|()| caller)
}

/// Somebody who is not known has not sent too much. Throttled attempts to sign in are recorded.
pub async fn throttle(app: &App, input: &Input) -> Result<(), Failure> {
    let source = Source::address(input.context.ip);
    let (state, taken) = app.limiter.take(input.route.rate, &source);
    input.rate.set(state);
    if !input.route.rate.is_sign_in() {
        return taken;
    }
    let (tenant, route) = (app.tenants.tenant(input.path("tenant")), input.route.label());
    let realm = tenant.map_or(Realm::Platform, |tenant| Realm::Tenant(tenant.id));
    let taken = match taken {
        Ok(()) => throttle_tenant(app, input, realm).await,
        refused => refused,
    };
    if taken.is_err() {
        app.tenants.record_throttled_sign_in(realm, &input.context, route).await;
    }
    taken
}

/// Sign-ins at one tenant, from everywhere. Who is known in their browser gets in while others flood
/// it. However its name or id is spelt, it is one tenant; a name that no tenant has counts like one.
async fn throttle_tenant(app: &App, input: &Input, realm: Realm) -> Result<(), Failure> {
    let place = match realm {
        Realm::Tenant(id) => *id.bytes(),
        Realm::Platform => {
            let mut place = [0; 16];
            place.copy_from_slice(&mac::sha256(input.path("tenant").as_bytes())[..16]);
            place
        }
    };
    let (_, taken) = app.limiter.take(RateClass::SignInOfTenant, &Source::Id(place));
    if taken.is_err() && authn::is_known_to_anybody(&app.tenants, realm, &input.context).await? {
        return Ok(());
    }
    taken
}
