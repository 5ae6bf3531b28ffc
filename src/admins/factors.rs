//! Taking away an administrator's second factors, for whoever has lost them.

use super::change::{find, somebody_else};
use super::{Admin, AdminError, repo};
use crate::audit::event::Resource;
use crate::authn;
use crate::authz::Grant;
use crate::authz::permission::PlatformAdminManage;
use crate::tenants::{AuditEvents, Tenants};

/// Ends all sessions too; the next sign-in sets a second factor up.
///
/// # Errors
/// [`crate::users::UserError::Oneself`] for one's own.
pub async fn reset_factors(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    who: &str,
) -> Result<Admin, AdminError> {
    let (who, principal) = (who.to_owned(), grant.caller().principal.clone());
    let realm = grant.realm();
    let written = tenants.write(grant, move |tx| {
        let admin = find(tx, &who)?;
        somebody_else(&principal, &admin)?;
        let mut event = authn::reset_factors(tx, realm, *admin.id.bytes())?;
        event.resource = Some(Resource::new("platform_admin", admin.id.to_string()));
        Ok::<_, AdminError>((repo::by_id(tx, admin.id)?, AuditEvents::from(event)))
    });
    Ok(written.await?.value)
}
