//! Making an administrator.

use super::{AdminError, repo};
use crate::audit::event::{Change, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::{AuthnError, Hasher, LinkFor, consume_link};
use crate::authz::Grant;
use crate::authz::permission::PlatformAdminManage;
use crate::kernel::id::AdminId;
use crate::tenants::{AuditEvents, Tenants};
use crate::users::{NewMember, Prepared};

/// Makes a platform administrator; with a setup link's token, uses the link up with it.
pub async fn create(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<PlatformAdminManage>,
    new: NewMember,
    setup_link: Option<String>,
) -> Result<AdminId, AdminError> {
    insert(tenants, grant, new.prepare(hasher, "").await?, setup_link).await
}

/// Makes an administrator who has no password yet: a link lets them choose one.
pub async fn invite(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    name: &str,
    email: &str,
    role: &str,
) -> Result<AdminId, AdminError> {
    let new = Prepared::without_password(name, email, role)?;
    insert(tenants, grant, new, None).await
}

async fn insert(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    new: Prepared,
    setup_link: Option<String>,
) -> Result<AdminId, AdminError> {
    let role = super::role(&new.role).ok_or(AdminError::Role)?;
    let subject = tenants.new_subject(grant.realm()).await?;
    let written = tenants.write(grant, move |tx| {
        let mut events = AuditEvents::none();
        if let Some(token) = &setup_link {
            if consume_link(tx, token)? != LinkFor::Setup {
                return Err(AuthnError::SetupLink.into());
            }
            events = Event::new(catalogue::SETUP_COMPLETED).into();
        }
        let id = repo::insert(tx, subject, &new, role)?;
        let mut created = event(catalogue::PLATFORM_ADMIN_CREATED, id);
        let given = Change { old: None, new: Some(role.name().into()) };
        created.changes.insert("role".into(), given);
        Ok::<_, AdminError>((id, events.and(created)))
    });
    Ok(written.await?.value)
}

pub(super) fn event(action: catalogue::Action, id: AdminId) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("platform_admin", id.to_string()));
    event
}
