//! Who stands behind an access token. What it says about the session is looked up as it is now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Tokens;
use super::claims::{self, Claims};
use super::standing::Standing;
use crate::args;
use crate::authn::session::SEEN;
use crate::authn::{Authenticated, AuthnError, SessionPolicy};
use crate::authz::Realm;
use crate::crypto::mac;
use crate::kernel::id::TenantId;
use crate::kernel::{Timestamp, limits};
use crate::store::{SqlMut, Value};
use crate::tenants::{SystemWrite, Tenants};

/// Tokens seen lately, by their SHA-256. An entry counts only while no credential of its tenant and
/// no signing key has changed, so whatever ends a session is effective on the next request.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<[u8; 32], Cached>>);

#[derive(Clone)]
struct Cached {
    /// Of the tenant's credentials, and of the platform's.
    generations: (u64, u64),
    tenant: TenantId,
    expires: i64,
    standing: Arc<Standing>,
}

impl Tokens {
    /// # Errors
    /// [`AuthnError::Unauthenticated`] for anything but a token that is valid now.
    pub async fn authenticate(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        token: &str,
    ) -> Result<Authenticated, AuthnError> {
        let (tenant, standing) = self.find(tenants, policy, token).await?;
        let (now, session) = (tenants.runtime().now(), standing.session);
        if now.since(standing.seen) >= SEEN {
            let realm = Realm::Tenant(tenant);
            let write = tenants.system_write(realm, SystemWrite::SessionSeen, move |tx| {
                tx.execute("UPDATE sessions SET seen = $1 WHERE id = $2", args![now, session])?;
                Ok(())
            });
            write.await?;
        }
        Ok(standing.who.clone())
    }

    /// The same without using the session: looking does not keep it alive.
    pub async fn holder(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        token: &str,
    ) -> Result<Authenticated, AuthnError> {
        Ok(self.find(tenants, policy, token).await?.1.who.clone())
    }

    async fn find(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        token: &str,
    ) -> Result<(TenantId, Arc<Standing>), AuthnError> {
        if token.len() > limits::ACCESS_TOKEN_BYTES {
            return Err(AuthnError::Unauthenticated);
        }
        let (hash, now) = (mac::sha256(token.as_bytes()), tenants.runtime().now());
        let found = match self.cached(tenants, &hash).await? {
            Some(cached) => cached,
            None => {
                let found = self.look_up(tenants, policy, token, now).await?;
                self.cache.remember(hash, found.clone());
                found
            }
        };
        if seconds(now) >= found.expires || !found.standing.is_alive(now) {
            return Err(AuthnError::Unauthenticated);
        }
        Ok((found.tenant, found.standing))
    }

    async fn cached(
        &self,
        tenants: &Tenants,
        hash: &[u8; 32],
    ) -> Result<Option<Cached>, AuthnError> {
        let Some(cached) = self.cache.get(hash) else { return Ok(None) };
        // One that was closed for good has no file any more.
        if tenants.tenant_by_id(cached.tenant).is_none() {
            return Err(AuthnError::Unauthenticated);
        }
        let now = generations(tenants, cached.tenant).await?;
        Ok((cached.generations == now).then_some(cached))
    }

    async fn look_up(
        &self,
        tenants: &Tenants,
        policy: SessionPolicy,
        token: &str,
        now: Timestamp,
    ) -> Result<Cached, AuthnError> {
        let unknown = || AuthnError::Unauthenticated;
        let kid = claims::kid(token).ok_or_else(unknown)?;
        let key = self.keys.by_kid(tenants, &kid).await?.ok_or_else(unknown)?;
        let claims =
            Claims::read(token, &key.decoding_key(), &self.issuer, &self.audience(), seconds(now));
        let Claims { tid: tenant, sid, sub, exp: expires, .. } = claims.ok_or_else(unknown)?;
        if tenants.tenant_by_id(tenant).is_none() {
            return Err(AuthnError::Unauthenticated);
        }
        // Before the look-up: what changes during it makes the entry stale, not wrong.
        let generations = generations(tenants, tenant).await?;
        let look = tenants.credentials(Realm::Tenant(tenant), move |tx| {
            Standing::read(tx, tenant, "id", Value::Id(*sid.bytes()), policy, now)
        });
        let standing = look.await?;
        if standing.person != *sub.bytes() {
            return Err(AuthnError::Unauthenticated);
        }
        Ok(Cached { generations, tenant, expires, standing: Arc::new(standing) })
    }
}

async fn generations(tenants: &Tenants, tenant: TenantId) -> Result<(u64, u64), AuthnError> {
    let of_tenant = tenants.credentials_generation(Realm::Tenant(tenant)).await?;
    Ok((of_tenant, tenants.credentials_generation(Realm::Platform).await?))
}

impl Cache {
    fn get(&self, hash: &[u8; 32]) -> Option<Cached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(hash).cloned()
    }

    fn remember(&self, hash: [u8; 32], cached: Cached) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= limits::CREDENTIALS_CACHED {
            cache.clear();
        }
        cache.insert(hash, cached);
    }
}

/// As JWTs count time.
pub(super) fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}
