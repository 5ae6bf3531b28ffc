//! Making a key.

use super::limits::{self, KeyRights};
use super::model::{ApiKey, ApiKeyError, NewApiKey, NewKey};
use super::repo;
use super::secret::Secret;
use crate::args;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::permission::ApiKeyCreate;
use crate::authz::{Grant, Principal, Realm};
use crate::crypto::Field;
use crate::kernel::id::ApiKeyId;
use crate::store::{SqlMut, Value};
use crate::tenants::{IdempotencyKey, RealmTx, Tenants};

/// # Errors
/// [`ApiKeyError::TooMuch`] when it would have rights that the caller lacks.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<ApiKeyCreate>,
    new: NewApiKey,
) -> Result<NewKey, ApiKeyError> {
    create_once(tenants, grant, new, None).await
}

/// # Errors
/// As for [`create`], and [`ApiKeyError::ShownBefore`] for a repeated call.
pub async fn create_once(
    tenants: &Tenants,
    grant: &Grant<ApiKeyCreate>,
    new: NewApiKey,
    once: Option<IdempotencyKey>,
) -> Result<NewKey, ApiKeyError> {
    let Realm::Tenant(tenant) = grant.realm() else { return Err(ApiKeyError::NotFound) };
    let name = limits::name(&new.name)?;
    let rights = KeyRights::asked(new.role.as_deref(), new.scopes.as_deref())?;
    let networks = limits::networks(&new.networks)?;
    let (runtime, expires) = (tenants.runtime(), new.expires_at);
    let now = runtime.now();
    if expires.is_some_and(|expires| expires <= now) {
        return Err(ApiKeyError::Expiry);
    }
    let secret = Secret::generate(tenant, runtime.random.as_ref());
    let (id, hash, hint) = (runtime.id::<ApiKeyId>(), secret.hash, secret.hint.clone());
    let giver = grant.caller().clone();
    let written = tenants.write_once(grant, once, move |tx| {
        rights.given_by(tx, &giver.principal)?;
        may_make(tx, &giver.principal, None)?;
        let sealed = tx.seal(Field::ApiKeyName, id.bytes(), None, name.as_bytes())?;
        let KeyRights { role, scopes } = &rights;
        tx.execute(
            "INSERT INTO api_keys
                 (id, token_hash, hint, name, role, scopes, networks, created, expires, made_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            args![
                id,
                &hash,
                &hint,
                &sealed,
                role,
                scopes.as_deref(),
                &networks,
                now,
                expires,
                authn::maker(tx, &giver.principal)?.map(Value::Id)
            ],
        )?;
        let (key, _) = repo::one(tx, id)?;
        let event = created(&key);
        Ok::<_, ApiKeyError>((Secret::answer(&hash, key), event.into()))
    });
    secret.show(written.await?.value)
}

/// A key's own limits would be worth nothing if it could make keys without them, or lift its own.
pub(super) fn may_make(
    tx: &impl RealmTx,
    giver: &Principal,
    about: Option<ApiKeyId>,
) -> Result<(), ApiKeyError> {
    let Principal::ApiKey { id, .. } = giver else { return Ok(()) };
    let (own, _) = repo::one(tx, *id)?;
    let is_limited = !own.networks.is_empty() || own.expires_at.is_some();
    match is_limited || about == Some(*id) {
        true => Err(ApiKeyError::ByLimitedKey),
        false => Ok(()),
    }
}

fn created(key: &ApiKey) -> Event {
    let mut event = Event::new(catalogue::API_KEY_CREATED);
    event.resource = Some(Resource::new("api_key", key.id.to_string()));
    for (field, value) in key.limits() {
        if !value.is_null() {
            event.changes.insert(field.into(), Change { old: None, new: Some(value) });
        }
    }
    event
}
