//! Keys as they are stored.

use super::limits::KeyRights;
use super::model::{ApiKey, ApiKeyError};
use crate::args;
use crate::authz::Flag;
use crate::crypto::Field;
use crate::kernel::Timestamp;
use crate::kernel::id::ApiKeyId;
use crate::store::{Row, StoreError, Value};
use crate::tenants::RealmTx;

const COLUMNS: &str = "SELECT k.id, k.name, k.hint, k.role, k.scopes, k.networks, k.created,
        k.expires, k.revoked, k.rotated, k.former_until, u.last_used, u.address,
        coalesce(u.uses, 0)
    FROM api_keys k LEFT JOIN api_key_use u ON u.key = k.id";

struct Stored {
    key: ApiKey,
    rights: KeyRights,
    name: Vec<u8>,
    address: Option<Vec<u8>>,
}

/// All, newest first.
pub(super) fn all(tx: &impl RealmTx) -> Result<Vec<ApiKey>, ApiKeyError> {
    let sql = format!("{COLUMNS} ORDER BY k.id DESC");
    Ok(find(tx, &sql, &[])?.into_iter().map(|(key, _)| key).collect())
}

pub(super) fn one(tx: &impl RealmTx, id: ApiKeyId) -> Result<(ApiKey, KeyRights), ApiKeyError> {
    let found = find(tx, &format!("{COLUMNS} WHERE k.id = $1"), args![id])?;
    found.into_iter().next().ok_or(ApiKeyError::NotFound)
}

fn find(
    tx: &impl RealmTx,
    sql: &str,
    args: &[Value<'_>],
) -> Result<Vec<(ApiKey, KeyRights)>, ApiKeyError> {
    tx.query(sql, args, read)?.into_iter().map(|stored| open(tx, stored)).collect()
}

fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    let rights = KeyRights { role: row.get(3)?, scopes: row.get(4)? };
    let networks: String = row.get(5)?;
    let key = ApiKey {
        id: row.get(0)?,
        name: String::new(),
        hint: row.get(2)?,
        role: rights.scopes.is_none().then(|| rights.role.clone()),
        scopes: rights.scopes.as_deref().map(words),
        permissions: Vec::new(),
        networks: words(&networks),
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        revoked_at: row.get(8)?,
        rotated_at: row.get(9)?,
        former_secret_until: row.get(10)?,
        last_used_at: row.get(11)?,
        last_used_from: None,
        uses: row.get(13)?,
    };
    Ok(Stored { key, rights, name: row.get(1)?, address: row.get(12)? })
}

fn open(tx: &impl RealmTx, stored: Stored) -> Result<(ApiKey, KeyRights), ApiKeyError> {
    let Stored { mut key, rights, name, address } = stored;
    let id = *key.id.bytes();
    key.name = tx.open_text(Field::ApiKeyName, &id, &name)?.unwrap_or_default();
    if let Some(address) = address {
        key.last_used_from = tx.open_text(Field::ApiKeyAddress, &id, &address)?;
    }
    key.permissions = match rights.permissions(tx) {
        Ok(permissions) => permissions.iter().map(|flag| Flag::name(flag).to_owned()).collect(),
        // Of a role that is gone: it permits nothing, nobody gets in with it.
        Err(ApiKeyError::Role(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok((key, rights))
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl ApiKey {
    /// Whether it opens nothing any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.expires_at.is_some_and(|expires| expires <= now)
    }
}
