//! Console sessions: an opaque 256-bit token in a cookie, stored as SHA-256.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::AuthnError;
use crate::args;
use crate::audit::{Event, catalogue, event::Resource};
use crate::authz::{Caller, Principal, Realm, RequestContext, Role};
use crate::crypto::Field;
use crate::crypto::token::Token;
use crate::kernel::Timestamp;
use crate::kernel::id::{AdminId, KeyId, SessionId, TenantId, UserId};
use crate::store::{Row, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, ReadTx, RealmTx, SystemWrite, Tenants, WriteTx};

/// The platform has no tenant id; its tokens carry this one.
pub const PLATFORM: TenantId = TenantId::from_bytes([0; 16]);
/// A session's last use is written down when it is older than this.
const SEEN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
pub struct SessionPolicy {
    pub idle: Duration,
    pub absolute: Duration,
}

/// A new session: the cookie's value, and who signed in.
pub struct SignedIn {
    pub cookie: Zeroizing<String>,
    pub principal: Principal,
}

/// Which tables hold the people and sessions of a realm.
pub(super) const fn tables(realm: Realm) -> (&'static str, &'static str) {
    match realm {
        Realm::Platform => ("admins", "admin_sessions"),
        Realm::Tenant(_) => ("users", "sessions"),
    }
}

/// The person behind a cookie.
///
/// # Errors
/// [`AuthnError::Unauthenticated`] for anything but a session that is valid now.
pub async fn session(
    tenants: &Tenants,
    policy: SessionPolicy,
    cookie: &str,
) -> Result<Principal, AuthnError> {
    let (realm, (principal, session, _, seen)) = valid(tenants, policy, cookie).await?;
    let now = tenants.runtime().now();
    if now.since(seen) >= SEEN {
        let write = tenants.system_write(realm, SystemWrite::SessionSeen, move |tx| {
            let sql = format!("UPDATE {} SET seen = $1 WHERE id = $2", tables(realm).1);
            tx.execute(&sql, args![now, session])?;
            Ok(())
        });
        write.await?;
    }
    Ok(principal)
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
    let (_, (principal, ..)) = valid(tenants, policy, cookie).await?;
    Ok(principal)
}

async fn valid(
    tenants: &Tenants,
    policy: SessionPolicy,
    cookie: &str,
) -> Result<(Realm, Found), AuthnError> {
    let token = Token::parse(cookie, "").ok_or(AuthnError::Unauthenticated)?;
    let realm = match token.tenant() {
        PLATFORM => Realm::Platform,
        tenant => Realm::Tenant(tenant),
    };
    if let Realm::Tenant(id) = realm
        && tenants.tenant_by_id(id).is_none()
    {
        return Err(AuthnError::Unauthenticated);
    }
    let hash = token.hash();
    let found = tenants.credentials(realm, move |tx| find(tx, realm, &hash)).await?;
    let (_, _, created, seen) = &found;
    let now = tenants.runtime().now();
    if now.since(*seen) >= policy.idle || now.since(*created) >= policy.absolute {
        return Err(AuthnError::Unauthenticated);
    }
    Ok((realm, found))
}

type Found = (Principal, SessionId, Timestamp, Timestamp);

fn find(tx: &ReadTx<'_>, realm: Realm, hash: &[u8; 32]) -> Result<Found, AuthnError> {
    let (people, sessions) = tables(realm);
    let role = if realm == Realm::Platform { "''" } else { "p.role" };
    let sql = format!(
        "SELECT s.id, s.created, s.seen, p.id, p.subject, p.name, {role}
         FROM {sessions} s JOIN {people} p ON p.id = s.user
         WHERE s.token_hash = $1 AND p.state = 'active'"
    );
    let row = tx.query_one(&sql, args![hash], read_row)?.ok_or(AuthnError::Unauthenticated)?;
    let name = person_name(tx, realm, row.person, &row.name)?;
    let principal = match realm {
        Realm::Platform => Principal::PlatformAdmin {
            id: AdminId::from_bytes(row.person),
            session: row.session,
            subject: row.subject,
            name,
        },
        Realm::Tenant(tenant) => Principal::User {
            tenant,
            id: UserId::from_bytes(row.person),
            session: row.session,
            subject: row.subject,
            name,
            role: row.role.parse().map_err(|_| AuthnError::Unauthenticated)?,
        },
    };
    Ok((principal, row.session, row.created, row.seen))
}

pub(super) fn person_name(
    tx: &impl RealmTx,
    realm: Realm,
    person: [u8; 16],
    sealed: &[u8],
) -> Result<String, AuthnError> {
    let field = if realm == Realm::Platform { Field::AdminName } else { Field::UserName };
    Ok(tx.open_text(field, &person, sealed)?.unwrap_or_default())
}

