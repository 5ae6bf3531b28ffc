//! Changing one's own e-mail address: the current password, then a link to the new address.

use secrecy::SecretString;

use super::ask::from_stranger;
use super::{About, Link, NewLink, Purpose, repo};
use crate::args;
use crate::audit::event::{Outcome, Resource};
use crate::audit::{Event, catalogue};
use crate::authn::person::{Person, tables};
use crate::authn::{AuthnError, Hasher, session};
use crate::authz::{Grant, Principal, Realm, RequestContext, Writes};
use crate::crypto::Field;
use crate::crypto::token::Token;
use crate::kernel::limits;
use crate::mail::{self, Letter, Recipient};
use crate::store::{SqlMut, StoreError, Value};
use crate::tenants::{AuditEvents, DoorError, RealmTx, SystemWrite, Tenants, WriteTx};

/// Sends a link to the new address, whether somebody else has it or not. `base` is `/platform` or
/// `/t/{slug}`.
///
/// # Errors
/// [`AuthnError::WrongPassword`], which is recorded.
pub async fn ask_for_address<P: Writes>(
    tenants: &Tenants,
    hasher: &Hasher,
    grant: &Grant<P>,
    base: &str,
    current: SecretString,
    address: &str,
) -> Result<(), AuthnError> {
    let (realm, me) = (grant.realm(), own_id(&grant.caller().principal)?);
    let find = tenants.read(grant, move |tx| Person::by_id(tx, realm, me));
    let person = find.await?.ok_or(AuthnError::Unauthenticated)?;
    let matches = hasher.verify(current, Some(person.password.clone())).await;
    if !matches.map_err(DoorError::from)? {
        let mut failed = event(catalogue::EMAIL_VERIFICATION_REQUESTED, &person);
        failed.outcome = Outcome::Failure;
        tenants.disclose(grant, move |_| Ok::<_, AuthnError>(((), failed))).await?;
        return Err(AuthnError::WrongPassword);
    }
    let token = Token::generate(session::owner(realm), tenants.runtime().random.as_ref());
    let (base, address) = (base.to_owned(), address.trim().to_owned());
    let written = tenants.write(grant, move |tx| {
        let since = tx.runtime().now().minus(limits::LINKS_PER_ADDRESS_TIME);
        if repo::asked_for(tx, &address, since)? >= limits::LINKS_PER_ADDRESS {
            return Ok(((), AuditEvents::none()));
        }
        let (purpose, about) = (Purpose::Address, Some(About::from(&person)));
        let to = Recipient { address: address.clone(), subject: Some(person.subject) };
        let address = Some(address.as_str());
        repo::insert(
            tx,
            &token,
            &NewLink { purpose, about, address, details: None, browser: None, made_by: None },
        )?;
        mail::queue(tx, &to, &Letter::NewAddress { link: purpose.link(&base, &token) })?;
        Ok::<_, AuthnError>(((), event(catalogue::EMAIL_VERIFICATION_REQUESTED, &person).into()))
    });
    written.await.map(|_| ())
}

fn own_id(principal: &Principal) -> Result<[u8; 16], AuthnError> {
    match principal {
        Principal::User { id, .. } => Ok(*id.bytes()),
        Principal::PlatformAdmin { id, .. } => Ok(*id.bytes()),
        _ => Err(AuthnError::NoPerson),
    }
}

/// The address that a link would make somebody's own; none once it is over.
pub async fn look_at_address_link(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
) -> Result<Option<String>, AuthnError> {
    Ok(found(tenants, realm, token).await?.map(|(_, _, address)| address))
}

/// Makes the address theirs, tells the old one, and ends all other links that they were sent.
///
/// # Errors
/// [`AuthnError::Link`] for one that is over, or when somebody else has the address by now.
pub async fn confirm_address(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
    request: RequestContext,
) -> Result<(), AuthnError> {
    let (link, person, address) = found(tenants, realm, token).await?.ok_or(AuthnError::Link)?;
    let write = tenants.change_credentials_if_active(realm, move |tx| {
        repo::spend(tx, link.id)?;
        set(tx, realm, &person, &address)?;
        repo::end_all_of(tx, person.id)?;
        let old = Recipient { address: person.email.clone(), subject: Some(person.subject) };
        mail::queue(tx, &old, &Letter::EmailChanged { at: tx.runtime().now() })?;
        let mut event = event(catalogue::EMAIL_CHANGED, &person);
        event.actor = Some(person.actor());
        from_stranger(&mut event, &request);
        Ok(((), event.into()))
    });
    write.await.map(|_| ())
}

fn set(
    tx: &mut WriteTx<'_, SystemWrite>,
    realm: Realm,
    person: &Person,
    address: &str,
) -> Result<(), AuthnError> {
    let field = match realm {
        Realm::Platform => Field::AdminEmail,
        Realm::Tenant(_) => Field::UserEmail,
    };
    let hash = tx.lookup_hash("email", address)?;
    let sealed = tx.seal(field, &person.id, Some(person.subject), address.as_bytes())?;
    let sql = format!(
        "UPDATE {} SET email = $1, email_hash = $2
         WHERE id = $3 AND password = $4 AND state = 'active'",
        tables(realm).0
    );
    match tx.execute(&sql, args![&sealed, &hash, Value::Id(person.id), &person.password]) {
        Ok(0) | Err(StoreError::Constraint(_)) => Err(AuthnError::Link),
        other => Ok(other.map(|_| ())?),
    }
}

async fn found(
    tenants: &Tenants,
    realm: Realm,
    token: &str,
) -> Result<Option<(Link, Person, String)>, AuthnError> {
    let Some(token) = Token::parse(token, "") else { return Ok(None) };
    let now = tenants.runtime().now();
    let look = tenants.credentials(realm, move |tx| {
        let Some(link) = repo::find(tx, Purpose::Address, &token, now)? else { return Ok(None) };
        let (Some(id), Some(address)) = (link.person, link.address.clone()) else {
            return Ok(None);
        };
        let person = Person::by_id(tx, realm, id)?.filter(|person| person.active);
        let same = |person: &Person| link.password.as_ref() == Some(&person.password);
        Ok(person.filter(same).map(|person| (link, person, address)))
    });
    look.await
}

fn event(action: catalogue::Action, person: &Person) -> Event {
    let mut event = Event::new(action);
    event.resource = Some(Resource::new("user", person.actor().id));
    event
}
