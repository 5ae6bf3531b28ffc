//! Making a key.

use super::model::{ApiKey, ApiKeyError, NewApiKey, NewKey};
use crate::args;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::permission::ApiKeyCreate;
use crate::authz::{Grant, Realm, Role};
use crate::crypto::Field;
use crate::crypto::token::{API_KEY_PREFIX, Token};
use crate::kernel::id::ApiKeyId;
use crate::store::SqlMut;
use crate::tenants::Tenants;

/// # Errors
/// [`ApiKeyError::TooMuch`] when the role has rights that the caller lacks.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<ApiKeyCreate>,
    new: NewApiKey,
) -> Result<NewKey, ApiKeyError> {
    let Realm::Tenant(tenant) = grant.realm() else { return Err(ApiKeyError::NotFound) };
    let name = new.name.trim().to_owned();
    if !(1..=128).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiKeyError::Name);
    }
    let role: Role = new.role.parse()?;
    if !grant.caller().principal.may_give(role.permissions()) {
        return Err(ApiKeyError::TooMuch);
    }
    let runtime = tenants.runtime();
    let now = runtime.now();
    if new.expires_at.is_some_and(|expires| expires <= now) {
        return Err(ApiKeyError::Expiry);
    }
    let token = Token::generate(tenant, runtime.random.as_ref());
    let (hash, revealed) = (token.hash(), token.reveal(API_KEY_PREFIX));
    let key = ApiKey {
        id: runtime.id(),
        name,
        hint: revealed.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect(),
        role: role.name().to_owned(),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        uses: 0,
    };
    let stored = key.clone();
    let written = tenants.write(grant, move |tx| {
        let name = tx.seal(Field::ApiKeyName, stored.id.bytes(), None, stored.name.as_bytes())?;
        tx.execute(
            "INSERT INTO api_keys (id, token_hash, hint, name, role, created, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            args![stored.id, &hash, &stored.hint, &name, &stored.role, now, stored.expires_at],
        )?;
        Ok::<_, ApiKeyError>(((), created(stored.id, &stored.name, &stored.role).into()))
    });
    written.await?;
    Ok(NewKey { key, token: revealed })
}

fn created(id: ApiKeyId, name: &str, role: &str) -> Event {
    let mut event = Event::new(catalogue::API_KEY_CREATED);
    event.resource = Some(Resource::new("api_key", id.to_string()));
    for (field, value) in [("name", name), ("role", role)] {
        event.changes.insert(field.into(), Change { old: None, new: Some(value.into()) });
    }
    event
}