struct SessionRow {
    session: SessionId,
    created: Timestamp,
    seen: Timestamp,
    person: [u8; 16],
    subject: KeyId,
    name: Vec<u8>,
    role: String,
}

fn read_row(row: &Row<'_>) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        session: row.get(0)?,
        created: row.get(1)?,
        seen: row.get(2)?,
        person: row.get(3)?,
        subject: row.get(4)?,
        name: row.get(5)?,
        role: row.get(6)?,
    })
}

/// Starts a session for somebody who has proven who they are, and records the sign-in. Older
/// sessions stay; the token is new with every sign-in.
pub(super) async fn start(
    tenants: &Tenants,
    realm: Realm,
    person: super::sign_in::Person,
    request: RequestContext,
) -> Result<SignedIn, AuthnError> {
    let runtime = tenants.runtime();
    let owner = match realm {
        Realm::Platform => PLATFORM,
        Realm::Tenant(tenant) => tenant,
    };
    let token = Token::generate(owner, runtime.random.as_ref());
    let session: SessionId = runtime.id();
    let principal = person.principal(realm, session);
    let caller = Arc::new(Caller { principal: principal.clone(), request: request.clone() });
    let (hash, now) = (token.hash(), runtime.now());
    let client = client(&request);
    let write = tenants.change_credentials(realm, Some(caller), move |tx| {
        insert(tx, realm, session, &hash, &person, &client, now)?;
        let mut created = Event::new(catalogue::SESSION_CREATED);
        created.resource = Some(Resource::new("session", session.to_string()));
        Ok::<_, AuthnError>((
            (),
            crate::tenants::AuditEvents::from(Event::new(catalogue::LOGIN_SUCCEEDED)).and(created),
        ))
    });
    write.await?;
    Ok(SignedIn { cookie: token.reveal(""), principal })
}

fn insert(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    session: SessionId,
    hash: &[u8; 32],
    person: &super::sign_in::Person,
    client: &str,
    now: Timestamp,
) -> Result<(), AuthnError> {
    let (people, sessions) = tables(realm);
    // While the password was being checked it may have been changed, or the person disabled.
    let sql = format!(
        "SELECT count(*) FROM {people} WHERE id = $1 AND password = $2 AND state = 'active'"
    );
    let who = crate::store::Value::Id(person.id);
    if tx.count(&sql, args![who, &person.password])? == 0 {
        return Err(AuthnError::WrongPassword);
    }
    let client =
        tx.seal(Field::SessionClient, session.bytes(), Some(person.subject), client.as_bytes())?;
    let user = crate::store::Value::Id(person.id);
    let sql = format!(
        "INSERT INTO {sessions} (id, token_hash, user, created, seen, client)
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    tx.execute(&sql, args![session, hash, user, now, now, &client])?;
    tx.execute(&format!("UPDATE {people} SET signed_in = $1 WHERE id = $2"), args![now, user])?;
    Ok(())
}

/// Where a session was started from, for the person's own list.
fn client(request: &RequestContext) -> String {
    let ip = request.ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
    let agent = request.user_agent.as_deref().unwrap_or_default();
    serde_json::json!({ "ip": ip, "userAgent": agent }).to_string()
}

/// Ends the caller's own session: it is gone on every connection at once.
pub async fn end_session(tenants: &Tenants, caller: &Arc<Caller>) -> Result<(), DoorError> {
    let (realm, session) = match &caller.principal {
        Principal::User { tenant, session, .. } => (Realm::Tenant(*tenant), *session),
        Principal::PlatformAdmin { session, .. } => (Realm::Platform, *session),
        _ => return Ok(()),
    };
    let write = tenants.change_credentials(realm, Some(caller.clone()), move |tx| {
        let sql = format!("DELETE FROM {} WHERE id = $1", tables(realm).1);
        tx.execute(&sql, args![session])?;
        let mut ended = Event::new(catalogue::SESSION_ENDED);
        ended.resource = Some(Resource::new("session", session.to_string()));
        let logout = Event::new(catalogue::LOGOUT);
        Ok::<_, DoorError>(((), crate::tenants::AuditEvents::from(logout).and(ended)))
    });
    write.await.map(|_| ())
}

impl super::sign_in::Person {
    fn principal(&self, realm: Realm, session: SessionId) -> Principal {
        let (subject, name) = (self.subject, self.name.clone());
        match realm {
            Realm::Platform => Principal::PlatformAdmin {
                id: AdminId::from_bytes(self.id),
                session,
                subject,
                name,
            },
            Realm::Tenant(tenant) => {
                let role = self.role.unwrap_or(Role::Viewer);
                Principal::User {
                    tenant,
                    id: UserId::from_bytes(self.id),
                    session,
                    subject,
                    name,
                    role,
                }
            }
        }
    }
}
