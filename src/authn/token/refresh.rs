//! Exchanging a refresh token for new tokens. It works once: one that comes again was copied, by
//! whoever sent it first or second, so its session ends.

use std::sync::Arc;

use super::Tokens;
use super::issue::{REFRESH_PREFIX, TokenPair};
use super::standing::Standing;
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::person::Person;
use crate::authn::{AuthnError, SessionPolicy};
use crate::authz::{Caller, Principal, Realm, RequestContext};
use crate::crypto::token::Token;
use crate::kernel::Timestamp;
use crate::kernel::id::{SessionId, TenantId};
use crate::store::{Sql, SqlMut, Value};
use crate::tenants::{AuditEvents, ReadTx, SystemWrite, Tenant, Tenants, WriteTx};

impl Tokens {
    /// # Errors
    /// [`AuthnError::RefreshToken`] when it opens nothing, [`AuthnError::RefreshTokenReused`] when
    /// it was used before, [`AuthnError::Suspended`].
    pub async fn refresh(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        tenant: &Tenant,
        refresh_token: &str,
        request: RequestContext,
    ) -> Result<TokenPair, AuthnError> {
        let token = Token::parse(refresh_token.trim(), REFRESH_PREFIX);
        // The token says whose it is; the path has to agree.
        let token = token.filter(|token| token.tenant() == tenant.id);
        let token = token.ok_or(AuthnError::RefreshToken)?;
        let (id, hash) = (tenant.id, token.hash());
        let realm = Realm::Tenant(id);
        let holder = tenants.credentials(realm, move |tx| holder(tx, id, &hash));
        let caller = Caller { principal: holder.await?, request };
        if !tenant.state.admits() {
            return Err(AuthnError::Suspended);
        }
        let (next, now) =
            (Token::generate(id, tenants.runtime().random.as_ref()), tenants.runtime().now());
        let new = next.hash();
        let write =
            tenants.change_credentials(
                realm,
                Some(Arc::new(caller)),
                move |tx| match Standing::read(
                    tx,
                    id,
                    "token_hash",
                    Value::Blob(&hash),
                    policy,
                    now,
                ) {
                    Ok(standing) => exchange(tx, standing, &hash, &new),
                    Err(AuthnError::Unauthenticated) => end_if_used(tx, &hash),
                    Err(error) => Err(error),
                },
            );
        let standing = write.await?.value.ok_or(AuthnError::RefreshTokenReused)?;
        self.pair(tenants, &standing, next.reveal(REFRESH_PREFIX)).await
    }
}

/// Whose session a refresh token is or was of, for the log.
fn holder(tx: &ReadTx<'_>, tenant: TenantId, hash: &[u8; 32]) -> Result<Principal, AuthnError> {
    let sql = "SELECT id, user FROM sessions WHERE token_hash = $1 AND client_kind = 'api'
               UNION ALL
               SELECT s.id, s.user FROM used_refresh_tokens u JOIN sessions s ON s.id = u.session
               WHERE u.token_hash = $2";
    let found = tx.query_one(sql, args![hash, hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (session, person): (SessionId, [u8; 16]) = found.ok_or(AuthnError::RefreshToken)?;
    let realm = Realm::Tenant(tenant);
    let person = Person::by_id(tx, realm, person)?.ok_or(AuthnError::RefreshToken)?;
    Ok(person.principal(realm, session))
}

type Exchanged = (Option<Standing>, AuditEvents);

fn exchange(
    tx: &mut WriteTx<'_, SystemWrite>,
    standing: Standing,
    old: &[u8; 32],
    new: &[u8; 32],
) -> Result<Exchanged, AuthnError> {
    let (now, session): (Timestamp, _) = (tx.runtime().now(), standing.session);
    let used = "INSERT INTO used_refresh_tokens (token_hash, session, used) VALUES ($1, $2, $3)";
    tx.execute(used, args![old, session, now])?;
    let sql = "UPDATE sessions SET token_hash = $1, seen = $2 WHERE id = $3";
    tx.execute(sql, args![new, now, session])?;
    let mut event = Event::new(catalogue::TOKEN_REFRESHED);
    event.resource = Some(Resource::new("session", session.to_string()));
    Ok((Some(standing), event.into()))
}

fn end_if_used(
    tx: &mut WriteTx<'_, SystemWrite>,
    hash: &[u8; 32],
) -> Result<Exchanged, AuthnError> {
    let sql = "SELECT session FROM used_refresh_tokens WHERE token_hash = $1";
    let session = tx.query_one(sql, args![hash], |row| row.get::<SessionId>(0))?;
    let session = session.ok_or(AuthnError::RefreshToken)?;
    tx.execute("DELETE FROM sessions WHERE id = $1", args![session])?;
    let mut reused = Event::new(catalogue::TOKEN_REUSED);
    reused.outcome = Outcome::Denied;
    let mut ended = Event::new(catalogue::SESSION_ENDED);
    for event in [&mut reused, &mut ended] {
        event.resource = Some(Resource::new("session", session.to_string()));
    }
    Ok((None, AuditEvents::from(reused).and(ended)))
}
