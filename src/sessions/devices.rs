//! One's own devices.

use super::model::Device;
use super::{SessionError, repo};
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn;
use crate::authz::{Grant, Permission, Withdraws};
use crate::kernel::id::DeviceId;
use crate::kernel::limits;
use crate::tenants::Tenants;

/// Where the caller has signed in lately, newest first.
pub async fn own_devices<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
) -> Result<Vec<Device>, SessionError> {
    let (me, session) = authn::holder(&grant.caller().principal).ok_or(SessionError::NotFound)?;
    let (realm, since) = (grant.realm(), tenants.runtime().now().minus(limits::DEVICE_LIFE));
    tenants
        .read(grant, move |tx| {
            let here = repo::device_of(tx, realm, session)?;
            let rows = repo::devices(tx, me, since)?;
            let open = |row: repo::DeviceRow| {
                let (ip, user_agent) = row.origin(tx)?;
                Ok(Device {
                    id: row.id,
                    current: here == Some(row.id),
                    client: row.kind,
                    ip,
                    user_agent,
                    first_seen: row.created,
                    last_sign_in: row.seen,
                })
            };
            rows.into_iter().map(open).collect()
        })
        .await
}

/// Forgets one of the caller's devices and ends their sessions there, but for the one that asks.
pub async fn forget<P: Withdraws>(
    tenants: &Tenants,
    grant: &Grant<P>,
    device: DeviceId,
) -> Result<(), SessionError> {
    let (me, session) = authn::holder(&grant.caller().principal).ok_or(SessionError::NoDevice)?;
    let realm = grant.realm();
    let written = tenants.withdraw(grant, move |tx| {
        let ended = repo::forget(tx, realm, me, device, session)?.ok_or(SessionError::NoDevice)?;
        let mut event = Event::new(catalogue::DEVICE_FORGOTTEN);
        event.resource = Some(Resource::new("device", device.to_string()));
        event.custom_fields.insert("sessionsEnded".into(), ended.into());
        Ok::<_, SessionError>(((), event.into()))
    });
    written.await.map(|_| ())
}
