//! Changing what a key is called, what it may do, from where and until when.

use serde_json::Value;

use super::create::may_make;
use super::limits::{self, KeyRights};
use super::model::{ApiKey, ApiKeyError, ChangeApiKey};
use super::repo;
use crate::args;
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::ApiKeyUpdate;
use crate::crypto::Field;
use crate::kernel::id::ApiKeyId;
use crate::store::SqlMut;
use crate::tenants::{AuditEvents, Tenants};

/// # Errors
/// [`ApiKeyError::TooMuch`] when the key has rights that the caller lacks, before or after.
pub async fn change(
    tenants: &Tenants,
    grant: &Grant<ApiKeyUpdate>,
    id: ApiKeyId,
    change: ChangeApiKey,
) -> Result<ApiKey, ApiKeyError> {
    let name = change.name.as_deref().map(limits::name).transpose()?;
    let networks = change.networks.as_deref().map(limits::networks).transpose()?;
    let asked = match (&change.role, &change.scopes) {
        (None, None) => None,
        (role, scopes) => Some(KeyRights::asked(role.as_deref(), scopes.as_deref())?),
    };
    let now = tenants.runtime().now();
    if change.expires_at.flatten().is_some_and(|expires| expires <= now) {
        return Err(ApiKeyError::Expiry);
    }
    let giver = grant.caller().clone();
    let written = tenants.write(grant, move |tx| {
        let (before, had) = repo::one(tx, id)?;
        if before.is_over(now) {
            return Err(ApiKeyError::Over);
        }
        match had.given_by(tx, &giver.principal) {
            // Its role is gone: it permits nothing, and may be given another.
            Ok(()) | Err(ApiKeyError::Role(_)) => {}
            Err(error) => return Err(error),
        }
        let rights = asked.clone().unwrap_or(had);
        rights.given_by(tx, &giver.principal)?;
        may_make(tx, &giver.principal, Some(id))?;
        let name = name.as_deref().unwrap_or(&before.name);
        let sealed = tx.seal(Field::ApiKeyName, id.bytes(), None, name.as_bytes())?;
        let kept = before.networks.join(" ");
        let networks = networks.as_deref().unwrap_or(&kept);
        let expires = change.expires_at.unwrap_or(before.expires_at);
        let (role, scopes) = (&rights.role, rights.scopes.as_deref());
        tx.execute(
            "UPDATE api_keys SET name = $1, role = $2, scopes = $3, networks = $4, expires = $5
             WHERE id = $6",
            args![&sealed, role, scopes, networks, expires, id],
        )?;
        let (after, _) = repo::one(tx, id)?;
        let events = changed(&before, &after);
        Ok((after, events))
    });
    Ok(written.await?.value)
}

fn changed(before: &ApiKey, after: &ApiKey) -> AuditEvents {
    let mut event = Event::new(catalogue::API_KEY_UPDATED);
    event.resource = Some(Resource::new("api_key", after.id.to_string()));
    for ((field, old), (_, new)) in before.limits().into_iter().zip(after.limits()) {
        if old != new {
            let some = |value: Value| (!value.is_null()).then_some(value);
            event.changes.insert(field.into(), Change { old: some(old), new: some(new) });
        }
    }
    event.into()
}

impl ApiKey {
    /// What is written down about it when it is made or changed.
    pub(super) fn limits(&self) -> [(&'static str, Value); 5] {
        let expires = self.expires_at.map(|time| time.to_string());
        let networks = (!self.networks.is_empty()).then(|| self.networks.clone());
        [
            ("name", self.name.as_str().into()),
            ("role", self.role.clone().into()),
            ("scopes", self.scopes.clone().into()),
            ("networks", networks.into()),
            ("expiresAt", expires.into()),
        ]
    }
}
