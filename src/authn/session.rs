//! Console sessions: an opaque 256-bit token in a cookie, stored as SHA-256.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::admission::{Client, Factors, Proof};
use super::person::{Person, tables};
use super::policy::SignInPolicy;
use super::sso::Vouched;
use super::{AuthnError, links};
use crate::args;
use crate::audit::{Event, catalogue, event::Resource};
use crate::authz::{Caller, Principal, Realm, RequestContext};
use crate::crypto::Field;
use crate::crypto::token::Token;
use crate::kernel::id::{DeviceId, SessionId, TenantId};
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, DoorError, ReadTx, SystemWrite, Tenants, WriteTx};

/// The platform has no tenant id; its tokens carry this one.
pub const PLATFORM: TenantId = TenantId::from_bytes([0; 16]);

/// What the tokens of a realm carry.
pub(super) const fn owner(realm: Realm) -> TenantId {
    match realm {
        Realm::Platform => PLATFORM,
        Realm::Tenant(tenant) => tenant,
    }
}

/// A session's last use is written down when it is older than this.
pub(super) const SEEN: Duration = Duration::from_secs(60);

/// The installation's own times; a tenant's policy may set others.
#[derive(Clone, Copy)]
pub struct SessionPolicy {
    pub idle: Duration,
    pub absolute: Duration,
}

/// The token in a session's cookie. It is another one whenever the person has proven again who they
/// are; what stands behind the dot stays, so that forms that are open in other windows go on working.
fn token(cookie: &str) -> Option<Token> {
    Token::parse(cookie.split_once('.').map_or(cookie, |(token, _)| token), "")
}

/// What a session's forms are bound to: as secret as the rest of its cookie.
pub fn form_binding(cookie: &str) -> &str {
    cookie.split_once('.').map_or(cookie, |(_, binding)| binding)
}

/// A new session: the cookie's value, and who signed in.
pub struct SignedIn {
    pub cookie: Zeroizing<String>,
    pub principal: Principal,
    pub session: SessionId,
    /// The value of the cookie that marks the browser; an application has none.
    pub device: Option<Zeroizing<String>>,
}

/// Somebody with a session.
#[derive(Clone)]
pub struct Authenticated {
    pub principal: Principal,
    /// When they last proved a factor.
    pub proven: Timestamp,
}

/// The person behind a cookie.
///
/// # Errors
/// [`AuthnError::Unauthenticated`] for anything but a session that is valid now.
pub async fn session(
    tenants: &Tenants,
    policy: SessionPolicy,
    cookie: &str,
) -> Result<Authenticated, AuthnError> {
    let (realm, found) = valid(tenants, policy, cookie).await?;
    let (now, session) = (tenants.runtime().now(), found.session);
    if now.since(found.seen) >= SEEN {
        let write = tenants.system_write(realm, SystemWrite::SessionSeen, move |tx| {
            let sql = format!("UPDATE {} SET seen = $1 WHERE id = $2", tables(realm).1);
            tx.execute(&sql, args![now, session])?;
            Ok(())
        });
        write.await?;
    }
    Ok(found.who)
}

/// The person behind a cookie, asked for without using the session: looking does not keep it alive.
///
/// # Errors
/// As for [`session`].
pub async fn session_holder(
    tenants: &Tenants,
    policy: SessionPolicy,
    cookie: &str,
) -> Result<Principal, AuthnError> {
    let (_, found) = valid(tenants, policy, cookie).await?;
    Ok(found.who.principal)
}

/// The person of a session that was theirs before, whatever its cookie says meanwhile. Looking does
/// not keep it alive.
///
/// # Errors
/// As for [`session`].
pub async fn session_of(
    tenants: &Tenants,
    policy: SessionPolicy,
    before: &Principal,
) -> Result<Principal, AuthnError> {
    let (realm, session) = match before {
        Principal::User { tenant, session, .. } => (Realm::Tenant(*tenant), *session),
        Principal::PlatformAdmin { session, .. } => (Realm::Platform, *session),
        _ => return Err(AuthnError::Unauthenticated),
    };
    let now = tenants.runtime().now();
    let look =
        move |tx: &ReadTx<'_>| find(tx, realm, "id", Value::Id(*session.bytes()), policy, now);
    Ok(tenants.credentials(realm, look).await?.who.principal)
}

/// The person of a session of a tenant's console that was there a moment ago, by its id. Whoever asks
/// has seen to it that the browser is the same.
pub async fn principal_of(
    tenants: &Tenants,
    tenant: TenantId,
    session: SessionId,
) -> Result<Option<Principal>, AuthnError> {
    let realm = Realm::Tenant(tenant);
    let look = tenants.credentials(realm, move |tx| {
        let sql = "SELECT user FROM sessions WHERE id = $1 AND client_kind = 'browser'";
        let person = tx.query_one(sql, args![session], |row| row.get(0))?;
        let Some(person) = person else { return Ok(None) };
        let person = Person::by_id(tx, realm, person)?.filter(|person| person.active);
        Ok(person.map(|person| person.principal(realm, session)))
    });
    look.await
}

