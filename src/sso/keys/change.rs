//! Replacing a key.

use super::service::{generate, name};
use super::{KeyState, SsoKey, SsoKeyError, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::Grant;
use crate::authz::permission::SsoManage;
use crate::kernel::id::SsoKeyId;
use crate::tenants::{AuditEvents, Tenant, Tenants};

/// Makes the next key: published from now on, and used when it is put to use.
///
/// # Errors
/// [`SsoKeyError::Waiting`] when there is one.
pub async fn make_next(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    base_url: &str,
    tenant: &Tenant,
) -> Result<SsoKey, SsoKeyError> {
    let key = generate(tenants, name(base_url, tenant)).await?;
    let id = tenants.runtime().id::<SsoKeyId>();
    let written = tenants.write(grant, move |tx| {
        if repo::count(tx, KeyState::Next)? > 0 {
            return Err(SsoKeyError::Waiting);
        }
        // Without one in use there is nothing to come after.
        let state = match repo::count(tx, KeyState::Current)? {
            0 => KeyState::Current,
            _ => KeyState::Next,
        };
        let made = repo::insert(tx, id, state, &key)?;
        let event = event(&made, "made");
        Ok((made, event.into()))
    });
    Ok(written.await?.value)
}

/// The next key signs from now on; the one before it still opens.
///
/// # Errors
/// [`SsoKeyError::NotNext`]
pub async fn put_to_use(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    id: SsoKeyId,
) -> Result<SsoKey, SsoKeyError> {
    let written = tenants.write(grant, move |tx| {
        if repo::one(tx, id)?.state != KeyState::Next {
            return Err(SsoKeyError::NotNext);
        }
        repo::put_to_use(tx, id)?;
        let key = repo::one(tx, id)?;
        let event = event(&key, "put-to-use");
        Ok((key, AuditEvents::from(event)))
    });
    Ok(written.await?.value)
}

/// Removes a key that is not in use: what was encrypted for it cannot be read any more.
///
/// # Errors
/// [`SsoKeyError::InUse`]
pub async fn remove(
    tenants: &Tenants,
    grant: &Grant<SsoManage>,
    id: SsoKeyId,
) -> Result<(), SsoKeyError> {
    let written = tenants.write(grant, move |tx| {
        let key = repo::one(tx, id)?;
        if key.state == KeyState::Current {
            return Err(SsoKeyError::InUse);
        }
        repo::remove(tx, id)?;
        Ok(((), AuditEvents::from(event(&key, "removed"))))
    });
    written.await.map(|_| ())
}

pub(super) fn event(key: &SsoKey, what: &str) -> Event {
    let mut event = Event::new(catalogue::SSO_KEY_CHANGED);
    event.resource = Some(Resource::new("sso_key", key.id.to_string()));
    let fields = [
        ("change", what.to_owned()),
        ("state", key.state.name().to_owned()),
        ("fingerprint", key.fingerprint.clone()),
        ("expires", key.expires_at.to_string()),
    ];
    for (name, value) in fields {
        event.custom_fields.insert(name.into(), value.into());
    }
    event
}
