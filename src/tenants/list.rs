//! The tenants of this installation.

use super::{Tenant, TenantError, Tenants};
use crate::args;
use crate::authz::permission::TenantRead;
use crate::authz::{Grant, TenantState};
use crate::kernel::id::TenantId;
use crate::store::{Row, Sql, StoreError};

const COLUMNS: &str = "SELECT id, slug, name, state, created FROM tenants";

pub fn all(tx: &impl Sql) -> Result<Vec<Tenant>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY slug"), &[], read)
}

/// One tenant by short name or id.
pub fn one(tx: &impl Sql, name: &str) -> Result<Option<Tenant>, StoreError> {
    let id = name.parse().unwrap_or(TenantId::from_bytes([0; 16]));
    tx.query_one(&format!("{COLUMNS} WHERE slug = $1 OR id = $2"), args![name, id], read)
}

fn read(row: &Row<'_>) -> Result<Tenant, StoreError> {
    let damaged = || StoreError::Sql("a tenant's row is damaged".into());
    Ok(Tenant {
        id: row.get(0)?,
        slug: row.get::<String>(1)?.parse().map_err(|_| damaged())?,
        name: row.get(2)?,
        state: TenantState::parse(&row.get::<String>(3)?).ok_or_else(damaged)?,
        created: row.get(4)?,
    })
}

/// All tenants by short name.
pub async fn list(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
) -> Result<Vec<Tenant>, TenantError> {
    tenants.read(grant, |tx| Ok(all(tx)?)).await
}

/// One tenant by short name or id.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<TenantRead>,
    name: &str,
) -> Result<Tenant, TenantError> {
    let name = name.to_owned();
    tenants.read(grant, move |tx| one(tx, &name)?.ok_or(TenantError::NotFound)).await
}
