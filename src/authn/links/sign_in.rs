//! Signing in with a link that came by mail.

use super::{Link, Opened, Purpose, repo};
use crate::authn::admission::{Admission, Client, Factor, Factors, Proof, admit};
use crate::authn::person::Person;
use crate::authn::{AuthnError, SignInPolicy};
use crate::authz::{Realm, RequestContext};
use crate::crypto::{mac, token::Token};
use crate::tenants::{AuditEvents, SystemWrite, Tenants, WriteTx};

/// What the link would lead to in the browser with this cookie. Uses nothing up.
pub async fn look_at_sign_in_link(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
    browser: Option<&str>,
) -> Result<Opened, AuthnError> {
    Ok(match found(tenants, realm, token, browser).await? {
        Ok(_) => Opened::Fine,
        Err(other) => other,
    })
}

/// Uses the link up, as a first factor.
///
/// # Errors
/// [`AuthnError::Link`] unless [`look_at_sign_in_link`] says that it is fine.
pub async fn sign_in_by_link(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
    browser: Option<&str>,
    request: RequestContext,
) -> Result<Admission, AuthnError> {
    let found = found(tenants, realm, token, browser).await?;
    let (link, person) = found.map_err(|_| AuthnError::Link)?;
    let (factors, client) = (Factors::first(Factor::Link), Client::Browser);
    let spend = Box::new(move |tx: &mut WriteTx<'_, SystemWrite>, _: &Person| {
        repo::spend(tx, link.id)?;
        Ok(AuditEvents::none())
    });
    admit(tenants, realm, Proof { person, factors, client, request, vouched: None, spend }).await
}

type Found = Result<(Link, Person), Opened>;

async fn found(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
    browser: Option<&str>,
) -> Result<Found, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(Err(Opened::Over)) };
    let (now, browser) =
        (tenants.runtime().now(), browser.map(|cookie| mac::sha256(cookie.as_bytes())));
    let look = tenants.credentials(realm, move |tx| {
        let Some(link) = repo::find(tx, Purpose::SignIn, &token, now)? else {
            return Ok(Err(Opened::Over));
        };
        let policy = SignInPolicy::read(tx)?;
        if !policy.magic_links {
            return Ok(Err(Opened::Over));
        }
        // Compared as hashes of secrets.
        if link.browser != browser {
            return Ok(Err(Opened::Elsewhere));
        }
        let Some(id) = link.person else { return Ok(Err(Opened::Nobody)) };
        let person = Person::by_id(tx, realm, id)?.filter(|person| person.active);
        let person = person.filter(|person| policy.admits_without_provider(realm, person.id));
        let same = |person: &Person| link.password.as_ref() == Some(&person.password);
        Ok(person.filter(same).map(|person| (link, person)).ok_or(Opened::Over))
    });
    look.await
}