struct Found {
    who: Authenticated,
    session: SessionId,
    seen: Timestamp,
}

async fn valid(
    tenants: &Tenants,
    installation: SessionPolicy,
    cookie: &str,
) -> Result<(Realm, Found), AuthnError> {
    let token = token(cookie).ok_or(AuthnError::Unauthenticated)?;
    let realm = match token.tenant() {
        PLATFORM => Realm::Platform,
        tenant => Realm::Tenant(tenant),
    };
    if let Realm::Tenant(id) = realm
        && tenants.tenant_by_id(id).is_none()
    {
        return Err(AuthnError::Unauthenticated);
    }
    let (hash, now) = (token.hash(), tenants.runtime().now());
    let look =
        move |tx: &ReadTx<'_>| find(tx, realm, "token_hash", Value::Blob(&hash), installation, now);
    Ok((realm, tenants.credentials(realm, look).await?))
}

fn find(
    tx: &ReadTx<'_>,
    realm: Realm,
    column: &str,
    value: Value<'_>,
    installation: SessionPolicy,
    now: Timestamp,
) -> Result<Found, AuthnError> {
    let sql = format!(
        "SELECT id, created, seen, proven, user, factors FROM {}
         WHERE {column} = $1 AND client_kind = 'browser'",
        tables(realm).1
    );
    let row = tx.query_one(&sql, &[value], |row| {
        let times = (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((row.get(0)?, times, row.get(4)?, row.get::<String>(5)?))
    })?;
    let (session, (created, seen, proven), person, factors): (_, (Timestamp, Timestamp, _), _, _) =
        row.ok_or(AuthnError::Unauthenticated)?;
    let times = installation.of(&SignInPolicy::read(tx)?);
    if now.since(seen) >= times.idle || now.since(created) >= times.absolute {
        return Err(AuthnError::Unauthenticated);
    }
    let person = Person::by_id(tx, realm, person)?.filter(|person| person.active);
    let person = person.ok_or(AuthnError::Unauthenticated)?;
    // A session from before a second factor was needed would be a path around it.
    let factors = Factors::parse(&factors);
    if !factors.are_enough(tx, realm, &person)? {
        return Err(AuthnError::Unauthenticated);
    }
    if factors.are_of_a_provider() && Vouched::is_over(tx, session, now)? {
        return Err(AuthnError::Unauthenticated);
    }
    let who = Authenticated { principal: person.principal(realm, session), proven };
    Ok(Found { who, session, seen })
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self { idle: limits::SESSION_IDLE, absolute: limits::SESSION_ABSOLUTE }
    }
}

impl SessionPolicy {
    /// With what a tenant has set for itself.
    pub fn of(self, policy: &SignInPolicy) -> Self {
        let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
        Self {
            idle: policy.idle_minutes.map_or(self.idle, minutes),
            absolute: policy.absolute_hours.map_or(self.absolute, |hours| minutes(hours) * 60),
        }
    }
}

