//! A new secret for a key; the former one goes on working for a while, so that applications can be
//! moved over one by one.

use std::time::Duration;

use super::create::may_make;
use super::model::{ApiKeyError, NewKey, OVERLAP_MOST};
use super::repo;
use super::secret::Secret;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::permission::ApiKeyUpdate;
use crate::authz::{Grant, Realm};
use crate::kernel::id::ApiKeyId;
use crate::store::{SqlMut, Value};
use crate::tenants::{IdempotencyKey, Tenants};

/// The secret before the former one ends at once: two work at the same time, never three.
///
/// # Errors
/// [`ApiKeyError::TooMuch`] when the key has rights that the caller lacks: its secret would give
/// them to whoever asks. [`ApiKeyError::ShownBefore`] for a repeated call.
pub async fn rotate(
    tenants: &Tenants,
    grant: &Grant<ApiKeyUpdate>,
    id: ApiKeyId,
    overlap: Duration,
    once: Option<IdempotencyKey>,
) -> Result<NewKey, ApiKeyError> {
    let Realm::Tenant(tenant) = grant.realm() else { return Err(ApiKeyError::NotFound) };
    if overlap > OVERLAP_MOST {
        return Err(ApiKeyError::Overlap);
    }
    let runtime = tenants.runtime();
    let (now, secret) = (runtime.now(), Secret::generate(tenant, runtime.random.as_ref()));
    let (hash, hint) = (secret.hash, secret.hint.clone());
    let giver = grant.caller().clone();
    let written = tenants.write_once(grant, once, move |tx| {
        let (key, rights) = repo::one(tx, id)?;
        if key.is_over(now) {
            return Err(ApiKeyError::Over);
        }
        rights.given_by(tx, &giver.principal)?;
        may_make(tx, &giver.principal, Some(id))?;
        let (until, maker) = (now.plus(overlap), authn::maker(tx, &giver.principal)?);
        tx.execute(
            "UPDATE api_keys SET former_hash = token_hash, former_until = $1, token_hash = $2,
                 hint = $3, rotated = $4, former_by = made_by, made_by = $5
             WHERE id = $6",
            args![until, &hash, &hint, now, maker.map(Value::Id), id],
        )?;
        let mut event = Event::new(catalogue::API_KEY_ROTATED);
        event.resource = Some(Resource::new("api_key", id.to_string()));
        event.custom_fields.insert("formerSecretUntil".into(), until.to_string().into());
        Ok((Secret::answer(&hash, repo::one(tx, id)?.0), event.into()))
    });
    secret.show(written.await?.value)
}
