//! The keys of a tenant, without their secrets.

use super::model::{ApiKey, ApiKeyError};
use crate::authz::Grant;
use crate::authz::permission::ApiKeyRead;
use crate::crypto::Field;
use crate::store::Sql;
use crate::tenants::{RealmTx, Tenants};

/// All keys, newest first, revoked ones included.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<ApiKeyRead>,
) -> Result<Vec<ApiKey>, ApiKeyError> {
    tenants
        .read(grant, |tx| {
            let sql = "SELECT k.id, k.name, k.hint, k.role, k.created, k.expires, k.revoked,
                           u.last_used, coalesce(u.uses, 0)
                       FROM api_keys k LEFT JOIN api_key_use u ON u.key = k.id
                       ORDER BY k.id DESC";
            let rows = tx.query(sql, &[], |row| {
                let key = ApiKey {
                    id: row.get(0)?,
                    name: String::new(),
                    hint: row.get(2)?,
                    role: row.get(3)?,
                    created_at: row.get(4)?,
                    expires_at: row.get(5)?,
                    revoked_at: row.get(6)?,
                    last_used_at: row.get(7)?,
                    uses: row.get(8)?,
                };
                Ok((key, row.get::<Vec<u8>>(1)?))
            })?;
            rows.into_iter()
                .map(|(mut key, name)| {
                    let name = tx.open_text(Field::ApiKeyName, key.id.bytes(), &name)?;
                    key.name = name.unwrap_or_default();
                    Ok(key)
                })
                .collect()
        })
        .await
}
