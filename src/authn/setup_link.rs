//! One-time links: behind one the installation is set up, behind others a platform administrator
//! chooses a password. They live 30 minutes and are made with a shell on the machine.

use zeroize::Zeroizing;

use super::AuthnError;
use super::session::PLATFORM;
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authz::permission::PlatformAdminManage;
use crate::authz::{Grant, Realm};
use crate::crypto::token::Token;
use crate::kernel::id::AdminId;
use crate::kernel::limits;
use crate::store::{Sql, SqlMut};
use crate::tenants::{Tenants, WriteTx};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// The first administrator and the first tenant.
    Setup,
    /// A password of this administrator's own choice.
    Password(AdminId),
}

impl LinkFor {
    fn admin(self) -> Option<AdminId> {
        match self {
            Self::Setup => None,
            Self::Password(admin) => Some(admin),
        }
    }
}

/// Makes a link's token; older links for the same stop working.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    link: LinkFor,
) -> Result<Zeroizing<String>, AuthnError> {
    let runtime = tenants.runtime();
    let token = Token::generate(PLATFORM, runtime.random.as_ref());
    let (hash, now) = (token.hash(), runtime.now());
    let write = tenants.write(grant, move |tx| {
        let admin = link.admin();
        match admin {
            Some(admin) => tx.execute("DELETE FROM setup_links WHERE admin = $1", args![admin])?,
            None => tx.execute("DELETE FROM setup_links WHERE admin IS NULL", &[])?,
        };
        tx.execute(
            "INSERT INTO setup_links (token_hash, admin, created, expires) VALUES ($1, $2, $3, $4)",
            args![&hash, admin, now, now.plus(limits::SETUP_LINK_LIFE)],
        )?;
        let mut event = Event::new(catalogue::SETUP_LINK_CREATED);
        event.resource = admin.map(|admin| Resource::new("platform_admin", admin.to_string()));
        Ok::<_, AuthnError>(((), event.into()))
    });
    write.await?;
    Ok(token.reveal(""))
}

/// What a link can still be used for; nothing once it was used or its time is over.
pub async fn look(tenants: &Tenants, token: &str) -> Result<Option<LinkFor>, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(None) };
    let (hash, now) = (token.hash(), tenants.runtime().now());
    tenants
        .credentials(Realm::Platform, move |tx| {
            let sql = "SELECT admin FROM setup_links
                   WHERE token_hash = $1 AND used IS NULL AND expires > $2";
            let found =
                tx.query_one(sql, args![&hash, now], |row| row.get::<Option<AdminId>>(0))?;
            Ok(found.map(|admin| admin.map_or(LinkFor::Setup, LinkFor::Password)))
        })
        .await
}

/// Uses a link up, in the transaction of what it was for.
///
/// # Errors
/// [`AuthnError::SetupLink`] when it was used before or its time is over.
pub fn consume<P>(tx: &mut WriteTx<'_, P>, token: &str) -> Result<LinkFor, AuthnError> {
    let token = Token::parse(token, "").ok_or(AuthnError::SetupLink)?;
    let now = tx.runtime().now();
    let used = tx.query_one(
        "UPDATE setup_links SET used = $1
         WHERE token_hash = $2 AND used IS NULL AND expires > $3 RETURNING admin",
        args![now, &token.hash(), now],
        |row| row.get::<Option<AdminId>>(0),
    )?;
    used.map(|admin| admin.map_or(LinkFor::Setup, LinkFor::Password)).ok_or(AuthnError::SetupLink)
}