/// Begins a session, for somebody who was admitted.
pub(super) fn insert(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    session: SessionId,
    hash: &[u8; 32],
    person: &Person,
    device: Option<DeviceId>,
    proof: &Proof,
) -> Result<AuditEvents, AuthnError> {
    let (people, sessions) = tables(realm);
    let (user, now) = (Value::Id(person.id), tx.runtime().now());
    let (factors, client) = (proof.factors.names(), origin(&proof.request));
    let client =
        tx.seal(Field::SessionClient, session.bytes(), Some(person.subject), client.as_bytes())?;
    let sql = format!(
        "INSERT INTO {sessions}
             (id, token_hash, user, created, seen, client, client_kind, factors, proven, device)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    let kind = proof.client.name();
    tx.execute(&sql, args![session, hash, user, now, now, &client, kind, &factors, now, device])?;
    if let Some(vouched) = &proof.vouched {
        vouched.remember(tx, session, person)?;
    }
    tx.execute(&format!("UPDATE {people} SET signed_in = $1 WHERE id = $2"), args![now, user])?;
    let mut created = Event::new(catalogue::SESSION_CREATED);
    created.resource = Some(Resource::new("session", session.to_string()));
    created.custom_fields.insert("client".into(), kind.into());
    created.custom_fields.insert("factors".into(), factors.into());
    if let Some(vouched) = &proof.vouched {
        created.custom_fields.insert("provider".into(), vouched.provider.to_string().into());
    }
    let begun = AuditEvents::from(Event::new(catalogue::LOGIN_SUCCEEDED)).and(created);
    Ok(match proof.client {
        Client::Browser => begun,
        Client::Api => {
            let mut issued = Event::new(catalogue::TOKEN_ISSUED);
            issued.resource = Some(Resource::new("session", session.to_string()));
            begun.and(issued)
        }
    })
}

/// Ends the session that the browser has had: its cookie is overwritten, so nobody could end it any
/// more, and whoever had put it there gets no further with it.
pub(super) fn replace(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    cookie: Option<&str>,
) -> Result<AuditEvents, AuthnError> {
    let Some(token) = cookie.and_then(token) else {
        return Ok(AuditEvents::none());
    };
    let sessions = tables(realm).1;
    let sql = format!("SELECT id FROM {sessions} WHERE token_hash = $1");
    let found = tx.query_one(&sql, args![&token.hash()], |row| row.get::<SessionId>(0))?;
    let Some(session) = found else { return Ok(AuditEvents::none()) };
    tx.execute(&format!("DELETE FROM {sessions} WHERE id = $1"), args![session])?;
    let mut ended = Event::new(catalogue::SESSION_ENDED);
    ended.resource = Some(Resource::new("session", session.to_string()));
    ended.custom_fields.insert("cause".into(), "replaced".into());
    Ok(ended.into())
}

/// The same for a session of another tenant: the tenants' consoles share a cookie. The sign-in
/// stands in any case.
pub(super) async fn end_elsewhere(
    tenants: &Tenants,
    signed_in_to: Realm,
    cookie: &str,
    request: &RequestContext,
) {
    let Some(token) = token(cookie) else { return };
    let realm = Realm::Tenant(token.tenant());
    if realm == signed_in_to || tenants.tenant_by_id(token.tenant()).is_none() {
        return;
    }
    let hash = token.hash();
    let look = tenants.credentials(realm, move |tx| {
        let sql = format!("SELECT id, user FROM {} WHERE token_hash = $1", tables(realm).1);
        let found = tx.query_one(&sql, args![&hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((session, person)) = found else { return Ok(None) };
        let person = Person::by_id(tx, realm, person)?;
        Ok::<_, AuthnError>(person.map(|person| person.principal(realm, session)))
    });
    let ended = match look.await {
        Ok(Some(principal)) => {
            let caller = Arc::new(Caller { principal, request: request.clone() });
            end_session(tenants, &caller).await.map_err(AuthnError::from)
        }
        other => other.map(|_| ()),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "the session that a browser has had was not ended");
    }
}

/// Ends all that somebody holds but one session: sessions, sign-ins under way. Tokens and live
/// connections go with their sessions.
pub fn end_all<P>(
    tx: &mut WriteTx<'_, P>,
    realm: Realm,
    person: [u8; 16],
    except: Option<SessionId>,
) -> Result<usize, DoorError> {
    let sessions = tables(realm).1;
    links::end_all_of(tx, person)?;
    let person = Value::Id(person);
    tx.execute("DELETE FROM sign_ins WHERE person = $1", args![person])?;
    tx.execute("DELETE FROM enrolments WHERE person = $1", args![person])?;
    let ended = match except {
        Some(kept) => {
            let sql = format!("DELETE FROM {sessions} WHERE user = $1 AND id <> $2");
            tx.execute(&sql, args![person, kept])?
        }
        None => tx.execute(&format!("DELETE FROM {sessions} WHERE user = $1"), args![person])?,
    };
    Ok(ended)
}

/// Where a session was started from, for the person's own list.
pub(super) fn origin(request: &RequestContext) -> String {
    let ip = request.ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
    let agent = request.user_agent.as_deref().unwrap_or_default();
    serde_json::json!({ "ip": ip, "userAgent": agent }).to_string()
}

/// The person who asks, and the session in which they do; nothing for anybody without one.
pub fn holder(principal: &Principal) -> Option<([u8; 16], SessionId)> {
    match principal {
        Principal::User { id, session, .. } => Some((*id.bytes(), *session)),
        Principal::PlatformAdmin { id, session, .. } => Some((*id.bytes(), *session)),
        _ => None,
    }
}

/// Ends the caller's own session: it is gone on every connection at once.
pub async fn end_session(tenants: &Tenants, caller: &Arc<Caller>) -> Result<(), DoorError> {
    let Some((_, session)) = holder(&caller.principal) else { return Ok(()) };
    let realm = caller.principal.tenant().map_or(Realm::Platform, Realm::Tenant);
    let write = tenants.change_credentials(realm, Some(caller.clone()), move |tx| {
        let sql = format!("DELETE FROM {} WHERE id = $1", tables(realm).1);
        tx.execute(&sql, args![session])?;
        let mut ended = Event::new(catalogue::SESSION_ENDED);
        ended.resource = Some(Resource::new("session", session.to_string()));
        let logout = Event::new(catalogue::LOGOUT);
        Ok::<_, DoorError>(((), AuditEvents::from(logout).and(ended)))
    });
    write.await.map(|_| ())
}
