//! Whether somebody who was let in once would be let in still.

use std::sync::Arc;

use super::AuthnError;
use super::session::tables;
use crate::args;
use crate::authz::{Caller, Principal, Realm, Role};
use crate::store::{Sql, Value};
use crate::tenants::Tenants;

/// The caller as they are now, with today's role. For work that goes on after its request: it must
/// end when the person is disabled, the key revoked or the role taken away. Signing out is none of
/// that.
///
/// # Errors
/// [`AuthnError::Unauthenticated`] for whoever would not get in any more.
pub async fn renew(tenants: &Tenants, caller: &Arc<Caller>) -> Result<Arc<Caller>, AuthnError> {
    let now = tenants.runtime().now();
    let role = match &caller.principal {
        Principal::ApiKey { tenant, id, .. } => {
            let (realm, id) = (Realm::Tenant(*tenant), *id);
            let sql = "SELECT role FROM api_keys WHERE id = $1 AND revoked IS NULL
                       AND (expires IS NULL OR expires > $2)";
            let look = tenants.credentials(realm, move |tx| {
                Ok::<_, AuthnError>(tx.query_one(sql, args![id, now], |row| row.get(0))?)
            });
            look.await?
        }
        Principal::User { tenant, id, .. } => {
            person(tenants, Realm::Tenant(*tenant), *id.bytes()).await?
        }
        Principal::PlatformAdmin { id, .. } => {
            person(tenants, Realm::Platform, *id.bytes()).await?
        }
        Principal::System { .. } | Principal::LocalOperator { .. } | Principal::SetupLink => {
            return Ok(caller.clone());
        }
    };
    let today = role.ok_or(AuthnError::Unauthenticated)?;
    let mut principal = caller.principal.clone();
    if let Principal::ApiKey { role, .. } | Principal::User { role, .. } = &mut principal {
        *role = today.parse::<Role>().map_err(|_| AuthnError::Unauthenticated)?;
    }
    Ok(Arc::new(Caller { principal, request: caller.request.clone() }))
}

async fn person(
    tenants: &Tenants,
    realm: Realm,
    id: [u8; 16],
) -> Result<Option<String>, AuthnError> {
    let people = tables(realm).0;
    let role = if realm == Realm::Platform { "''" } else { "role" };
    let sql = format!("SELECT {role} FROM {people} WHERE id = $1 AND state = 'active'");
    let look = tenants.credentials(realm, move |tx| {
        Ok::<_, AuthnError>(tx.query_one(&sql, args![Value::Id(id)], |row| row.get(0))?)
    });
    look.await
}
