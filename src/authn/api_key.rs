//! API keys: found by the SHA-256 of the token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::AuthnError;
use super::rights::rights;
use crate::args;
use crate::authz::{Principal, Realm, Rights};
use crate::crypto::Field;
use crate::crypto::token::{API_KEY_PREFIX, Token};
use crate::kernel::id::{ApiKeyId, TenantId};
use crate::kernel::{Timestamp, limits};
use crate::store::{Sql, SqlMut};
use crate::tenants::{DoorError, RealmTx, SystemWrite, Tenants};

/// Keys seen lately. An entry counts only while no credential of its tenant has changed, so a
/// revocation is effective on the next request.
#[derive(Default)]
pub struct ApiKeys {
    cache: Mutex<HashMap<[u8; 32], Cached>>,
    used: Mutex<HashMap<(TenantId, ApiKeyId), Use>>,
}

#[derive(Clone)]
struct Cached {
    generation: u64,
    key: Known,
}

#[derive(Clone)]
struct Known {
    tenant: TenantId,
    id: ApiKeyId,
    name: Arc<str>,
    rights: Rights,
    expires: Option<Timestamp>,
}

struct Use {
    count: i64,
    last: Timestamp,
}

impl ApiKeys {
    /// # Errors
    /// [`AuthnError::Unauthenticated`] for anything but a key that is valid now.
    pub async fn authenticate(
        &self,
        tenants: &Tenants,
        bearer: &str,
    ) -> Result<Principal, AuthnError> {
        let key = self.find(tenants, bearer).await?;
        self.count(&key, tenants.runtime().now());
        Ok(Principal::ApiKey { tenant: key.tenant, id: key.id, name: key.name, rights: key.rights })
    }

    /// Whether it is a key that is valid now, without counting that as its use.
    pub async fn is_known(&self, tenants: &Tenants, bearer: &str) -> Result<(), AuthnError> {
        self.find(tenants, bearer).await.map(|_| ())
    }

    async fn find(&self, tenants: &Tenants, bearer: &str) -> Result<Known, AuthnError> {
        let token = Token::parse(bearer, API_KEY_PREFIX).ok_or(AuthnError::Unauthenticated)?;
        let tenant = token.tenant();
        if tenants.tenant_by_id(tenant).is_none() {
            return Err(AuthnError::Unauthenticated);
        }
        let hash = token.hash();
        // Before the look-up: what changes during it makes the entry stale, not wrong.
        let generation = tenants.credentials_generation(Realm::Tenant(tenant)).await?;
        let key = match self.cached(&hash, generation) {
            Some(key) => key,
            None => {
                let key = look_up(tenants, tenant, hash).await?;
                self.remember(hash, Cached { generation, key: key.clone() });
                key
            }
        };
        let now = tenants.runtime().now();
        if key.expires.is_some_and(|expires| expires <= now) {
            return Err(AuthnError::Unauthenticated);
        }
        Ok(key)
    }

    fn cached(&self, hash: &[u8; 32], generation: u64) -> Option<Known> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache
            .get(hash)
            .filter(|cached| cached.generation == generation)
            .map(|cached| cached.key.clone())
    }

    fn remember(&self, hash: [u8; 32], cached: Cached) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= limits::CREDENTIALS_CACHED {
            cache.clear();
        }
        cache.insert(hash, cached);
    }

    fn count(&self, key: &Known, now: Timestamp) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = used.entry((key.tenant, key.id)).or_insert(Use { count: 0, last: now });
        entry.count += 1;
        entry.last = now;
    }
}

async fn look_up(tenants: &Tenants, tenant: TenantId, hash: [u8; 32]) -> Result<Known, AuthnError> {
    tenants
        .credentials(Realm::Tenant(tenant), move |tx| {
            let sql = "SELECT id, role, expires, name FROM api_keys
                       WHERE token_hash = $1 AND revoked IS NULL";
            let found = tx.query_one(sql, args![&hash], |row| {
                Ok((row.get(0)?, row.get::<String>(1)?, row.get(2)?, row.get::<Vec<u8>>(3)?))
            })?;
            let (id, role, expires, name) = found.ok_or(AuthnError::Unauthenticated)?;
            let id: ApiKeyId = id;
            let name = tx.open_text(Field::ApiKeyName, id.bytes(), &name)?.unwrap_or_default();
            Ok(Known { tenant, id, name: name.into(), rights: rights(tx, &role)?, expires })
        })
        .await
}

/// Writes down when and how often keys were used since the last time: a system write.
pub async fn flush_use(keys: &ApiKeys, tenants: &Tenants) -> Result<(), DoorError> {
    let used = std::mem::take(&mut *keys.used.lock().unwrap_or_else(PoisonError::into_inner));
    let mut by_tenant: HashMap<TenantId, Vec<(ApiKeyId, Use)>> = HashMap::new();
    for ((tenant, key), usage) in used {
        by_tenant.entry(tenant).or_default().push((key, usage));
    }
    for (tenant, used) in by_tenant {
        let write = tenants.system_write(Realm::Tenant(tenant), SystemWrite::KeyUse, move |tx| {
            for (key, usage) in &used {
                tx.execute(
                    "INSERT INTO api_key_use (key, last_used, uses) VALUES ($1, $2, $3)
                     ON CONFLICT (key) DO UPDATE SET
                         last_used = excluded.last_used, uses = api_key_use.uses + excluded.uses",
                    args![*key, usage.last, usage.count],
                )?;
            }
            Ok(())
        });
        write.await?;
    }
    Ok(())
}
