//! Whether somebody who was let in once would be let in still.

use std::sync::Arc;

use super::AuthnError;
use super::person::Person;
use super::rights::key_rights;
use crate::args;
use crate::authz::{Caller, Principal, Realm};
use crate::store::Sql;
use crate::tenants::Tenants;

/// The caller as they are now, with today's role. For work that goes on after its request: it must
/// end when the person is disabled, the key revoked or the role taken away. Signing out is none of
/// that.
///
/// # Errors
/// [`AuthnError::Unauthenticated`] for whoever would not get in any more.
pub async fn renew(tenants: &Tenants, caller: &Arc<Caller>) -> Result<Arc<Caller>, AuthnError> {
    let now = tenants.runtime().now();
    let principal = match &caller.principal {
        Principal::ApiKey { tenant, id, name, .. } => {
            let (tenant, id, name) = (*tenant, *id, name.clone());
            let sql = "SELECT role, scopes FROM api_keys WHERE id = $1 AND revoked IS NULL
                       AND (expires IS NULL OR expires > $2)";
            let look = tenants.credentials(Realm::Tenant(tenant), move |tx| {
                let key = tx.query_one(sql, args![id, now], |row| {
                    Ok((row.get::<String>(0)?, row.get::<Option<String>>(1)?))
                })?;
                let (role, scopes) = key.ok_or(AuthnError::Unauthenticated)?;
                key_rights(tx, &role, scopes.as_deref())
            });
            Principal::ApiKey { tenant, id, name, rights: look.await? }
        }
        Principal::User { tenant, id, session, .. } => {
            let realm = Realm::Tenant(*tenant);
            person(tenants, realm, *id.bytes()).await?.principal(realm, *session)
        }
        Principal::PlatformAdmin { id, session, .. } => {
            let realm = Realm::Platform;
            person(tenants, realm, *id.bytes()).await?.principal(realm, *session)
        }
        Principal::System { .. } | Principal::LocalOperator { .. } | Principal::SetupLink => {
            return Ok(caller.clone());
        }
    };
    Ok(Arc::new(Caller { principal, request: caller.request.clone() }))
}

async fn person(tenants: &Tenants, realm: Realm, id: [u8; 16]) -> Result<Person, AuthnError> {
    let find = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
    find.await?.filter(|person| person.active).ok_or(AuthnError::Unauthenticated)
}
