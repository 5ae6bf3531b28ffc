//! Sign-in with e-mail address and password, to a tenant or to the platform.

use secrecy::SecretString;

use super::admission::{Admission, Client, Factor, Factors, Proof, Spend, admit};
use super::person::{Person, tables};
use super::throttle::{Account, Step, begin};
use super::{AuthnError, Hasher};
use crate::args;
use crate::audit::event::{Actor, Outcome};
use crate::audit::{Event, catalogue};
use crate::authz::{Realm, RequestContext};
use crate::store::{SqlMut, Value};
use crate::tenants::{AuditEvents, DoorError, SystemWrite, Tenant, Tenants};

pub struct Credentials {
    pub email: String,
    pub password: SecretString,
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
    client: Client,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    let realm = Realm::Tenant(tenant.id);
    check(tenants, hasher, realm, tenant.state.admits(), credentials, client, request).await
}

pub async fn sign_in_platform(
    tenants: &Tenants,
    hasher: &Hasher,
    credentials: Credentials,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    check(tenants, hasher, Realm::Platform, true, credentials, Client::Browser, request).await
}

/// Signs in to a tenant that there is not, which takes as long and fails as one that there is.
pub async fn sign_in_nowhere(
    tenants: &Tenants,
    hasher: &Hasher,
    tenant: &str,
    credentials: Credentials,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    let email = credentials.email.trim().to_owned();
    let account = Account::Stranger { tenant: tenant.to_owned(), email: email.clone() };
    begin(tenants, account, Step::Password, &request).await?;
    let hasher = hasher.of_strangers();
    hasher.verify(credentials.password, None).await.map_err(DoorError::from)?;
    let mut failed = failure(None, &email, &request);
    let asked: String = tenant.chars().take(64).collect();
    failed.custom_fields.insert("asked".into(), asked.into());
    tenants.record_failed_sign_in(Realm::Platform, failed).await?;
    Err(AuthnError::WrongPassword)
}

async fn check(
    tenants: &Tenants,
    hasher: &Hasher,
    realm: Realm,
    admits: bool,
    credentials: Credentials,
    client: Client,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    let email = credentials.email.trim().to_owned();
    let account = Account::Of(realm, email.clone());
    let (attempt, person) = begin(tenants, account, Step::Password, &request).await?;
    let hasher = hasher.of(realm);
    let hash = person.as_ref().map(|person| person.password.clone());
    let matches =
        hasher.verify(credentials.password.clone(), hash).await.map_err(DoorError::from)?;
    let rehashed = match &person {
        Some(person) if matches && hasher.is_outdated(&person.password) => {
            Some(hasher.hash(credentials.password).await.map_err(DoorError::from)?)
        }
        _ => None,
    };
    let failed = failure(person.as_ref(), &email, &request);
    let result = match person {
        Some(mut person) if matches && person.active && admits => {
            if let Some(hash) = rehashed {
                rehash(tenants, realm, &mut person, hash).await?;
            }
            let factors = Factors::first(Factor::Password);
            let spend: Spend = Box::new(move |tx, _| {
                attempt.forgive(tx).map_err(DoorError::from)?;
                Ok(AuditEvents::none())
            });
            admit(tenants, realm, Proof { person, factors, client, request, vouched: None, spend })
                .await
        }
        Some(person) if matches && person.active => Err(AuthnError::Suspended),
        _ => Err(AuthnError::WrongPassword),
    };
    // Where passwords let nobody in, they cannot be tried out either.
    let result = match result {
        Err(AuthnError::SingleSignOn) => Err(AuthnError::WrongPassword),
        other => other,
    };
    if let Err(AuthnError::WrongPassword | AuthnError::Suspended) = &result {
        tenants.record_failed_sign_in(realm, failed).await?;
    }
    result
}

/// Puts a hash of today's cost in the place of one from before, now that the password is at hand.
async fn rehash(
    tenants: &Tenants,
    realm: Realm,
    person: &mut Person,
    new: String,
) -> Result<(), AuthnError> {
    let (id, old, hash) = (person.id, person.password.clone(), new.clone());
    let sql =
        format!("UPDATE {} SET password = $1 WHERE id = $2 AND password = $3", tables(realm).0);
    let write = tenants.system_write(realm, SystemWrite::Rehash, move |tx| {
        Ok(tx.execute(&sql, args![&hash, Value::Id(id), &old])?)
    });
    // A password that changed meanwhile is not today's any more: what follows finds that out.
    if write.await? > 0 {
        person.password = new;
    }
    Ok(())
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
