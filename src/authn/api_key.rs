//! API keys: found by the SHA-256 of the token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::AuthnError;
use super::rights::key_rights;
use crate::args;
use crate::authz::{Principal, Realm, Rights};
use crate::crypto::Field;
use crate::crypto::token::{API_KEY_PREFIX, Token};
use crate::kernel::id::{ApiKeyId, TenantId};
use crate::kernel::{Network, Timestamp, limits};
use crate::store::{self, Sql, SqlMut, StoreError};
use crate::tenants::{DoorError, ReadTx, RealmTx, SystemWrite, Tenants};

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
    /// Where it may be used from; everywhere when there is none.
    networks: Arc<[Network]>,
    expires: Option<Timestamp>,
    /// When this secret gives way to the one that took its place.
    gives_way: Option<Timestamp>,
}

struct Use {
    count: i64,
    last: Timestamp,
    from: Option<IpAddr>,
}

impl ApiKeys {
    /// # Errors
    /// [`AuthnError::Unauthenticated`] for anything but a key that is valid now,
    /// [`AuthnError::WrongNetwork`] for one that is used from where it may not be.
    pub async fn authenticate(
        &self,
        tenants: &Tenants,
        bearer: &str,
        from: Option<IpAddr>,
    ) -> Result<Principal, AuthnError> {
        let key = self.find(tenants, bearer, from).await?;
        self.count(&key, tenants.runtime().now(), from);
        Ok(key.principal())
    }

    /// The same, without counting it as a use of the key.
    pub async fn holder(
        &self,
        tenants: &Tenants,
        bearer: &str,
        from: Option<IpAddr>,
    ) -> Result<Principal, AuthnError> {
        Ok(self.find(tenants, bearer, from).await?.principal())
    }

    async fn find(
        &self,
        tenants: &Tenants,
        bearer: &str,
        from: Option<IpAddr>,
    ) -> Result<Known, AuthnError> {
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
        if [key.expires, key.gives_way].into_iter().flatten().any(|end| end <= now) {
            return Err(AuthnError::Unauthenticated);
        }
        if !key.works_from(from) {
            return Err(AuthnError::WrongNetwork(Box::new(key.principal())));
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

    fn count(&self, key: &Known, now: Timestamp, from: Option<IpAddr>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let none = || Use { count: 0, last: now, from };
        let entry = used.entry((key.tenant, key.id)).or_insert_with(none);
        *entry = Use { count: entry.count + 1, last: now, from };
    }
}

impl Known {
    fn principal(&self) -> Principal {
        let Self { tenant, id, name, rights, .. } = self.clone();
        Principal::ApiKey { tenant, id, name, rights }
    }

    fn works_from(&self, from: Option<IpAddr>) -> bool {
        let inside = |ip| self.networks.iter().any(|network| network.contains(ip));
        self.networks.is_empty() || from.is_some_and(inside)
    }
}

async fn look_up(tenants: &Tenants, tenant: TenantId, hash: [u8; 32]) -> Result<Known, AuthnError> {
    tenants
        .credentials(Realm::Tenant(tenant), move |tx| {
            let sql = "SELECT id, role, scopes, networks, expires, name, NULL FROM api_keys
                       WHERE token_hash = $1 AND revoked IS NULL
                       UNION ALL
                       SELECT id, role, scopes, networks, expires, name, former_until FROM api_keys
                       WHERE former_hash = $2 AND revoked IS NULL";
            let found = tx.query_one(sql, args![&hash, &hash], Row::read)?;
            found.ok_or(AuthnError::Unauthenticated)?.open(tx, tenant)
        })
        .await
}

struct Row {
    id: ApiKeyId,
    role: String,
    scopes: Option<String>,
    networks: String,
    expires: Option<Timestamp>,
    name: Vec<u8>,
    gives_way: Option<Timestamp>,
}

impl Row {
    fn read(row: &store::Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            role: row.get(1)?,
            scopes: row.get(2)?,
            networks: row.get(3)?,
            expires: row.get(4)?,
            name: row.get(5)?,
            gives_way: row.get(6)?,
        })
    }

    fn open(self, tx: &ReadTx<'_>, tenant: TenantId) -> Result<Known, AuthnError> {
        let Self { id, role, scopes, networks, expires, name, gives_way } = self;
        let rights = key_rights(tx, &role, scopes.as_deref())?;
        let name = tx.open_text(Field::ApiKeyName, id.bytes(), &name)?.unwrap_or_default();
        // One that cannot be read must not count as none.
        let networks: Option<_> = networks.split_whitespace().map(Network::parse).collect();
        let networks = networks.ok_or(AuthnError::Unauthenticated)?;
        Ok(Known { tenant, id, name: name.into(), rights, networks, expires, gives_way })
    }
}

/// Writes down when, from where and how often keys were used since the last time: a system write.
pub async fn flush_use(keys: &ApiKeys, tenants: &Tenants) -> Result<(), DoorError> {
    let used = std::mem::take(&mut *keys.used.lock().unwrap_or_else(PoisonError::into_inner));
    let mut by_tenant: HashMap<TenantId, Vec<(ApiKeyId, Use)>> = HashMap::new();
    for ((tenant, key), usage) in used {
        by_tenant.entry(tenant).or_default().push((key, usage));
    }
    for (tenant, used) in by_tenant {
        let write = tenants.system_write(Realm::Tenant(tenant), SystemWrite::KeyUse, move |tx| {
            for (key, usage) in &used {
                let from = usage.from.map(|ip| ip.to_canonical().to_string());
                let seal =
                    |ip: String| tx.seal(Field::ApiKeyAddress, key.bytes(), None, ip.as_bytes());
                let from = from.map(seal).transpose()?;
                tx.execute(
                    "INSERT INTO api_key_use (key, last_used, uses, address)
                     VALUES ($1, $2, $3, $4)
                     ON CONFLICT (key) DO UPDATE SET
                         last_used = excluded.last_used, uses = api_key_use.uses + excluded.uses,
                         address = excluded.address",
                    args![*key, usage.last, usage.count, from.as_deref()],
                )?;
            }
            Ok(())
        });
        write.await?;
    }
    Ok(())
}
