//! Whether somebody who was let in once would be let in still.

use std::sync::Arc;

use super::AuthnError;
use super::person::{Person, tables};
use super::rights::key_rights;
use crate::args;
use crate::authz::{Caller, Permissions, Principal, Realm, Role};
use crate::kernel::Timestamp;
use crate::store::{Row, Sql, StoreError, Value};
use crate::tenants::{RealmTx, Tenants};

/// The caller as they are now, with today's role. For work that goes on after its request: it must
/// end when the person is disabled, the key revoked or the role taken away. Signing out is none of
/// that, see [`renew_with_session`].
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
                let key = tx.query_one(sql, args![id, now], role_and_scopes)?;
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

/// The same for what belongs to a connection: it ends with the session too.
///
/// # Errors
/// As for [`renew`].
pub async fn renew_with_session(
    tenants: &Tenants,
    caller: &Arc<Caller>,
) -> Result<Arc<Caller>, AuthnError> {
    let (realm, session) = match &caller.principal {
        Principal::User { tenant, session, .. } => (Realm::Tenant(*tenant), *session),
        Principal::PlatformAdmin { session, .. } => (Realm::Platform, *session),
        _ => return renew(tenants, caller).await,
    };
    let there = tenants.credentials(realm, move |tx| {
        let sql = format!("SELECT count(*) FROM {} WHERE id = $1", tables(realm).1);
        Ok::<_, AuthnError>(tx.count(&sql, args![session])? > 0)
    });
    if !there.await? {
        return Err(AuthnError::Unauthenticated);
    }
    renew(tenants, caller).await
}

async fn person(tenants: &Tenants, realm: Realm, id: [u8; 16]) -> Result<Person, AuthnError> {
    let find = tenants.credentials(realm, move |tx| Person::by_id(tx, realm, id));
    find.await?.filter(|person| person.active).ok_or(AuthnError::Unauthenticated)
}

/// What somebody, as the log names them, may do at this moment; nothing for whoever would not get in
/// any more.
pub fn rights_of(
    tx: &impl RealmTx,
    kind: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Permissions>, AuthnError> {
    let Ok(uuid) = id.parse::<uuid::Uuid>() else {
        // Whoever has a shell on the machine goes on having it.
        let operator = kind == "local_operator";
        return Ok(operator.then(|| Role::LocalOperator.permissions()));
    };
    let id = Value::Id(uuid.into_bytes());
    let found = match kind {
        "user" => {
            let sql = "SELECT role, NULL FROM users WHERE id = $1 AND state = 'active'";
            tx.query_one(sql, args![id], role_and_scopes)?
        }
        "api_key" => {
            let sql = "SELECT role, scopes FROM api_keys WHERE id = $1 AND revoked IS NULL
                       AND (expires IS NULL OR expires > $2)";
            tx.query_one(sql, args![id, now], role_and_scopes)?
        }
        _ => None,
    };
    let rights = |(role, scopes): (String, Option<String>)| {
        Ok(key_rights(tx, &role, scopes.as_deref())?.permissions())
    };
    found.map(rights).transpose()
}

fn role_and_scopes(row: &Row<'_>) -> Result<(String, Option<String>), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}
