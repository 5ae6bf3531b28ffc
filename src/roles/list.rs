//! The roles of a tenant.

use super::model::{PermissionWords, RoleView, Roles};
use super::{RoleError, repo};
use crate::authz::permission::RoleRead;
use crate::authz::{Flag, Grant, Permission, Principal, Role};
use crate::store::Sql;
use crate::tenants::Tenants;

/// Built-in roles, then the tenant's own by code, with how many have each.
pub async fn list(tenants: &Tenants, grant: &Grant<RoleRead>) -> Result<Roles, RoleError> {
    let items = tenants.read(grant, |tx| all(tx)).await?;
    let most = Role::Owner.permissions();
    let words = |flag: &Flag| PermissionWords {
        name: flag.name().to_owned(),
        domain: flag.domain().to_owned(),
        description: flag.description().to_owned(),
        writes: flag.writes(),
    };
    let permissions = Flag::ALL.iter().filter(|flag| most.has(**flag)).map(words).collect();
    Ok(Roles { items, permissions })
}

/// One role.
pub async fn find(
    tenants: &Tenants,
    grant: &Grant<RoleRead>,
    code: &str,
) -> Result<RoleView, RoleError> {
    let roles = tenants.read(grant, |tx| all(tx)).await?;
    roles.into_iter().find(|role| role.code == code).ok_or(RoleError::NotFound)
}

/// Those that the caller may give to somebody.
pub async fn choices<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<RoleView>, RoleError> {
    let principal: Principal = grant.caller().principal.clone();
    let mut roles = tenants.read(grant, |tx| all(tx)).await?;
    roles.retain(|role| principal.may_give(role.set()));
    Ok(roles)
}

/// What the tenant's own roles are called, by code.
pub async fn names<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<(String, String)>, RoleError> {
    let own = tenants.read(grant, |tx| Ok::<_, RoleError>(repo::all(tx)?)).await?;
    Ok(own.into_iter().map(|role| (role.code, role.name)).collect())
}

fn all(tx: &impl Sql) -> Result<Vec<RoleView>, RoleError> {
    let own = repo::all(tx)?.into_iter().map(repo::Stored::view);
    let mut roles: Vec<RoleView> = Role::TENANT.map(RoleView::built_in).into_iter().collect();
    roles.extend(own);
    for (code, members, api_keys) in repo::holders(tx)? {
        if let Some(role) = roles.iter_mut().find(|role| role.code == code) {
            role.members += members;
            role.api_keys += api_keys;
        }
    }
    Ok(roles)
}
