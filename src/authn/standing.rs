//! Whether somebody who was let in once would be let in still.

use std::sync::Arc;

use super::AuthnError;
use super::person::{Person, tables};
use super::rights::{key_rights, rights};
use crate::args;
use crate::authz::{Caller, Permissions, Principal, Realm, Role};
use crate::kernel::id::UserId;
use crate::store::{Row, Sql, StoreError};
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

/// What a member, or whoever has a shell on the machine, may do at this moment; nothing for somebody
/// who would not get in any more. They are given as the log names them.
pub fn rights_of(
    tx: &impl RealmTx,
    kind: &str,
    id: &str,
) -> Result<Option<Permissions>, AuthnError> {
    match (kind, id.parse::<UserId>()) {
        ("user", Ok(id)) => {
            let sql = "SELECT role FROM users WHERE id = $1 AND state = 'active'";
            let role = tx.query_one(sql, args![id], |row| row.get::<String>(0))?;
            role.map(|role| Ok(rights(tx, &role)?.permissions())).transpose()
        }
        ("local_operator", _) => Ok(Some(Role::LocalOperator.permissions())),
        _ => Ok(None),
    }
}

fn role_and_scopes(row: &Row<'_>) -> Result<(String, Option<String>), StoreError> {
    Ok((row.get(0)?, row.get(1)?))
}
