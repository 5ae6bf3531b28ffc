//! Opening administration pages.

use super::TrailError;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::{Grant, Permission};
use crate::tenants::Tenants;

/// Records that somebody opened an administration page, before anything on it is read; answers
/// with the entry's number.
pub async fn record_admin_access<P: Permission>(
    tenants: &Tenants,
    grant: &Grant<P>,
    page: &'static str,
) -> Result<u64, TrailError> {
    let disclosed = tenants.disclose(grant, move |_| {
        let mut event = Event::new(catalogue::ADMIN_PANEL_ACCESS);
        event.resource = Some(Resource::new("page", page));
        Ok::<_, TrailError>(((), event))
    });
    Ok(disclosed.await?.entry)
}
