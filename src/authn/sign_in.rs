//! Sign-in with e-mail address and password, to a tenant or to the platform.

use secrecy::SecretString;

use super::session::{SignedIn, person_name, start, tables};
use super::{AuthnError, Hasher};
use crate::args;
use crate::audit::event::{Actor, Outcome};
use crate::audit::{Event, catalogue};
use crate::authz::{Realm, RequestContext, Role};
use crate::kernel::id::KeyId;
use crate::store::Sql;
use crate::tenants::{ReadTx, RealmTx, Tenant, Tenants};

pub struct Credentials {
    pub email: String,
    pub password: SecretString,
}

/// Somebody with a password: a user or a platform administrator.
pub struct Person {
    pub id: [u8; 16],
    pub subject: KeyId,
    pub name: String,
    pub role: Option<Role>,
    pub(super) password: String,
    active: bool,
}

/// # Errors
/// [`AuthnError::WrongPassword`] for a wrong password, an unknown and a disabled account alike,
/// after the same time; [`AuthnError::Suspended`] only for somebody with the right password, so that
/// nobody else learns whether there is such a tenant.
pub async fn sign_in(
    tenants: &Tenants,
    hasher: &Hasher,
    tenant: &Tenant,
    credentials: Credentials,
    request: RequestContext,
) -> Result<SignedIn, AuthnError> {
    let realm = Realm::Tenant(tenant.id);
    check(tenants, hasher, realm, tenant.state.admits(), credentials, request).await
}

pub async fn sign_in_platform(
    tenants: &Tenants,
    hasher: &Hasher,
    credentials: Credentials,
    request: RequestContext,
) -> Result<SignedIn, AuthnError> {
    check(tenants, hasher, Realm::Platform, true, credentials, request).await
}

async fn check(
    tenants: &Tenants,
    hasher: &Hasher,
    realm: Realm,
    admits: bool,
    credentials: Credentials,
    request: RequestContext,
) -> Result<SignedIn, AuthnError> {
    let email = credentials.email.trim().to_owned();
    let wanted = email.clone();
    let person = tenants.credentials(realm, move |tx| find(tx, realm, &wanted)).await?;
    let hash = person.as_ref().map(|person| person.password.clone());
    let matches =
        hasher.verify(credentials.password, hash).await.map_err(crate::tenants::DoorError::from)?;
    let failed = failure(person.as_ref(), &email, &request);
    let result = match person {
        Some(person) if matches && person.active && admits => {
            start(tenants, realm, person, request).await
        }
        Some(person) if matches && person.active => Err(AuthnError::Suspended),
        _ => Err(AuthnError::WrongPassword),
    };
    if let Err(AuthnError::WrongPassword | AuthnError::Suspended) = &result {
        tenants.record(realm, failed).await?;
    }
    result
}

fn find(tx: &ReadTx<'_>, realm: Realm, email: &str) -> Result<Option<Person>, AuthnError> {
    let role = if realm == Realm::Platform { "NULL" } else { "role" };
    let people = tables(realm).0;
    let sql = format!(
        "SELECT id, subject, name, password, state = 'active', {role} FROM {people}
         WHERE email_hash = $1"
    );
    let hash = tx.lookup_hash("email", email)?;
    let row = tx.query_one(&sql, args![&hash], |row| {
        Ok((
            row.get::<[u8; 16]>(0)?,
            row.get(1)?,
            row.get::<Vec<u8>>(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get::<Option<String>>(5)?,
        ))
    })?;
    let Some((id, subject, name, password, active, role)) = row else { return Ok(None) };
    let name = person_name(tx, realm, id, &name)?;
    let role = role.and_then(|role| role.parse().ok());
    Ok(Some(Person { id, subject, name, role, password, active }))
}

/// What is written down about a failed sign-in. What was typed is kept only when it looks like an
/// address: people type passwords into the wrong box.
fn failure(person: Option<&Person>, email: &str, request: &RequestContext) -> Event {
    let mut event = Event::new(catalogue::LOGIN_FAILED);
    event.outcome = Outcome::Failure;
    event.ip = request.ip.map(|ip| ip.to_canonical());
    event.user_agent.clone_from(&request.user_agent);
    event.request_id = Some(request.id.to_string());
    match person {
        Some(person) => {
            let id = uuid::Uuid::from_bytes(person.id).to_string();
            event.actor = Some(Actor::new("user", id));
        }
        None if email.contains('@') && email.len() <= 254 => {
            event.custom_fields.insert("email".into(), email.into());
        }
        None => {}
    }
    event
}
