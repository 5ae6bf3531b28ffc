//! Links that are made with a shell on the machine: behind one the installation is set up, behind
//! others a platform administrator chooses a password. They live 30 minutes.

use zeroize::Zeroizing;

use super::{About, Link, Purpose, repo};
use crate::args;
use crate::audit::event::Resource;
use crate::audit::{Event, catalogue};
use crate::authn::AuthnError;
use crate::authn::person::Person;
use crate::authn::session::PLATFORM;
use crate::authz::permission::PlatformAdminManage;
use crate::authz::{Grant, Realm};
use crate::crypto::token::Token;
use crate::kernel::Timestamp;
use crate::kernel::id::AdminId;
use crate::store::SqlMut;
use crate::tenants::{RealmTx, Tenants, WriteTx};

/// What such a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// The first administrator and the first tenant.
    Setup,
    /// A password of this administrator's own choice.
    Password(AdminId),
}

/// Makes a link's token; older links for the same stop working.
pub async fn create(
    tenants: &Tenants,
    grant: &Grant<PlatformAdminManage>,
    link: LinkFor,
) -> Result<Zeroizing<String>, AuthnError> {
    let runtime = tenants.runtime();
    let token = Token::generate(PLATFORM, runtime.random.as_ref());
    let (text, principal) = (token.reveal(""), grant.caller().principal.clone());
    let write = tenants.write(grant, move |tx| {
        let (purpose, person) = match link {
            LinkFor::Setup => {
                tx.execute("DELETE FROM links WHERE purpose = 'setup'", &[])?;
                (Purpose::Setup, None)
            }
            LinkFor::Password(admin) => {
                let older = "DELETE FROM links WHERE purpose = 'password' AND person = $1";
                tx.execute(older, args![admin])?;
                let person = Person::by_id(tx, Realm::Platform, *admin.bytes())?;
                (Purpose::Password, Some(person.ok_or(AuthnError::SetupLink)?))
            }
        };
        let about = person.as_ref().map(About::from);
        let made_by = crate::authn::maker(tx, &principal)?;
        let (address, details, browser) = (None, None, None);
        let new = repo::NewLink { purpose, about, address, details, browser, made_by };
        repo::insert(tx, &token, &new)?;
        let mut event = Event::new(catalogue::SETUP_LINK_CREATED);
        if let LinkFor::Password(admin) = link {
            event.resource = Some(Resource::new("platform_admin", admin.to_string()));
        }
        Ok::<_, AuthnError>(((), event.into()))
    });
    write.await?;
    Ok(text)
}

/// What a link can still be used for; nothing once it was used or its time is over.
pub async fn look(tenants: &Tenants, token: &str) -> Result<Option<LinkFor>, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(None) };
    let now = tenants.runtime().now();
    let look = tenants.credentials(Realm::Platform, move |tx| {
        let found = found(tx, &token, now)?;
        Ok::<_, AuthnError>(found.map(|(_, link)| link))
    });
    look.await
}

/// Uses a link up, in the transaction of what it was for.
///
/// # Errors
/// [`AuthnError::SetupLink`] when it was used before or its time is over.
pub fn consume<P>(tx: &mut WriteTx<'_, P>, token: &str) -> Result<LinkFor, AuthnError> {
    let token = Token::parse(token, "").ok_or(AuthnError::SetupLink)?;
    let now = tx.runtime().now();
    let (link, what) = found(tx, &token, now)?.ok_or(AuthnError::SetupLink)?;
    repo::spend(tx, link.id).map_err(|error| match error {
        AuthnError::Link => AuthnError::SetupLink,
        other => other,
    })?;
    Ok(what)
}

fn found(
    tx: &impl RealmTx,
    token: &Token,
    now: Timestamp,
) -> Result<Option<(Link, LinkFor)>, AuthnError> {
    if let Some(link) = repo::find(tx, Purpose::Setup, token, now)? {
        return Ok(Some((link, LinkFor::Setup)));
    }
    let found = repo::find(tx, Purpose::Password, token, now)?;
    let whose = |link: Link| {
        let admin = AdminId::from_bytes(link.person?);
        Some((link, LinkFor::Password(admin)))
    };
    Ok(found.and_then(whose))
}
