//! Passwords of administrators: chosen behind a link, taken away, set again.

use secrecy::SecretString;

use super::change::{find, somebody_else};
use super::create::event;
use super::{AdminError, repo};
use crate::audit::catalogue;
use crate::authn::{AuthnError, Hasher, LinkFor, consume_link, known_of, look_at_link};
use crate::authz::permission::PlatformAdminManage;
use crate::authz::{Grant, Realm};
use crate::crypto::password;
use crate::kernel::id::AdminId;
use crate::tenants::{DoorError, Tenants};
use crate::users::{NO_PASSWORD, NewMember, UserError};

/// Sets the password of the administrator that a link was made for and ends all their sessions.
pub async fn choose_password(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<PlatformAdminManage>,
    link: String,
    new: SecretString,
) -> Result<(), AdminError> {
    // Hashing is dear: not for a link that does not work anyway.
    let Some(LinkFor::Password(id)) = look_at_link(tenants, &link).await? else {
        return Err(AuthnError::SetupLink.into());
    };
    let known = known_of(tenants, Realm::Platform, *id.bytes()).await.map_err(AdminError::from)?;
    password::check(&new, &known).map_err(UserError::Password)?;
    let hash = hasher.hash(new).await.map_err(DoorError::from)?;
    let written = tenants.write(grant, move |tx| {
        let LinkFor::Password(id) = consume_link(tx, &link)? else {
            return Err(AuthnError::SetupLink.into());
        };
        repo::set_password(tx, id, &hash)?;
        Ok::<_, AdminError>(((), event(catalogue::PASSWORD_CHANGED, id).into()))
    });
    written.await.map(|_| ())
}

/// Takes away the password of an administrator who is locked out, and all their sessions. `who` is
/// an id or an e-mail address; one who is disabled stays so.
pub async fn lock_out(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    who: &str,
) -> Result<AdminId, AdminError> {
    replace(tenants, grant, who.to_owned(), NO_PASSWORD.to_owned()).await
}

/// Sets a new password for an administrator who is locked out and ends all their sessions.
pub async fn reset(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<PlatformAdminManage>,
    who: NewMember,
) -> Result<AdminId, AdminError> {
    let who = who.prepare(hasher, "").await?;
    replace(tenants, grant, who.email, who.password_hash).await
}

async fn replace(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    who: String,
    password_hash: String,
) -> Result<AdminId, AdminError> {
    let principal = grant.caller().principal.clone();
    let written = tenants.write(grant, move |tx| {
        let admin = find(tx, &who)?;
        somebody_else(&principal, &admin)?;
        let id = admin.id;
        repo::set_password(tx, id, &password_hash)?;
        Ok::<_, AdminError>((id, event(catalogue::PLATFORM_ADMIN_RESET, id).into()))
    });
    Ok(written.await?.value)
}
